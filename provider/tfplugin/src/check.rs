//! The rules that Terraform applies to a provider's plans and states, as functions.
//!
//! Hosts report a broken rule as "Provider produced invalid plan" or "Provider produced inconsistent
//! result after apply", to the user and at the worst moment. [`testing::Host`](crate::testing::Host)
//! calls these functions at every step, so that a test reports it first.

use std::fmt;

use crate::{
    identity::IdentitySchema,
    path::{Path, Step},
    schema::{Attribute, Attributes, Kind, Schema},
    value::Value,
};

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where.
    pub path: Path,
    /// What is wrong.
    pub rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.rule)
    }
}

/// What is wrong with a planned state, given the configuration and the prior state.
#[must_use]
pub fn plan(schema: &Schema, config: &Value, prior: &Value, planned: &Value) -> Vec<Violation> {
    let mut check = Check::default();
    match (config.is_null(), planned.is_null()) {
        (true, true) => {}
        (true, false) => check.broken(
            &Path::root(),
            "planned to exist, but the configuration says otherwise",
        ),
        (false, true) => check.broken(
            &Path::root(),
            "planned to be absent, but the configuration says otherwise",
        ),
        (false, false) => {
            check.attributes(&schema.attributes, config, prior, planned, &Path::root())
        }
    }
    check.found
}

/// What is wrong with the paths that force a replacement: each must lead somewhere.
#[must_use]
pub fn requires_replace(prior: &Value, planned: &Value, paths: &[Path]) -> Vec<Violation> {
    let leads_nowhere = |path: &&Path| at(prior, path).is_none() && at(planned, path).is_none();
    let found = paths.iter().filter(leads_nowhere);
    found
        .map(|path| Violation {
            path: path.clone(),
            rule: "forces a replacement, but does not exist".into(),
        })
        .collect()
}

/// Whether a path counts as a reason to replace: its value really changes.
#[must_use]
pub fn really_changes(prior: &Value, planned: &Value, path: &Path) -> bool {
    at(prior, path) != at(planned, path)
}

/// What differs between the first plan and the one made during apply, where what was known must stay.
#[must_use]
pub fn final_plan(first: &Value, last: &Value) -> Vec<Violation> {
    let mut check = Check::default();
    check.kept(
        first,
        last,
        &Path::root(),
        "the plan during apply differs from the plan that was shown",
    );
    check.found
}

/// What is wrong with the state after apply, given the planned state.
#[must_use]
pub fn apply(schema: &Schema, planned: &Value, state: &Value) -> Vec<Violation> {
    let mut check = Check {
        found: self::state(schema, state),
    };
    check.kept(
        planned,
        state,
        &Path::root(),
        "the state after apply differs from the plan",
    );
    check.found
}

/// What is wrong with a state by itself.
#[must_use]
pub fn state(schema: &Schema, state: &Value) -> Vec<Violation> {
    let mut check = Check::default();
    if !state.is_wholly_known() {
        check.broken(&Path::root(), "a state holds an unknown value");
    }
    if let Err(error) = state.clone().conform(&schema.ty()) {
        check.broken(&error.path, &error.reason);
    }
    if &crate::plan::without_write_only(&schema.attributes, state.clone()) != state {
        check.broken(&Path::root(), "a state holds a write-only value");
    }
    check.found
}

/// What is wrong with the identity beside a state or a plan. `before` is what it was, or what was planned;
/// null means none in both. A plan holds no unknown values either: Terraform 1.15 cannot show such a plan.
#[must_use]
pub fn identity(schema: Option<&IdentitySchema>, before: &Value, after: &Value) -> Vec<Violation> {
    let mut check = Check::default();
    let root = Path::root();
    let Some(schema) = schema else {
        if !after.is_null() {
            check.broken(&root, "an identity without an identity schema");
        }
        return check.found;
    };
    if after.is_null() {
        if !before.is_null() {
            check.broken(&root, "the identity is lost");
        }
        return check.found;
    }
    if !after.is_wholly_known() {
        check.broken(&root, "an identity holds an unknown value");
    }
    if let Err(error) = after.clone().conform(&schema.ty()) {
        check.broken(&error.path, &error.reason);
    }
    for name in schema.missing(after) {
        check.broken(&Path::from(name), "required in an identity, but null");
    }
    if !before.is_null() {
        check.kept(before, after, &root, "an identity must not change");
    }
    check.found
}

#[derive(Default)]
struct Check {
    found: Vec<Violation>,
}

impl Check {
    fn broken(&mut self, path: &Path, rule: &str) {
        self.found.push(Violation {
            path: path.clone(),
            rule: rule.to_owned(),
        });
    }

    fn attributes(
        &mut self,
        attributes: &Attributes,
        config: &Value,
        prior: &Value,
        planned: &Value,
        at: &Path,
    ) {
        for (name, attribute) in attributes {
            let path = at.clone().attribute(name);
            let (config, prior) = (config.attribute(name), prior.attribute(name));
            self.attribute(attribute, config, prior, planned.attribute(name), &path);
        }
    }

    fn attribute(
        &mut self,
        attribute: &Attribute,
        config: &Value,
        prior: &Value,
        planned: &Value,
        path: &Path,
    ) {
        if attribute.write_only {
            if !planned.is_null() {
                self.broken(path, "a write-only attribute is planned");
            }
            return;
        }
        let accepted = planned == config || (!config.is_null() && planned == prior);
        if accepted || (config.is_null() && attribute.computed) {
            return;
        }
        if config.is_null() {
            return self.broken(path, "planned, but neither configured nor computed");
        }
        match &attribute.kind {
            Kind::Nested(_, inner) => self.nested(inner, config, prior, planned, path),
            Kind::Plain(_) => self.broken(path, "planned with another value than is configured"),
        }
    }

    fn nested(
        &mut self,
        inner: &Attributes,
        config: &Value,
        prior: &Value,
        planned: &Value,
        path: &Path,
    ) {
        match (config, planned) {
            (Value::Object(_), Value::Object(_)) => {
                self.attributes(inner, config, prior, planned, path)
            }
            (Value::List(configs), Value::List(plans)) if configs.len() == plans.len() => {
                for (index, (config, planned)) in configs.iter().zip(plans).enumerate() {
                    let path = path.clone().index(index);
                    let prior = step(prior, &Step::Index(index)).unwrap_or(&Value::Null);
                    self.attributes(inner, config, prior, planned, &path);
                }
            }
            (Value::Map(configs), Value::Map(plans)) if configs.keys().eq(plans.keys()) => {
                for (key, config) in configs {
                    let path = path.clone().key(key);
                    self.attributes(
                        inner,
                        config,
                        prior.attribute(key),
                        planned.attribute(key),
                        &path,
                    );
                }
            }
            (Value::Set(configs), Value::Set(plans)) if configs.len() == plans.len() => {
                for planned in plans {
                    let fits = configs.iter().any(|config| fits(inner, config, planned));
                    if !fits {
                        self.broken(
                            &path.clone().element(),
                            "planned, but no configured element is like it",
                        );
                    }
                }
            }
            _ => self.broken(path, "planned with another shape than is configured"),
        }
    }

    /// Whatever `before` knows, `after` must say too.
    fn kept(&mut self, before: &Value, after: &Value, path: &Path, rule: &str) {
        match (before, after) {
            (before, _) if before.is_unknown() => {}
            (Value::Object(old), Value::Object(new)) => {
                for (name, before) in old {
                    let after = new.get(name).unwrap_or(&Value::Null);
                    self.kept(before, after, &path.clone().attribute(name), rule);
                }
            }
            (Value::Map(old), Value::Map(new)) if old.keys().eq(new.keys()) => {
                for (key, before) in old {
                    self.kept(before, &new[key], &path.clone().key(key), rule);
                }
            }
            (Value::List(old), Value::List(new)) if old.len() == new.len() => {
                for (index, (before, after)) in old.iter().zip(new).enumerate() {
                    self.kept(before, after, &path.clone().index(index), rule);
                }
            }
            // Unknown elements may turn out to be equal, so a set may shrink when it holds any.
            (Value::Set(old), Value::Set(new))
                if !before.is_wholly_known() && new.len() <= old.len() =>
            {
                for before in old {
                    if !new.iter().any(|after| could_become(before, after)) {
                        self.broken(&path.clone().element(), rule);
                    }
                }
            }
            (before, after) if before == after => {}
            _ => self.broken(path, rule),
        }
    }
}

/// Whether a planned set element can come from a configured one.
fn fits(attributes: &Attributes, config: &Value, planned: &Value) -> bool {
    let mut check = Check::default();
    check.attributes(attributes, config, &Value::Null, planned, &Path::root());
    check.found.is_empty()
}

fn could_become(before: &Value, after: &Value) -> bool {
    let mut check = Check::default();
    check.kept(before, after, &Path::root(), "");
    check.found.is_empty()
}

/// The value at a path, if there is one.
fn at<'a>(value: &'a Value, path: &Path) -> Option<&'a Value> {
    path.steps()
        .iter()
        .try_fold(value, |value, next| step(value, next))
}

fn step<'a>(value: &'a Value, next: &Step) -> Option<&'a Value> {
    match (value, next) {
        (Value::Object(entries), Step::Attribute(name))
        | (Value::Map(entries), Step::Key(name)) => entries.get(name),
        (Value::List(items) | Value::Tuple(items), Step::Index(index)) => items.get(*index),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attribute, Type};

    fn schema() -> Schema {
        Schema::new("")
            .attribute("set_by_user", Attribute::string().optional())
            .attribute("either", Attribute::string().optional().computed())
            .attribute("secret", Attribute::string().optional().write_only())
            .attribute("tags", Attribute::set(Type::String).optional())
            .attribute(
                "nested",
                Attribute::list_nested([
                    ("k", Attribute::string().required()),
                    ("v", Attribute::string().computed()),
                ])
                .optional(),
            )
    }

    fn object(pairs: &[(&str, Value)]) -> Value {
        Value::object(pairs.iter().cloned())
            .conform(&schema().ty())
            .unwrap()
    }

    fn rules(config: &[(&str, Value)], prior: &Value, planned: &[(&str, Value)]) -> Vec<String> {
        let found = plan(&schema(), &object(config), prior, &object(planned));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn plans_must_follow_the_configuration() {
        let a = [("set_by_user", "a".into()), ("either", "b".into())];
        assert!(rules(&a, &Value::Null, &a).is_empty());
        let other = [("set_by_user", "A".into()), ("either", "B".into())];
        assert_eq!(rules(&a, &Value::Null, &other).len(), 2);
        assert!(
            rules(&a, &object(&other), &other).is_empty(),
            "the prior value may stay"
        );
        assert!(rules(&[], &Value::Null, &[("either", Value::unknown())]).is_empty());
        assert_eq!(rules(&[], &Value::Null, &a[..1]).len(), 1);
        assert_eq!(
            rules(
                &[("secret", "s".into())],
                &Value::Null,
                &[("secret", "s".into())]
            )
            .len(),
            1
        );
    }

    #[test]
    fn nested_plans_keep_the_shape() {
        let item = |v: Value| Value::object([("k", Value::from("x")), ("v", v)]);
        let config = [("nested", Value::List(vec![item(Value::Null)]))];
        assert!(
            rules(
                &config,
                &Value::Null,
                &[("nested", Value::List(vec![item(Value::unknown())]))]
            )
            .is_empty()
        );
        assert_eq!(
            rules(&config, &Value::Null, &[("nested", Value::List(vec![]))]).len(),
            1
        );
    }

    #[test]
    fn results_must_follow_the_plan() {
        let planned = object(&[("set_by_user", "a".into()), ("either", Value::unknown())]);
        let state = object(&[("set_by_user", "a".into()), ("either", "x".into())]);
        assert!(apply(&schema(), &planned, &state).is_empty());
        assert_eq!(
            apply(&schema(), &planned, &object(&[("either", "x".into())])).len(),
            1
        );
        assert!(
            !apply(&schema(), &planned, &planned).is_empty(),
            "a state must be known"
        );
        assert_eq!(
            final_plan(&state, &planned).len(),
            1,
            "what was known must stay known"
        );
    }

    #[test]
    fn identities_are_whole_known_and_do_not_change() {
        let schema = IdentitySchema::new(0)
            .required_for_import("id", Type::String, "")
            .optional_for_import("zone", Type::String, "");
        let of = |id: Value| Value::object([("id", id), ("zone", Value::Null)]);
        let rules = |before: &Value, after: &Value| identity(Some(&schema), before, after).len();
        let one = of("1".into());
        assert_eq!(rules(&Value::Null, &one), 0);
        assert_eq!(rules(&one, &one), 0);
        assert_eq!(rules(&Value::Null, &of(Value::unknown())), 1);
        assert_eq!(rules(&Value::Null, &of(Value::Null)), 1);
        assert_eq!(rules(&one, &of("2".into())), 1);
        assert_eq!(rules(&one, &Value::Null), 1);
        assert_eq!(identity(None, &Value::Null, &one).len(), 1);
    }

    #[test]
    fn replacement_paths_must_exist() {
        let state = object(&[]);
        let paths = [Path::from("either"), Path::from("nested").index(3)];
        assert_eq!(requires_replace(&state, &state, &paths).len(), 1);
        assert!(!really_changes(&state, &state, &paths[0]));
    }
}
