//! Pages of a list: where one is, and links to the neighbours.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use super::number::grouped;

/// Rows on a page of the console.
const PER_PAGE: i64 = 50;
/// The server counts no further.
pub const COUNTED: i64 = 10_000;

/// `1–50 of 439`, or `1–50 of 10,000+`.
#[must_use]
pub fn span_of(page: u32, rows: usize, total: i64) -> String {
    let first = i64::from(page) * PER_PAGE + 1;
    let last = first + i64::try_from(rows).unwrap_or(0) - 1;
    if rows == 0 {
        return "None".to_owned();
    }
    let total = if total >= COUNTED {
        format!("{}+. Search to get an exact count.", grouped(COUNTED))
    } else {
        grouped(total)
    };
    format!("{}–{} of {total}", grouped(first), grouped(last))
}

/// The line under a list.
#[component]
pub fn Pager(
    /// From 0.
    page: u32,
    /// Rows on this page.
    #[prop(into)]
    rows: Signal<usize>,
    /// All that match.
    #[prop(into)]
    total: Signal<i64>,
    /// Address of a page.
    href: impl Fn(u32, &str) -> String,
    /// What was searched.
    #[prop(into)]
    search: String,
) -> impl IntoView {
    let back = page.checked_sub(1).map(|page| href(page, &search));
    let onwards = href(page + 1, &search);
    let more = move || (i64::from(page) + 1) * PER_PAGE < total.get();
    view! {
        <nav class="pager" aria-label="Pages">
            <span class="num">{move || span_of(page, rows.get(), total.get())}</span>
            <span class="grow"></span>
            {back
                .map(|back| {
                    view! {
                        <a class="btn quiet sm" href=back>
                            <Icon glyph=Glyph::ChevronLeft />
                            "Previous"
                        </a>
                    }
                })}
            {move || {
                more()
                    .then(|| {
                        view! {
                            <a class="btn quiet sm" href=onwards.clone()>
                                "Next"
                                <Icon glyph=Glyph::ChevronRight />
                            </a>
                        }
                    })
            }}
        </nav>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        assert_eq!(span_of(0, 50, 439), "1–50 of 439");
        assert_eq!(span_of(8, 39, 439), "401–439 of 439");
        assert_eq!(
            span_of(0, 50, 10_000),
            "1–50 of 10,000+. Search to get an exact count."
        );
        assert_eq!(span_of(0, 0, 0), "None");
    }
}
