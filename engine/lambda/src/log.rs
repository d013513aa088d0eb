//! Lines of JSON for CloudWatch Logs: each carries the ids by which one execution, and one call, is found.
//!
//! Nothing that lets anybody do something stands in a line: tokens of Step Functions and session tokens are long words
//! that no other text has, and are cut out of every text, wherever it comes from.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Longest word of a text that is shown. ARNs have punctuation that ends a word; tokens do not.
const LONGEST_WORD: usize = 96;

/// How much a line weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Something happened.
    Info,
    /// Something will be tried again.
    Warning,
    /// Somebody should look.
    Error,
}

/// Writes lines that carry the ids of a call.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    ids: Map<String, Value>,
}

impl Log {
    /// The log of one call.
    pub(crate) fn new(request_id: &str) -> Self {
        let mut ids = Map::new();
        ids.insert("request_id".to_owned(), json!(request_id));
        Self { ids }
    }

    /// The same with one more id in every line.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut log = self.clone();
        log.ids.insert(name.to_owned(), json!(value));
        log
    }

    /// Writes a line.
    pub(crate) fn line(&self, level: Level, message: &str, fields: Value) {
        println!("{}", self.text(Timestamp::now(), level, message, fields));
    }

    fn text(&self, at: Timestamp, level: Level, message: &str, fields: Value) -> Value {
        let mut line = self.ids.clone();
        line.insert("timestamp".to_owned(), json!(at.to_string()));
        line.insert("level".to_owned(), json!(level.as_str()));
        line.insert("message".to_owned(), json!(redacted(message)));
        if let Value::Object(fields) = fields {
            line.extend(fields.into_iter().map(|(name, value)| (name, clean(value))));
        }
        Value::Object(line)
    }
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warning => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// A value without anything that must not be shown.
fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redacted(&text)),
        Value::Array(list) => list.into_iter().map(clean).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(name, value)| (name, clean(value)))
            .collect(),
        other => other,
    }
}

/// A text without the words that are as long as tokens.
pub(crate) fn redacted(text: &str) -> String {
    let is_of_word =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-');
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word);
        shown.push_str(if word.len() > LONGEST_WORD {
            "[redacted]"
        } else {
            word
        });
        let other = after.find(is_of_word).unwrap_or(after.len());
        shown.push_str(&after[..other]);
        rest = &after[other..];
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_carries_the_ids_and_no_token() {
        let token = "AAAAKgAAAAIAAAAA".repeat(20);
        let log = Log::new("r-1").with("execution_id", "x-1");
        let at = "2026-03-01T10:00:00Z".parse().expect("it is a time");
        let fields = json!({"error": format!("InvalidToken: '{token}' is not known"), "list": [{"deep": token}]});
        let line = log.text(at, Level::Warning, "busy", fields).to_string();
        assert!(!line.contains(&token), "{line}");
        insta::assert_snapshot!(line);
    }

    #[test]
    fn what_is_no_token_stays_as_it_is() {
        for text in [
            "",
            "arn:aws:states:us-east-1:111122223333:execution:drs-default-drill:execution-0123456789abcdef0123456789abcdef-1",
            "Lag of \u{fc}ber 3 Stunden; s-1234567890abcdef0, s-1234567890abcdef1",
        ] {
            assert_eq!(redacted(text), text);
        }
    }
}
