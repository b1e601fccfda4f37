//! Reading a JSON body strictly: what is wrong is named by place, and nothing unknown is passed over.
//!
//! | body                                   | answer                                             |
//! |----------------------------------------|----------------------------------------------------|
//! | not `application/json`                 | 415 `unsupported_media_type`                       |
//! | longer than the limit (256 KiB)        | 413 `body_too_large`, without reading the rest     |
//! | broken JSON                            | 400 `malformed_json` with line and column          |
//! | a field we do not know (the type says `deny_unknown_fields`) | 422 `unknown_field`, naming it |
//! | a value of the wrong type or missing   | 422 `invalid` on the field                         |
//! | JSON, but no object                    | 422 `invalid`                                      |
//! | `\u0000` in any text                   | 422 `nul_in_text` on the field: Postgres keeps no NUL |

use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::problem::Problem;

/// Every body of the API fits into this, except those that carry many items.
pub const LIMIT: usize = 256 * 1024;

/// A body read from JSON, of at most `MAX` bytes.
#[derive(Clone, Debug)]
pub struct Json<T, const MAX: usize = LIMIT>(pub T);

impl<S, T, const MAX: usize> FromRequest<S> for Json<T, MAX>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        parse(&read(request, MAX).await?).map(Self)
    }
}

/// The bytes of a JSON request, for a caller who needs them beside the value (to hash them).
pub async fn read(request: Request, max: usize) -> Result<Bytes, Problem> {
    if !is_json(&request) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send JSON, with the header `Content-Type: application/json`.",
        ));
    }
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > max)) {
        return Err(too_large(max));
    }
    let mut frames = request.into_body().into_data_stream();
    let mut body = BytesMut::new();
    while let Some(frame) = frames.next().await {
        let frame = frame.map_err(|_| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "incomplete_body",
                "The connection broke before the whole body arrived. Send it again.",
            )
        })?;
        if body.len() + frame.len() > max {
            return Err(too_large(max));
        }
        body.extend_from_slice(&frame);
    }
    Ok(body.freeze())
}

/// Reads an object from JSON text, with the errors of this module.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // A list would be taken for an object's values, in the order in which our code has its fields.
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first.is_some_and(|byte| *byte != b'{')
        && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
    {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "Send a JSON object: `{` … `}`.",
        ));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        refuse(&path, error.inner())
    })?;
    reader.end().map_err(|error| refuse("", &error))?;
    if holds_nul(body) {
        let whole = serde_json::from_slice(body).unwrap_or_default();
        let field = nul_at(&whole, String::new()).unwrap_or_else(|| "body".to_owned());
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "nul_in_text",
            "Text may not contain the character U+0000; take it out.",
        )
        .at(field));
    }
    Ok(value)
}

fn is_json(request: &Request) -> bool {
    let Some(kind) = request.headers().get(header::CONTENT_TYPE) else {
        return false;
    };
    let essence = kind
        .to_str()
        .unwrap_or("")
        .split(';')
        .next()
        .unwrap_or("")
        .trim();
    essence.eq_ignore_ascii_case("application/json")
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn too_large(max: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("The body may have at most {} KiB.", max / 1024),
    )
}

fn refuse(path: &str, error: &serde_json::Error) -> Problem {
    let text = without_position(error);
    match error.classify() {
        Category::Data => {
            let unknown = text
                .strip_prefix("unknown field `")
                .and_then(|rest| rest.split('`').next());
            if let Some(unknown) = unknown {
                let field = match path {
                    "." | "" => unknown.to_owned(),
                    path if path == unknown || path.ends_with(&format!(".{unknown}")) => {
                        path.to_owned()
                    }
                    path => format!("{path}.{unknown}"),
                };
                return Problem::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "unknown_field",
                    sentence(&text),
                )
                .at(field);
            }
            let problem = Problem::invalid(path, sentence(&text));
            if path == "." || path.is_empty() {
                Problem {
                    field: None,
                    ..problem
                }
            } else {
                problem
            }
        }
        Category::Syntax | Category::Eof | Category::Io => Problem::new(
            StatusCode::BAD_REQUEST,
            "malformed_json",
            format!(
                "The body is not JSON: {text} at line {}, column {}.",
                error.line(),
                error.column()
            ),
        ),
    }
}

/// serde_json ends its texts in " at line 1 column 2"; we say that ourselves where it helps.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ")
        .map_or(text.clone(), |(head, _)| head.to_owned())
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// Whether valid JSON holds the escape of NUL. (A raw NUL byte is not valid JSON.)
fn holds_nul(body: &[u8]) -> bool {
    let mut rest = body;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let escape = &rest[at + 1..];
        if escape.starts_with(b"u0000") {
            return true;
        }
        // Skips the escaped character, so that `\\u0000` (a backslash, then text) is none.
        rest = escape.get(1..).unwrap_or_default();
    }
    false
}

fn nul_at(value: &serde_json::Value, path: String) -> Option<String> {
    match value {
        serde_json::Value::String(text) => text.contains('\0').then_some(path),
        serde_json::Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| nul_at(item, format!("{path}[{index}]"))),
        serde_json::Value::Object(fields) => fields.iter().find_map(|(name, item)| {
            if name.contains('\0') {
                return Some(if path.is_empty() {
                    "body".to_owned()
                } else {
                    path.clone()
                });
            }
            let inner = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            nul_at(item, inner)
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        dish: String,
        #[serde(default, rename = "sides")]
        _sides: Vec<Side>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Side {
        #[serde(rename = "name")]
        _name: String,
    }

    fn code(body: &str) -> (u16, &'static str, Option<String>) {
        let problem = parse::<Order>(body.as_bytes()).unwrap_err();
        (problem.status.as_u16(), problem.code, problem.field)
    }

    #[test]
    fn what_is_wrong_is_named_by_place() {
        assert_eq!(parse::<Order>(br#"{"dish":"soup"}"#).unwrap().dish, "soup");
        // Lists were taken for objects whose names are left out.
        for body in [&br#"["soup"]"#[..], b" [] ", b"null", b"7", b"\"soup\""] {
            let problem = parse::<Order>(body).unwrap_err();
            let said = problem.detail.as_str();
            assert_eq!(
                (problem.status.as_u16(), said),
                (422, "Send a JSON object: `{` … `}`.")
            );
        }
        assert_eq!(parse::<Order>(b"[soup]").unwrap_err().status.as_u16(), 400);
        assert_eq!(
            code("{\"dish\":\n \"soup\",}"),
            (400, "malformed_json", None)
        );
        assert_eq!(code(r#"{"dish":"soup"} x"#), (400, "malformed_json", None));
        assert_eq!(code(""), (400, "malformed_json", None));
        assert_eq!(
            code(r#"{"dish":7}"#),
            (422, "invalid", Some("dish".to_owned()))
        );
        assert_eq!(code(r#"{"sides":[]}"#), (422, "invalid", None));
        assert_eq!(
            code(r#"{"dish":"a","sides":[{"name":"b"},{"name":"c","hot":true}]}"#),
            (422, "unknown_field", Some("sides[1].hot".to_owned()))
        );
        assert_eq!(
            code(r#"{"dish":"a","sides":[{"name":"a\u0000"}]}"#),
            (422, "nul_in_text", Some("sides[0].name".to_owned()))
        );
        let fine = parse::<Order>(br#"{"dish":"a\\u0000"}"#).unwrap();
        assert_eq!(fine.dish, "a\\u0000");
        let problem = parse::<Order>(b"{\"dish\":\n x}").unwrap_err();
        assert!(
            problem.detail.contains("line 2, column 2"),
            "{}",
            problem.detail
        );
        // Deep nesting is refused, not recursed into.
        assert_eq!(code(&"[".repeat(100_000)).0, 422);
    }

    #[tokio::test]
    async fn a_long_body_is_refused_without_reading_it_all() {
        let request = |body: Body| {
            Request::post("/")
                .header("content-type", "application/json")
                .body(body)
                .unwrap()
        };
        let long = Body::from(vec![b' '; LIMIT + 1]);
        let problem = Json::<Order>::from_request(request(long), &())
            .await
            .unwrap_err();
        assert_eq!(
            (problem.status.as_u16(), problem.code),
            (413, "body_too_large")
        );
        let endless = futures_util::stream::repeat_with(|| {
            Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b' '; 1024]))
        });
        let problem = Json::<Order>::from_request(request(Body::from_stream(endless)), &())
            .await
            .unwrap_err();
        assert_eq!(problem.status.as_u16(), 413);
        let untyped = Request::post("/").body(Body::from("{}")).unwrap();
        let problem = Json::<Order>::from_request(untyped, &()).await.unwrap_err();
        assert_eq!(problem.status.as_u16(), 415);
    }
}
