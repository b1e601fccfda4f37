//! The page: operations by tag, then the types they speak of.

use std::fmt::Write as _;

use serde_json::Value;

use super::example;
use super::schema::{self, Kind};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The whole page.
pub(super) fn render(document: &Value) -> String {
    let title = text(&document["info"]["title"]);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} API</title>\n<link rel=\"stylesheet\" href=\"/api/v1/docs.css\">\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#operations\">To the operations</a>\n\
         <header><h1>{title} API <small>{}</small></h1>{}\
         <p>For programs: <a href=\"/api/v1/openapi.json\">openapi.json</a>.</p></header>\n",
        text(&document["info"]["version"]),
        prose(&document["info"]["description"]),
    );
    let operations = operations(document);
    contents(&mut page, &operations);
    page.push_str("<main id=\"operations\">\n");
    let mut tag = "";
    for operation in &operations {
        if operation.tag != tag {
            if !tag.is_empty() {
                page.push_str("</section>\n");
            }
            tag = operation.tag;
            let _ = write!(
                page,
                "<section aria-labelledby=\"tag-{tag}\">\n<h2 id=\"tag-{tag}\">{tag}</h2>\n"
            );
        }
        article(&mut page, document, operation);
    }
    if !tag.is_empty() {
        page.push_str("</section>\n");
    }
    types(&mut page, document);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

struct Operation<'a> {
    tag: &'a str,
    method: &'static str,
    path: String,
    id: String,
    of: &'a Value,
}

/// By tag, in the order of the document within.
fn operations(document: &Value) -> Vec<Operation<'_>> {
    let base = document["servers"][0]["url"].as_str().unwrap_or_default();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            if let Some(of) = item.get(method) {
                let name: String = path
                    .chars()
                    .map(|letter| {
                        if letter.is_ascii_alphanumeric() {
                            letter
                        } else {
                            '-'
                        }
                    })
                    .collect();
                all.push(Operation {
                    tag: of["tags"][0].as_str().unwrap_or("other"),
                    method,
                    path: format!("{base}{path}"),
                    id: format!("{method}{name}"),
                    of,
                });
            }
        }
    }
    all.sort_by_key(|operation| operation.tag);
    all
}

fn contents(page: &mut String, operations: &[Operation<'_>]) {
    page.push_str("<nav aria-label=\"Operations\"><ul>\n");
    for Operation {
        method,
        path,
        id,
        of,
        ..
    } in operations
    {
        let _ = writeln!(
            page,
            "<li><a href=\"#{id}\"><code><b class=\"{method}\">{}</b> {}</code></a> {}</li>",
            method.to_uppercase(),
            escape(path),
            text(&of["summary"])
        );
    }
    page.push_str("</ul></nav>\n");
}

fn article(page: &mut String, document: &Value, operation: &Operation<'_>) {
    let Operation {
        method,
        path,
        id,
        of,
        ..
    } = operation;
    let _ = write!(
        page,
        "<article aria-labelledby=\"{id}\">\n<h3 id=\"{id}\">{}</h3>\n\
         <p class=\"path\"><code><b class=\"{method}\">{}</b> {}</code></p>\n{}",
        text(&of["summary"]),
        method.to_uppercase(),
        escape(path),
        prose(&of["description"]),
    );
    if let Some(parameters) = of["parameters"].as_array() {
        let rows = parameters.iter().map(|one| Row {
            name: one["name"].as_str().unwrap_or_default(),
            kind: format!("{}, in the {}", linked(&one["schema"]), text(&one["in"])),
            required: one["required"] == true,
            about: prose(&one["description"]),
        });
        table(page, "Parameters", rows);
    }
    let body = &of["requestBody"]["content"]["application/json"]["schema"];
    if !body.is_null() {
        let _ = writeln!(page, "<p>Body: {}</p>", linked(body));
        field_table(page, document, "Fields of the body", body);
    }
    page.push_str("<table><caption>Answers</caption><thead><tr><th scope=\"col\">Status</th><th scope=\"col\">When</th><th scope=\"col\">Body</th></tr></thead><tbody>\n");
    for (status, answer) in of["responses"].as_object().into_iter().flatten() {
        let content = answer["content"].as_object();
        let body = content.and_then(|content| content.values().next());
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td></tr>",
            escape(status),
            prose(&answer["description"]),
            body.map_or_else(String::new, |body| linked(&body["schema"])),
        );
    }
    page.push_str("</tbody></table>\n");
    curl(page, document, operation, body);
    page.push_str("</article>\n");
}

fn curl(page: &mut String, document: &Value, operation: &Operation<'_>, body: &Value) {
    let mut line = format!(
        "curl -H \"Authorization: Bearer $TOKEN\" \\\n  -X {} http://localhost:7420{}",
        operation.method.to_uppercase(),
        operation.path
    );
    if !body.is_null() {
        let example = example::of(document, body);
        // In single quotes for the shell; none of our examples holds one.
        let _ = write!(
            line,
            " \\\n  -H 'Content-Type: application/json' \\\n  -d '{example:#}'"
        );
    }
    let _ = writeln!(
        page,
        "<pre tabindex=\"0\" aria-label=\"Example call\"><code>{}</code></pre>",
        escape(&line)
    );
}

/// Every named type, so that every link leads somewhere.
fn types(page: &mut String, document: &Value) {
    page.push_str("<section aria-labelledby=\"types\">\n<h2 id=\"types\">Types</h2>\n");
    let schemas = document["components"]["schemas"].as_object();
    for (name, schema) in schemas.into_iter().flatten() {
        let _ = write!(
            page,
            "<article aria-labelledby=\"type-{name}\">\n<h3 id=\"type-{name}\">{name}</h3>\n{}",
            prose(&schema["description"])
        );
        if let Kind::OneOf(_) = schema::kind(schema) {
            let _ = writeln!(page, "<p>{}</p>", linked(schema));
        }
        field_table(page, document, &format!("Fields of {name}"), schema);
        page.push_str("</article>\n");
    }
    page.push_str("</section>\n");
}

struct Row<'a> {
    name: &'a str,
    kind: String,
    required: bool,
    about: String,
}

fn field_table(page: &mut String, document: &Value, caption: &str, schema: &Value) {
    let fields = schema::fields(document, schema);
    let rows = fields.iter().map(|field| Row {
        name: field.name,
        kind: linked(field.schema),
        required: field.required,
        about: prose(&field.schema["description"]),
    });
    table(page, caption, rows);
}

fn table<'a>(page: &mut String, caption: &str, rows: impl Iterator<Item = Row<'a>>) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    let _ = writeln!(
        page,
        "<table><caption>{}</caption><thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Type</th><th scope=\"col\">What it is</th></tr></thead><tbody>",
        escape(caption)
    );
    for row in rows {
        let need = if row.required {
            " <span class=\"need\">required</span>"
        } else {
            ""
        };
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\"><code>{}</code>{need}</th><td>{}</td><td>{}</td></tr>",
            escape(row.name),
            row.kind,
            row.about
        );
    }
    page.push_str("</tbody></table>\n");
}

/// The type in words, with links to those that have names.
fn linked(schema: &Value) -> String {
    fn words(kind: Kind<'_>) -> String {
        match kind {
            Kind::Plain(words) => escape(&words),
            Kind::Named(name) => format!("<a href=\"#type-{name}\">{name}</a>"),
            Kind::ListOf(inner) => format!("list of {}", words(*inner)),
            Kind::OneOf(kinds) => {
                let all: Vec<String> = kinds.into_iter().map(words).collect();
                all.join(" or ")
            }
        }
    }
    words(schema::kind(schema))
}

/// A description: paragraphs, and code between backticks. Everything else is plain text.
fn prose(value: &Value) -> String {
    let mut html = String::new();
    let all = value.as_str().unwrap_or_default();
    for paragraph in all.split("\n\n").filter(|text| !text.trim().is_empty()) {
        html.push_str("<p>");
        for (index, part) in paragraph.trim().split('`').enumerate() {
            let part = escape(part);
            if index % 2 == 1 {
                let _ = write!(html, "<code>{part}</code>");
            } else {
                html.push_str(&part);
            }
        }
        html.push_str("</p>");
    }
    html
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter => safe.push(letter),
        }
    }
    safe
}
