//! The rules that hosts enforce when they load a schema, so that a mistake fails a test and not a user.

use super::{Attribute, Attributes, Kind, Nesting, Schema};
use crate::{path::Path, value::Type};

/// Names that Terraform keeps for itself at the top level of a resource.
const RESERVED: [&str; 7] = [
    "connection",
    "count",
    "depends_on",
    "for_each",
    "lifecycle",
    "provider",
    "provisioner",
];

/// Everything that is wrong with a schema, each with its place. Empty means that hosts accept it.
#[must_use]
pub fn check(schema: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    if schema.version < 0 {
        found.push("the schema version is negative".to_owned());
    }
    for name in schema
        .attributes
        .keys()
        .filter(|name| RESERVED.contains(&name.as_str()))
    {
        found.push(format!("{name}: the name is reserved by Terraform"));
    }
    check_attributes(&schema.attributes, &Path::root(), false, &mut found);
    found
}

/// The same for the schema of an action, which has nowhere to keep what is computed.
#[must_use]
pub fn check_action(schema: &Schema) -> Vec<String> {
    let mut found = check(schema);
    only_configured(&schema.attributes, &Path::root(), &mut found);
    found
}

fn only_configured(attributes: &Attributes, at: &Path, found: &mut Vec<String>) {
    for (name, attribute) in attributes {
        let path = at.clone().attribute(name);
        if attribute.default.is_some() {
            found.push(format!("{path}: an action has no defaults on the wire"));
        } else if attribute.computed {
            found.push(format!("{path}: an action computes no attributes"));
        }
        if !attribute.modifiers.is_empty() {
            found.push(format!("{path}: an action plans no attributes"));
        }
        if let Kind::Nested(_, inner) = &attribute.kind {
            only_configured(inner, &path, found);
        }
    }
}

fn check_attributes(attributes: &Attributes, at: &Path, in_set: bool, found: &mut Vec<String>) {
    for (name, attribute) in attributes {
        let path = at.clone().attribute(name);
        let rules = rules(name, attribute, in_set);
        found.extend(rules.into_iter().map(|rule| format!("{path}: {rule}")));
        if let Kind::Nested(nesting, inner) = &attribute.kind {
            check_attributes(inner, &path, in_set || *nesting == Nesting::Set, found);
        }
    }
}

fn rules(name: &str, a: &Attribute, in_set: bool) -> Vec<&'static str> {
    let dynamic_in_set = match &a.kind {
        Kind::Plain(ty) => set_of_dynamic(ty) || (in_set && ty.has_dynamic()),
        Kind::Nested(..) => false,
    };
    let default_fits = a.default.as_ref().is_none_or(|value| {
        value
            .clone()
            .conform(&a.ty())
            .is_ok_and(|v| &v == value && v.is_wholly_known())
    });
    let broken = [
        (
            !is_name(name),
            "the name must be lower-case letters, digits and underscores, not beginning with a digit",
        ),
        (
            !(a.required || a.optional || a.computed),
            "must be required, optional or computed",
        ),
        (
            a.required && a.optional,
            "cannot be both required and optional",
        ),
        (
            a.required && a.computed,
            "cannot be both required and computed",
        ),
        (
            a.write_only && a.computed,
            "a write-only attribute cannot be computed",
        ),
        (
            a.write_only && in_set,
            "a set cannot hold write-only attributes",
        ),
        (
            a.write_only && a.default.is_some(),
            "a write-only attribute cannot have a default",
        ),
        (dynamic_in_set, "a set cannot hold dynamic types"),
        (
            !default_fits,
            "the default is not a known value of the attribute's type",
        ),
        (
            a.default.is_some() && !(a.optional && a.computed),
            "a default needs optional and computed",
        ),
        (
            a.deprecated.as_ref().is_some_and(String::is_empty),
            "the deprecation message is empty",
        ),
    ];
    broken
        .into_iter()
        .filter(|(is_broken, _)| *is_broken)
        .map(|(_, rule)| rule)
        .collect()
}

/// Whether a set somewhere in a type has elements whose type is not fixed. Hosts refuse that everywhere.
pub(crate) fn set_of_dynamic(ty: &Type) -> bool {
    match ty {
        Type::Set(inner) => inner.has_dynamic(),
        Type::List(inner) | Type::Map(inner) => set_of_dynamic(inner),
        Type::Object(attributes) => attributes.values().any(set_of_dynamic),
        Type::Tuple(items) => items.iter().any(set_of_dynamic),
        _ => false,
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_lowercase() || b == b'_')
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_only_has_what_is_configured() {
        let inner = [("c", Attribute::string().computed())];
        let schema = Schema::new("")
            .attribute("good", Attribute::string().required())
            .attribute("secret", Attribute::string().optional().write_only())
            .attribute("default", Attribute::number().default_value(1_i64))
            .attribute("replace", Attribute::string().required().requires_replace())
            .attribute("nested", Attribute::list_nested(inner).optional());
        let found = check_action(&schema);
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(
            found.iter().any(|f| f.starts_with("nested.c: ")),
            "{found:#?}"
        );
    }

    #[test]
    fn every_broken_rule_is_found() {
        let schema = Schema::new("")
            .version(-1)
            .attribute("count", Attribute::string().optional())
            .attribute("Bad", Attribute::string().optional())
            .attribute("nobody", Attribute::string())
            .attribute("both", Attribute::string().required().optional())
            .attribute("rc", Attribute::string().required().computed())
            .attribute("wo", Attribute::string().computed().write_only())
            .attribute("dyn", Attribute::set(Type::Dynamic).optional())
            .attribute("def", Attribute::string().default_value(1_i64))
            .attribute(
                "set",
                Attribute::set_nested([("s", Attribute::string().optional().write_only())])
                    .optional(),
            );
        let found = check(&schema);
        assert_eq!(found.len(), 10, "{found:#?}");
        assert!(
            found
                .iter()
                .any(|f| f.starts_with("set.s: a set cannot hold")),
            "{found:#?}"
        );
    }
}
