//! Tags of our own items, with the defaults of the provider block.

use std::collections::BTreeMap;

use tfplugin::{Attr, Attribute, Type};

/// Tags by key.
pub(crate) type Tags = BTreeMap<String, String>;

/// The `tags` attribute.
pub(crate) fn tags() -> Attribute {
    Attribute::map(Type::String).optional().describe(
        "Tags of this object. A tag here wins over one of the provider's `default_tags`. Default: none.",
    )
}

/// The `tags_all` attribute.
pub(crate) fn tags_all() -> Attribute {
    Attribute::map(Type::String)
        .computed()
        .describe("All tags of this object, with those of the provider's `default_tags`.")
}

/// All tags that an object gets.
pub(crate) fn all(defaults: &Attr<Tags>, own: &Attr<Tags>) -> Attr<Tags> {
    if defaults.is_unknown() || own.is_unknown() {
        return Attr::Unknown;
    }
    let mut tags = defaults.known().cloned().unwrap_or_default();
    tags.extend(own.known().cloned().unwrap_or_default());
    Attr::Known(tags)
}

/// The `tags` to show for an object that has `stored` tags: what was configured where that still explains them, else what
/// the defaults do not explain. Of defaults that are not known yet nothing can be told apart, so only tags that were
/// configured are looked at.
pub(crate) fn own(defaults: &Attr<Tags>, before: &Attr<Tags>, stored: &Tags) -> Attr<Tags> {
    if all(defaults, before).known() == Some(stored) {
        return before.clone();
    }
    let mut rest = stored.clone();
    match defaults {
        Attr::Unknown => {
            let configured = before.known();
            rest.retain(|key, _| configured.is_some_and(|tags| tags.contains_key(key)));
            if configured == Some(&rest) {
                return before.clone();
            }
        }
        Attr::Null => {}
        Attr::Known(defaults) => rest.retain(|key, value| defaults.get(key) != Some(value)),
    }
    if rest.is_empty() {
        Attr::Null
    } else {
        Attr::Known(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn own_tags_win_over_defaults() {
        let defaults = Attr::Known(tags(&[("team", "dr"), ("env", "prod")]));
        let own = Attr::Known(tags(&[("env", "test")]));
        assert_eq!(
            all(&defaults, &own),
            Attr::Known(tags(&[("team", "dr"), ("env", "test")]))
        );
        assert_eq!(all(&defaults, &Attr::Null), defaults);
        assert_eq!(all(&Attr::Unknown, &own), Attr::Unknown);
        assert_eq!(all(&defaults, &Attr::Unknown), Attr::Unknown);
    }

    #[test]
    fn reading_back_shows_what_was_configured() {
        let defaults = Attr::Known(tags(&[("team", "dr")]));
        for configured in [
            Attr::Null,
            Attr::Known(Tags::new()),
            Attr::Known(tags(&[("team", "dr")])),
            Attr::Known(tags(&[("a", "b")])),
        ] {
            let stored = all(&defaults, &configured).into_known().unwrap();
            assert_eq!(own(&defaults, &configured, &stored), configured);
        }
    }

    #[test]
    fn drift_and_imports_show_what_the_defaults_do_not_explain() {
        let defaults = Attr::Known(tags(&[("team", "dr")]));
        assert_eq!(
            own(&defaults, &Attr::Null, &tags(&[("team", "dr"), ("x", "y")])),
            Attr::Known(tags(&[("x", "y")]))
        );
        assert_eq!(
            own(
                &defaults,
                &Attr::Known(tags(&[("a", "b")])),
                &tags(&[("team", "dr")])
            ),
            Attr::Null
        );
    }
    #[test]
    fn while_defaults_are_not_known_only_configured_tags_are_looked_at() {
        let stored = tags(&[("team", "dr"), ("a", "changed")]);
        let own = |before: &Attr<Tags>| own(&Attr::Unknown, before, &stored);
        assert_eq!(own(&Attr::Null), Attr::Null);
        assert_eq!(own(&Attr::Known(Tags::new())), Attr::Known(Tags::new()));
        assert_eq!(
            own(&Attr::Known(tags(&[("a", "b")]))),
            Attr::Known(tags(&[("a", "changed")]))
        );
    }
}
