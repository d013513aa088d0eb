//! Colours of the words that tell how something stands. Nothing is said by colour alone.

const GREEN: &str = "32";
const RED: &str = "31";
const YELLOW: &str = "33";
const DIM: &str = "2";

/// A line with its status words in colour.
pub(super) fn paint(line: &str, colour: bool) -> String {
    if !colour {
        return line.to_owned();
    }
    let mut painted = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(is_word) {
        let end = rest[start..]
            .find(|c| !is_word(c))
            .map_or(rest.len(), |length| start + length);
        painted.push_str(&rest[..start]);
        let word = &rest[start..end];
        match code_of(word) {
            Some(code) => painted.push_str(&format!("\x1b[{code}m{word}\x1b[0m")),
            None => painted.push_str(word),
        }
        rest = &rest[end..];
    }
    painted.push_str(rest);
    painted
}

/// What a status word is made of, and what must not stand beside one.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

fn code_of(word: &str) -> Option<&'static str> {
    match word {
        "COMPLETED" | "LAUNCHED" => Some(GREEN),
        "FAILED" | "TIMED_OUT" | "HALTED" | "error" => Some(RED),
        "RUNNING" | "LAUNCHING" | "CANCELLING" | "CANCELLED" | "PARTIAL" => Some(YELLOW),
        "WAITING" | "NOT_LAUNCHED" => Some(DIM),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_painted() {
        let plain = "web-FAILED LAUNCHED_AT xCOMPLETED é RUNNINGé";
        assert_eq!(paint(plain, true), plain);
        assert_eq!(paint("é FAILED: no", true), "é \x1b[31mFAILED\x1b[0m: no");
        assert_eq!(paint("FAILED", false), "FAILED");
    }
}
