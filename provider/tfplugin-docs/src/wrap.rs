//! Descriptions as lines of a page. Generated pages are read as differences, too, so they are wrapped like other prose.

/// Longest line of prose, in characters.
const WIDTH: usize = 120;

/// Wraps prose. What follows the first line is indented; code blocks, lists, tables and quotes keep their lines.
pub(crate) fn wrap(text: &str, indent: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut paragraph: Vec<&str> = Vec::new();
    let mut is_code = false;
    for line in text.trim().lines() {
        let is_fence = line.trim_start().starts_with("```");
        let is_kept = is_code || is_fence || line.trim().is_empty() || is_block(line);
        if is_fence {
            is_code = !is_code;
        }
        if is_kept {
            fill(&mut paragraph, &mut lines);
            lines.push(line.trim_end().to_owned());
        } else {
            paragraph.push(line);
        }
    }
    fill(&mut paragraph, &mut lines);
    let indented = lines.into_iter().enumerate().map(|(number, line)| {
        let is_bare = number == 0 || line.is_empty();
        if is_bare {
            line
        } else {
            format!("{indent}{line}")
        }
    });
    indented.collect::<Vec<_>>().join("\n")
}

/// Whether a line is a part of something that has lines of its own.
fn is_block(line: &str) -> bool {
    let start = line.trim_start();
    ["- ", "* ", "|", "> ", "#"]
        .iter()
        .any(|mark| start.starts_with(mark))
}

/// Moves the words of a paragraph into lines.
fn fill(paragraph: &mut Vec<&str>, lines: &mut Vec<String>) {
    let text = std::mem::take(paragraph).join(" ");
    let mut line = String::new();
    for word in words(&text) {
        let is_full = line.chars().count() + 1 + word.chars().count() > WIDTH;
        if line.is_empty() {
            line = word;
        } else if is_full && !looks_like_a_mark(&word) {
            lines.push(std::mem::replace(&mut line, word));
        } else {
            line = format!("{line} {word}");
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
}

/// Words; code between backticks, and a link, are one word.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let (mut is_code, mut is_label) = (false, false);
    for letter in text.chars() {
        match letter {
            '`' => is_code = !is_code,
            '[' if !is_code => is_label = true,
            ']' if !is_code => is_label = false,
            _ => {}
        }
        if letter == ' ' && !is_code && !is_label {
            words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
        } else {
            word.push(letter);
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

/// Whether a line that begins with this word would be a list, a heading or a callout.
fn looks_like_a_mark(word: &str) -> bool {
    let is_number = word.len() > 1
        && word.ends_with(['.', ')'])
        && word[..word.len() - 1].chars().all(|it| it.is_ascii_digit());
    let is_sign = ["-", "*", "+", ">", "->", "~>", "!>"].contains(&word);
    is_number || is_sign || word.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_wrapped_and_everything_else_kept() {
        let long = "word ".repeat(30);
        let text = format!(
            "{long}\nend.\n\n```terraform\n{}\n```\n\nLast.",
            "x".repeat(150)
        );
        let wrapped = wrap(&text, "  ");
        let expected = format!(
            "{}\n  {}end.\n\n  ```terraform\n  {}\n  ```\n\n  Last.",
            "word ".repeat(24).trim_end(),
            "word ".repeat(6),
            "x".repeat(150)
        );
        assert_eq!(wrapped, expected);
    }

    #[test]
    fn code_and_labels_stay_in_one_line() {
        let text = format!("{} `a b c` and [some label](x.md)", "w".repeat(115));
        let wrapped = wrap(&text, "");
        assert!(
            wrapped.ends_with("\n`a b c` and [some label](x.md)"),
            "{wrapped}"
        );
    }

    #[test]
    fn no_line_begins_like_a_list() {
        let text = format!("{} 15. and on", "w".repeat(119));
        assert_eq!(wrap(&text, ""), format!("{} 15.\nand on", "w".repeat(119)));
    }
}
