//! Wildcards: `*` is any text, `?` is one character.

/// Whether a text is as a pattern says.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star was, and how far the text was when it was met: a mismatch lets that star take one more.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Whether a resource is as a pattern says: `*`, or each part of the ARN for itself, so that a wildcard for an account does
/// not reach into the resource.
pub(super) fn matches_resource(pattern: &str, resource: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let (patterns, parts) = (pattern.splitn(6, ':'), resource.splitn(6, ':'));
    let (patterns, parts): (Vec<&str>, Vec<&str>) = (patterns.collect(), parts.collect());
    patterns.len() == parts.len()
        && patterns
            .iter()
            .zip(parts)
            .all(|(pattern, part)| matches(pattern, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, text, fits) in [
            ("", "", true),
            ("*", "", true),
            ("*", "anything", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*-production", "plans-production", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*ab", "aab", true),
            ("abc", "ab", false),
            ("ab", "abc", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_wildcard_stays_in_its_part_of_an_arn() {
        let table = "arn:aws:dynamodb:eu-west-1:111122223333:table/plans/index/Kind";
        for (pattern, fits) in [
            ("*", true),
            ("arn:aws:dynamodb:*:*:table/plans/*", true),
            ("arn:aws:dynamodb:*:table/plans/index/Kind", false),
            ("arn:aws:dynamodb:eu-west-?:111122223333:table/*", true),
            ("arn:aws:dynamodb:eu-west-1:444455556666:table/*", false),
            ("arn:aws:dynamodb:eu-west-1:111122223333:table/plans", false),
        ] {
            assert_eq!(matches_resource(pattern, table), fits, "{pattern}");
        }
        assert!(matches_resource("*", "*"));
        assert!(!matches_resource(
            "arn:aws:drs:eu-west-1:111122223333:job/*",
            "*"
        ));
    }
}
