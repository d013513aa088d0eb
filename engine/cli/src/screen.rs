//! The standard output: plain lines for a pipe, a frame that redraws itself on a terminal.
//!
//! [`redraw`] is pure: from what stands on the screen, the new text and the size it makes the bytes to send. Host names
//! come from the machines themselves, so nothing is printed with control characters in it.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write};

mod paint;
mod text;

use paint::paint;
use text::{cut, printable, wrap};

/// Size of a terminal that does not say its own.
const USUAL: Size = Size {
    columns: 80,
    rows: 24,
};
/// Longest lines that wrapped text has, however wide the terminal is.
const READABLE: usize = 120;

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// Columns of a line.
    pub(crate) columns: usize,
    /// Lines.
    pub(crate) rows: usize,
}

/// A frame that stands on the screen: how many rows it has, and how large the terminal was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    rows: usize,
    size: Size,
}

/// Where a command prints.
pub(crate) struct Screen {
    out: Box<dyn Write + Send>,
    terminal: Option<Terminal>,
    colour: bool,
    frame: Option<Frame>,
    reader: Reader,
}

/// What a reader that goes away means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// The command ends: it works for the reader.
    Needed,
    /// The command goes on: it does more than to print.
    Optional,
    /// It is gone, and nothing is printed any more.
    Gone,
}

/// Where a command prints that has something to say while it works.
pub(crate) struct Outputs {
    /// What people read.
    pub(crate) people: Screen,
    /// Where one document goes at the end, when a program reads the standard output.
    pub(crate) document: Option<Screen>,
}

impl Outputs {
    /// People read the standard output, except when it is for a program: then the standard error.
    pub(crate) fn standard(for_a_program: bool) -> Self {
        if for_a_program {
            Self {
                people: Screen::beside(),
                document: Some(Screen::standard()),
            }
        } else {
            Self {
                people: Screen::standard(),
                document: None,
            }
        }
    }

    /// Prints the document, where one is wanted.
    pub(crate) fn print_document(
        &mut self,
        value: impl FnOnce() -> serde_json::Value,
    ) -> io::Result<()> {
        match &mut self.document {
            Some(screen) => screen.print_raw(&format!("{}\n", value())),
            None => Ok(()),
        }
    }
}

/// How the size of a terminal is found; it may change at any time.
type Terminal = fn() -> Size;

impl Screen {
    /// The standard output of this process.
    pub(crate) fn standard() -> Self {
        let is_terminal = io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            out: Box::new(io::stdout()),
            terminal: (is_terminal && !dumb).then_some(size_of_standard_output as Terminal),
            colour: is_terminal && !plain && !dumb,
            frame: None,
            reader: Reader::Needed,
        }
    }

    /// The standard error, as lines: for people, while the standard output is for a program.
    pub(crate) fn beside() -> Self {
        Self {
            out: Box::new(io::stderr()),
            terminal: None,
            colour: false,
            frame: None,
            reader: Reader::Optional,
        }
    }

    /// From now on the command goes on when nobody can read what it prints.
    pub(crate) fn outlive_reader(&mut self) {
        self.reader = Reader::Optional;
    }

    #[cfg(test)]
    pub(crate) fn of(out: Box<dyn Write + Send>, terminal: Option<Terminal>) -> Self {
        Self {
            out,
            terminal,
            colour: false,
            frame: None,
            reader: Reader::Needed,
        }
    }

    /// The size of the terminal; none when the output is not one.
    pub(crate) fn size(&self) -> Option<Size> {
        self.terminal.map(|size| size())
    }

    /// Prints text below everything; on a terminal long lines are wrapped, and nothing is lost.
    pub(crate) fn print(&mut self, text: &str) -> io::Result<()> {
        let width = self.size().map(|size| size.columns.min(READABLE));
        self.put(text, |line| match width {
            Some(width) => wrap(line, width),
            None => vec![line.to_owned()],
        })
    }

    /// Prints text below everything; on a terminal long lines are cut.
    pub(crate) fn print_cut(&mut self, text: &str) -> io::Result<()> {
        let width = self.size().map(|size| size.columns);
        self.put(text, |line| match width {
            Some(width) => vec![cut(line, width)],
            None => vec![line.to_owned()],
        })
    }

    /// Prints text as it is, e.g. JSON.
    pub(crate) fn print_raw(&mut self, text: &str) -> io::Result<()> {
        self.send(text.as_bytes())
    }

    /// Tells a person something that is no output: on the standard error.
    #[cfg(feature = "simulator")]
    pub(crate) fn note(&mut self, text: &str) {
        let mut lines = String::new();
        for line in text.lines() {
            lines.push_str(&printable(line));
            lines.push('\n');
        }
        // Nobody reads it: that is no reason to stop.
        let _ = io::stderr().write_all(lines.as_bytes());
    }

    /// Puts text in place of the frame that stands on the terminal.
    pub(crate) fn draw(&mut self, text: &str) -> io::Result<()> {
        let size = self.size().unwrap_or(USUAL);
        let (bytes, frame) = redraw(self.frame, text, size, self.colour);
        self.frame = Some(frame);
        self.send(bytes.as_bytes())
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.reader == Reader::Gone {
            return Ok(());
        }
        let sent = self.out.write_all(bytes).and_then(|()| self.out.flush());
        match sent {
            Err(_) if self.reader == Reader::Optional => {
                self.reader = Reader::Gone;
                Ok(())
            }
            sent => sent,
        }
    }

    fn put(&mut self, text: &str, arrange: impl Fn(&str) -> Vec<String>) -> io::Result<()> {
        self.frame = None;
        let mut bytes = String::new();
        for line in text.lines() {
            for line in arrange(&printable(line)) {
                bytes.push_str(&paint(&line, self.colour));
                bytes.push('\n');
            }
        }
        self.send(bytes.as_bytes())
    }
}

/// The bytes that put new text in place of a frame, and the frame that stands then.
///
/// The cursor is expected, and left, at the beginning of the line below the frame. Lines are cut to the width, so that
/// each takes one row. Where a terminal puts lines when its size changes is its own business, so the screen is cleared
/// then.
fn redraw(previous: Option<Frame>, text: &str, size: Size, colour: bool) -> (String, Frame) {
    let mut bytes = match previous {
        Some(frame) if frame.size != size => "\x1b[H\x1b[2J".to_owned(),
        Some(frame) if frame.rows > 0 => format!("\x1b[{}A", frame.rows),
        _ => String::new(),
    };
    let mut rows = 0;
    for line in text.lines().take(size.rows.saturating_sub(1)) {
        let line = cut(&printable(line), size.columns.max(1));
        // The line is erased before it is written: afterwards the cursor may wait at its end to wrap.
        let _ = write!(bytes, "\r\x1b[2K{}\r\n", paint(&line, colour));
        rows += 1;
    }
    bytes.push_str("\x1b[J");
    (bytes, Frame { rows, size })
}

fn size_of_standard_output() -> Size {
    terminal_size::terminal_size_of(io::stdout()).map_or(USUAL, |(width, height)| Size {
        columns: usize::from(width.0).max(1),
        rows: usize::from(height.0).max(2),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        columns: 10,
        rows: 5,
    };

    fn visible(bytes: &str) -> String {
        bytes.replace('\x1b', "^")
    }

    fn frame(rows: usize) -> Frame {
        Frame { rows, size: SIZE }
    }

    #[test]
    fn the_first_frame_moves_nothing() {
        let (bytes, after) = redraw(None, "one\ntwo\n", SIZE, false);
        assert_eq!(visible(&bytes), "\r^[2Kone\r\n\r^[2Ktwo\r\n^[J");
        assert_eq!(after, frame(2));
    }

    #[test]
    fn a_shorter_frame_clears_what_is_below_it() {
        let (bytes, after) = redraw(Some(frame(3)), "one", SIZE, false);
        assert_eq!(visible(&bytes), "^[3A\r^[2Kone\r\n^[J");
        assert_eq!(after, frame(1));
    }

    #[test]
    fn lines_are_cut_to_the_width_and_to_the_height() {
        let text = "0123456789\n0123456789a\nthree\nfour\nfive\nsix\n";
        let (bytes, after) = redraw(None, text, SIZE, false);
        assert_eq!(
            visible(&bytes),
            "\r^[2K0123456789\r\n\r^[2K012345678…\r\n\r^[2Kthree\r\n\r^[2Kfour\r\n^[J"
        );
        assert_eq!(after, frame(4));
    }

    #[test]
    fn a_terminal_whose_size_changed_is_cleared() {
        let wide = Size {
            columns: 20,
            rows: 5,
        };
        let (bytes, _) = redraw(Some(frame(3)), "x", wide, false);
        assert_eq!(visible(&bytes), "^[H^[2J\r^[2Kx\r\n^[J");
    }

    #[test]
    fn escape_sequences_in_names_reach_no_terminal() {
        let (bytes, _) = redraw(None, "db\x1b[2J\u{202e}-1", SIZE, false);
        assert_eq!(visible(&bytes), "\r^[2Kdb\u{fffd}[2J\u{fffd}-1\r\n^[J");
    }

    #[test]
    fn a_command_that_does_more_than_to_print_outlives_its_reader() {
        struct Gone;

        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let mut screen = Screen::of(Box::new(Gone), None);
        assert!(screen.print("a line").is_err());
        screen.outlive_reader();
        assert!(screen.print("a line").is_ok());
        assert!(screen.print_raw("another").is_ok());
    }

    #[test]
    fn colour_does_not_count_as_width() {
        let size = Size {
            columns: 12,
            rows: 5,
        };
        let (bytes, _) = redraw(None, "db-1 FAILED!", size, true);
        assert_eq!(visible(&bytes), "\r^[2Kdb-1 ^[31mFAILED^[0m!\r\n^[J");
    }
}
