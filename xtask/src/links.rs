//! Links between the repository's own pages: the file and the heading they name must be there. Addresses elsewhere are
//! not asked for, so that a check never needs the network.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use crate::command::{command, output};
use crate::place;
use crate::step::Outcome;

/// What a page offers, and what it asks for.
#[derive(Debug, Default)]
struct Page {
    headings: BTreeSet<String>,
    links: Vec<String>,
}

impl Page {
    fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut heading: Option<String> = None;
        for event in Parser::new(text) {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let slug = slug(&heading.take().unwrap_or_default());
                    let again = (1..).map(|nth| format!("{slug}-{nth}"));
                    let free = std::iter::once(slug.clone())
                        .chain(again)
                        .find(|slug| !page.headings.contains(slug));
                    page.headings.extend(free);
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        page
    }
}

/// A heading's name as repositories' web pages make it: lower case, words joined by hyphens, other signs dropped.
fn slug(heading: &str) -> String {
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    let lower = heading.to_lowercase();
    lower
        .chars()
        .filter(kept)
        .collect::<String>()
        .replace(' ', "-")
}

/// `docs/a/../b.md` as `docs/b.md`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// What is wrong with a page's links, a line each.
fn broken(
    at: &Path,
    page: &Page,
    pages: &BTreeMap<PathBuf, Page>,
    is_there: impl Fn(&Path) -> bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for link in &page.links {
        // `https:`, `mailto:`; and what a server answers, such as `/api/v1/docs`.
        if link.contains(':') || link.starts_with('/') {
            continue;
        }
        let (path, heading) = link.split_once('#').unwrap_or((link, ""));
        let to = match path {
            "" => at.to_owned(),
            path => plain(&at.parent().unwrap_or(Path::new("")).join(path)),
        };
        let fault = match pages.get(&to) {
            _ if !is_there(&to) => "no such file",
            Some(page) if !heading.is_empty() && !page.headings.contains(heading) => {
                "no such heading"
            }
            _ => continue,
        };
        wrong.push(format!("{}: ({link}): {fault}", at.display()));
    }
    wrong
}

/// Every page that is committed, or about to be.
pub(crate) fn check() -> Result<Outcome> {
    let listed = output(command("git").args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "*.md",
    ]))?;
    let mut pages = BTreeMap::new();
    for path in listed.lines().map(PathBuf::from) {
        let file = place::root().join(&path);
        if file.is_file() {
            let text = fs::read_to_string(&file).with_context(|| path.display().to_string())?;
            pages.insert(path, Page::read(&text));
        }
    }
    let there = |path: &Path| place::root().join(path).exists();
    let wrong: Vec<String> = pages
        .iter()
        .flat_map(|(at, page)| broken(at, page, &pages, there))
        .collect();
    if !wrong.is_empty() {
        bail!("links lead nowhere:\n{}", wrong.join("\n"));
    }
    Ok(Outcome::DoneWith(format!("{} pages", pages.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_needs_its_file_and_its_heading() {
        let here = "# One `a_b` two\n## Again\n## Again\n[1](other.md#it-s) [2](#one-a_b-two)\n\
                    [3](#again-1) [4](#again-2) [5](gone.md) [6](https://elsewhere/x.md)\n\
                    ```sh\n# no heading [7](nothing.md)\n```\n![8](../pictures/one.png)";
        let at = PathBuf::from("docs/in/here.md");
        let pages = BTreeMap::from([
            (at.clone(), Page::read(here)),
            (PathBuf::from("docs/in/other.md"), Page::read("# It's")),
        ]);
        let there =
            |path: &Path| pages.contains_key(path) || path == Path::new("docs/pictures/one.png");
        assert_eq!(
            broken(&at, &pages[&at], &pages, there),
            [
                "docs/in/here.md: (other.md#it-s): no such heading",
                "docs/in/here.md: (#again-2): no such heading",
                "docs/in/here.md: (gone.md): no such file",
            ]
        );
    }
}
