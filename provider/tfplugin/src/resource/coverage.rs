//! Whether a model has a field for every attribute of its schema.
//!
//! A missing field would not fail: the attribute would silently be written as null.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    path::Path,
    schema::{Attribute, Attributes, Kind, Nesting},
    value::{Type, Value, ser, shape::Shape},
};

/// The attributes that the model has no field for, and the model's refusal of a plausible value.
pub(crate) fn gaps<M: Serialize + DeserializeOwned>(attributes: &Attributes) -> Vec<String> {
    let model: M = match filled(attributes) {
        Ok(model) => model,
        Err(refusal) => return vec![refusal],
    };
    let mut found = Vec::new();
    match ser::to_value(&model) {
        Ok(written) => missing(attributes, &written, &Path::root(), &mut found),
        Err(error) => found.push(format!("the model cannot be written: {error}")),
    }
    found
}

/// The same for a model that is only read and never written. Only its outermost fields can be seen.
pub(crate) fn unread<M: DeserializeOwned>(attributes: &Attributes) -> Vec<String> {
    let mut found: Vec<String> = filled::<M>(attributes).err().into_iter().collect();
    if let Shape::Fields(fields) = Shape::of::<M>() {
        let missing = attributes
            .keys()
            .filter(|name| !fields.contains(&name.as_str()));
        found.extend(missing.map(|name| format!("the model has no field for {name}")));
    }
    found
}

/// A model with plausible values, or why it cannot hold them.
fn filled<M: DeserializeOwned>(attributes: &Attributes) -> Result<M, String> {
    sample(attributes)
        .to_model()
        .map_err(|error| format!("the model cannot hold a value that the schema allows: {error}"))
}

fn missing(attributes: &Attributes, written: &Value, at: &Path, found: &mut Vec<String>) {
    let (Value::Object(fields) | Value::Map(fields)) = written else {
        return;
    };
    for (name, attribute) in attributes {
        let path = at.clone().attribute(name);
        let Some(value) = fields.get(name) else {
            found.push(format!("the model has no field for {path}"));
            continue;
        };
        match &attribute.kind {
            Kind::Nested(Nesting::Single, inner) => missing(inner, value, &path, found),
            Kind::Nested(_, inner) => value
                .children()
                .for_each(|item| missing(inner, item, &path, found)),
            Kind::Plain(_) => {}
        }
    }
}

/// A value with one object in every nested attribute, and null wherever nothing is required.
fn sample(attributes: &Attributes) -> Value {
    Value::object(
        attributes
            .iter()
            .map(|(name, attribute)| (name, one(attribute))),
    )
}

fn one(attribute: &Attribute) -> Value {
    match &attribute.kind {
        Kind::Nested(nesting, inner) => match nesting {
            Nesting::Single => sample(inner),
            Nesting::List => Value::List(vec![sample(inner)]),
            Nesting::Set => Value::set([sample(inner)]),
            Nesting::Map => Value::map([("key", sample(inner))]),
        },
        // A required text may be an enum in the model, so no text would be sure to fit.
        Kind::Plain(Type::String) if attribute.required => Value::unknown(),
        Kind::Plain(ty) if attribute.required => plain(ty),
        Kind::Plain(_) => Value::Null,
    }
}

fn plain(ty: &Type) -> Value {
    match ty {
        Type::Bool => Value::Bool(false),
        Type::Number => Value::from(0),
        Type::List(_) => Value::List(Vec::new()),
        Type::Set(_) => Value::Set(Vec::new()),
        Type::Map(_) => Value::Map(Default::default()),
        _ => Value::unknown(),
    }
}
