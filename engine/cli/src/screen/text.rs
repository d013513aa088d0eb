//! Lines of text: what may be printed, how many columns it takes, where it is cut or wrapped.

/// Text without characters that move a cursor or turn the direction of writing.
pub(super) fn printable(line: &str) -> String {
    let allowed = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    line.chars()
        .map(|c| if allowed(c) { c } else { '\u{fffd}' })
        .collect()
}

/// Columns that text takes on a terminal.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(column_count).sum()
}

/// A line of at most `width` columns; where something was cut off, it ends with an ellipsis.
pub(super) fn cut(line: &str, width: usize) -> String {
    if columns(line) <= width {
        return line.to_owned();
    }
    let mut kept = fitting(line, width.saturating_sub(1)).to_owned();
    kept.push('…');
    kept
}

/// A line as lines of at most `width` columns, broken at spaces where there are any; all but the first are indented by
/// two more columns than the line was.
pub(super) fn wrap(line: &str, width: usize) -> Vec<String> {
    let indent = line.len() - line.trim_start_matches(' ').len() + 2;
    let mut lines = Vec::new();
    let mut rest = line;
    let mut room = width;
    while columns(rest) > room.max(1) {
        let fitting = fitting(rest, room.max(1));
        let at = match break_of(fitting, rest) {
            0 => fitting
                .len()
                .max(rest.chars().next().map_or(1, char::len_utf8)),
            at => at,
        };
        lines.push(indented(&rest[..at], indent, lines.is_empty()));
        rest = rest[at..].trim_start_matches(' ');
        room = width.saturating_sub(indent);
    }
    if !rest.is_empty() || lines.is_empty() {
        lines.push(indented(rest, indent, lines.is_empty()));
    }
    lines
}

/// Where to break: at the last space after the first word; 0 where there is none.
fn break_of(fitting: &str, rest: &str) -> usize {
    if rest[fitting.len()..].starts_with(' ') {
        return fitting.len();
    }
    let start = fitting.len() - fitting.trim_start_matches(' ').len();
    fitting[start..].rfind(' ').map_or(0, |at| start + at)
}

fn indented(text: &str, indent: usize, is_first: bool) -> String {
    let text = text.trim_end_matches(' ');
    if is_first {
        text.to_owned()
    } else {
        format!("{:indent$}{text}", "")
    }
}

/// The longest beginning of at most `width` columns.
fn fitting(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += column_count(c);
        if used > width {
            return &text[..at];
        }
    }
    text
}

/// Columns of one character: none for marks, two for the scripts and signs that terminals draw wide.
fn column_count(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036f | 0x200b..=0x200d | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(columns("日本 db-1"), 9);
        assert_eq!(cut("日本日本", 5), "日本…");
        assert_eq!(cut("日本", 4), "日本");
    }

    #[test]
    fn long_lines_break_at_spaces_and_keep_their_indent() {
        assert_eq!(
            wrap("  db-1  FAILED: no capacity left", 16),
            ["  db-1  FAILED:", "    no capacity", "    left"]
        );
        assert_eq!(wrap("short", 16), ["short"]);
        assert_eq!(wrap("", 16), [""]);
    }

    #[test]
    fn a_word_longer_than_the_line_is_broken() {
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "  ef", "  gh", "  ij"]);
    }

    #[test]
    fn no_width_is_too_small() {
        for width in 0..6 {
            let text = wrap("    日本 db", width).concat();
            assert_eq!(text.replace(' ', ""), "日本db");
        }
    }
}
