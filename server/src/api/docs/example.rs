//! An example body: what the fields' own examples say, and what is required.

use serde_json::{Map, Value, json};

use super::schema::{fields, resolve};

/// Deep enough for every body we have; a schema that contains itself ends here.
const DEEPEST: usize = 5;

/// A value that fits the schema.
pub(super) fn of(document: &Value, schema: &Value) -> Value {
    within(document, schema, DEEPEST)
}

fn within(document: &Value, schema: &Value, depth: usize) -> Value {
    let schema = resolve(document, schema);
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if depth == 0 {
        return Value::Null;
    }
    if let Some(first) = schema["oneOf"].get(0) {
        return within(document, first, depth - 1);
    }
    match schema["type"].as_str() {
        Some("array") => json!([within(document, &schema["items"], depth - 1)]),
        Some("string") if schema["format"] == "uuid" => {
            json!("01890a5d-ac96-774b-bcce-b302099a8057")
        }
        Some("string") => json!("…"),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(false),
        _ => {
            let mut object = Map::new();
            for field in fields(document, schema) {
                if field.required || field.schema.get("example").is_some() {
                    let value = within(document, field.schema, depth - 1);
                    object.insert(field.name.to_owned(), value);
                }
            }
            Value::Object(object)
        }
    }
}
