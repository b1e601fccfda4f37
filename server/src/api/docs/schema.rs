//! Reading JSON Schema as far as our own document uses it.

use serde_json::Value;

/// A field of an object.
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) schema: &'a Value,
    pub(super) required: bool,
}

/// What a `$ref` points at; anything else is itself.
pub(super) fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match reference(schema) {
        Some(name) => &document["components"]["schemas"][name],
        None => schema,
    }
}

/// The name a `$ref` points at, also through a nullable wrapper.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    if let Some(path) = schema["$ref"].as_str() {
        return path.rsplit('/').next();
    }
    let choices = schema["oneOf"].as_array()?;
    let mut real = choices.iter().filter(|choice| choice["type"] != "null");
    let only = real.next().filter(|_| real.next().is_none())?;
    reference(only)
}

/// The fields of an object, those of `allOf` parts (a flattened struct) included.
pub(super) fn fields<'a>(document: &'a Value, schema: &'a Value) -> Vec<Field<'a>> {
    let schema = resolve(document, schema);
    let required = schema["required"].as_array();
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|one| one == name));
    let mut all: Vec<Field<'a>> = Vec::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        all.extend(fields(document, part));
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        all.push(Field {
            name,
            schema,
            required: is_required(name),
        });
    }
    all
}

/// What kind of value, as [`Kind::Plain`] words or the name of a schema to link to.
pub(super) enum Kind<'a> {
    Plain(String),
    Named(&'a str),
    ListOf(Box<Kind<'a>>),
    OneOf(Vec<Kind<'a>>),
}

pub(super) fn kind(schema: &Value) -> Kind<'_> {
    if let Some(name) = reference(schema) {
        return Kind::Named(name);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let real = choices.iter().filter(|choice| choice["type"] != "null");
        return Kind::OneOf(real.map(kind).collect());
    }
    let words: Vec<&str> = match &schema["type"] {
        Value::String(word) => vec![word],
        Value::Array(words) => words
            .iter()
            .filter_map(Value::as_str)
            .filter(|word| *word != "null")
            .collect(),
        _ => Vec::new(),
    };
    match words.as_slice() {
        ["array"] => Kind::ListOf(Box::new(kind(&schema["items"]))),
        [word] => Kind::Plain(match schema["format"].as_str() {
            Some(format) => format!("{word} ({format})"),
            None => (*word).to_owned(),
        }),
        _ => Kind::Plain("any".to_owned()),
    }
}
