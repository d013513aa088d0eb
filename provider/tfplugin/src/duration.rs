//! Durations as people write them in configurations: `45s`, `90m`, `1h30m`.
//!
//! Terraform has no type for them. By convention they are text in the form that Go reads.

use std::time::Duration;

use crate::{schema::validator, value::Value};

/// Characters of a duration. What is longer is a mistake.
const MAX_TEXT: usize = 64;

/// Text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a duration such as \"45s\", \"90m\" or \"1h30m\"")]
pub struct InvalidDuration;

/// Reads a duration: numbers with a unit of `ms`, `s`, `m` or `h`, one after the other.
///
/// # Errors
/// When the text is anything else. Signs are refused: nothing lasts less than no time.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    if text.is_empty() || text.len() > MAX_TEXT {
        return Err(InvalidDuration);
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (part, after) = first_part(rest)?;
        total = total.checked_add(part).ok_or(InvalidDuration)?;
        rest = after;
    }
    Ok(total)
}

/// A validator for an attribute that holds a duration from `min` to `max`.
pub fn between(min: Duration, max: Duration) -> impl validator::Validator + 'static {
    let (least, most) = (text(min), text(max));
    let rule = format!("must be a duration such as \"90m\" or \"1h30m\", from {least} to {most}");
    validator::check(rule, move |value| match value {
        Value::String(text) => parse(text).is_ok_and(|duration| (min..=max).contains(&duration)),
        _ => false,
    })
}

/// A duration as [`parse`] reads it, in whole seconds.
#[must_use]
pub fn text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let text: String = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect();
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

/// The duration at the beginning of a text, and what follows it.
fn first_part(text: &str) -> Result<(Duration, &str), InvalidDuration> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .ok_or(InvalidDuration)?;
    let (number, rest) = text.split_at(digits);
    let unit = rest
        .find(|c: char| c.is_ascii_digit() || c == '.')
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit);
    let unit = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(InvalidDuration),
    };
    let number: f64 = number.parse().map_err(|_| InvalidDuration)?;
    let duration = Duration::try_from_secs_f64(number * unit).map_err(|_| InvalidDuration)?;
    Ok((duration, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let cases = [
            ("45s", 45),
            ("90m", 5400),
            ("1h30m", 5400),
            ("1.5h", 5400),
            ("2h45m10s", 9910),
            ("0s", 0),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for (written, seconds) in [("1h30m", 5400), ("192h", 691_200), ("0s", 0), ("1m1s", 61)] {
            assert_eq!(text(Duration::from_secs(seconds)), written);
        }
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        for text in [
            "",
            "5",
            "m",
            "-5m",
            "5 m",
            "1d",
            "1h30",
            "1..5h",
            "99999999999999999999999h",
            "5M",
        ] {
            assert_eq!(parse(text), Err(InvalidDuration), "{text}");
        }
    }
}
