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
pub(crate) fn all(defaults: &Tags, own: &Attr<Tags>) -> Attr<Tags> {
    match own {
        Attr::Unknown => Attr::Unknown,
        Attr::Null => Attr::Known(defaults.clone()),
        Attr::Known(own) => {
            let mut tags = defaults.clone();
            tags.extend(own.clone());
            Attr::Known(tags)
        }
    }
}

/// The `tags` to show for an object that has `stored` tags: what was configured where that still explains them, else what
/// the defaults do not explain.
pub(crate) fn own(defaults: &Tags, before: &Attr<Tags>, stored: &Tags) -> Attr<Tags> {
    if all(defaults, before).known() == Some(stored) {
        return before.clone();
    }
    let mut rest = stored.clone();
    rest.retain(|key, value| defaults.get(key) != Some(value));
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
        let defaults = tags(&[("team", "dr"), ("env", "prod")]);
        let own = Attr::Known(tags(&[("env", "test")]));
        assert_eq!(
            all(&defaults, &own),
            Attr::Known(tags(&[("team", "dr"), ("env", "test")]))
        );
        assert_eq!(all(&defaults, &Attr::Null), Attr::Known(defaults.clone()));
        assert_eq!(all(&defaults, &Attr::Unknown), Attr::Unknown);
    }

    #[test]
    fn reading_back_shows_what_was_configured() {
        let defaults = tags(&[("team", "dr")]);
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
        let defaults = tags(&[("team", "dr")]);
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
}
