//! Words of a POSIX shell, for what people are told to type.

/// A value as one word, always in quotes.
pub(crate) fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}

/// A value as one word, in quotes only where it needs them.
pub(crate) fn word(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        value.to_owned()
    } else {
        quoted(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_word_of_a_shell() {
        assert_eq!(quoted("plain"), "'plain'");
        assert_eq!(quoted("it's $(x)"), "'it'\\''s $(x)'");
        assert_eq!(
            word("db-1=pit-0123456789abcdef0"),
            "db-1=pit-0123456789abcdef0"
        );
        assert_eq!(word("wave two"), "'wave two'");
        assert_eq!(word(""), "''");
    }
}
