//! The journal: a header line, then one line per change, in the order in which they were acknowledged.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::files::from_json;
use super::{FORMAT, Origin, StoreError, open_existing};
use crate::state::Change;

/// The first line of a journal.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: u32,
    /// Grows by one with every snapshot, so that a process notices that its replica is of an older one.
    pub(crate) generation: u64,
    /// The file with the state at the start of the journal.
    pub(crate) snapshot: String,
    pub(crate) origin: Origin,
}

/// One change and its world time.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) at: Timestamp,
    pub(crate) change: Change,
}

impl Header {
    /// The header of a new store.
    pub(crate) fn first(origin: Origin) -> Self {
        Self {
            format: FORMAT,
            generation: 1,
            snapshot: snapshot_name(1),
            origin,
        }
    }

    /// The header of the next generation.
    pub(crate) fn next(&self) -> Self {
        let generation = self.generation + 1;
        Self {
            format: FORMAT,
            generation,
            snapshot: snapshot_name(generation),
            ..self.clone()
        }
    }

    /// The header as a line.
    pub(crate) fn line(&self) -> String {
        line(self)
    }
}

/// The header of a journal and its length in bytes, or none when there is no journal.
pub(crate) fn read_header(path: &Path) -> Result<Option<(Header, u64)>, StoreError> {
    let Some(file) = open_existing(path)? else {
        return Ok(None);
    };
    let mut text = String::new();
    let length = BufReader::new(file)
        .read_line(&mut text)
        .map_err(StoreError::io("cannot read", path))?;
    let damaged = |reason: String| StoreError::Damaged {
        path: path.to_owned(),
        line: 1,
        reason,
    };
    // The format is read by itself first: a newer header may have any shape.
    let loose: Value = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
    let found = loose.get("format").and_then(Value::as_u64);
    match found {
        Some(found) if found > u64::from(FORMAT) => Err(StoreError::Newer {
            path: path.to_owned(),
            found,
        }),
        Some(_) => serde_json::from_value(loose)
            .map(|header| Some((header, length as u64)))
            .map_err(|error| damaged(error.to_string())),
        None => Err(damaged("this is not a simulator's journal".to_owned())),
    }
}

/// Where a process is in the journal.
pub(crate) struct Tail {
    offset: u64,
    lines: u64,
}

impl Tail {
    /// At the end of the header.
    pub(crate) fn new(offset: u64) -> Self {
        Self { offset, lines: 1 }
    }

    /// How many bytes of the journal have been read or written.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The changes that others have appended. A torn last line, the work of a process that was killed while it wrote, was
    /// never acknowledged and is cut off.
    pub(crate) fn read_new(&mut self, path: &Path) -> Result<Vec<Entry>, StoreError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(StoreError::io("cannot open", path))?;
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(self.offset))
            .and_then(|_| file.read_to_end(&mut text))
            .map_err(StoreError::io("cannot read", path))?;
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |last| last + 1);
        let entries = self.parse(path, &text[..whole])?;
        self.offset += whole as u64;
        self.lines += entries.len() as u64;
        if whole < text.len() {
            file.set_len(self.offset)
                .and_then(|()| file.sync_all())
                .map_err(StoreError::io("cannot cut the torn last line of", path))?;
        }
        Ok(entries)
    }

    /// Appends changes and waits until the disk has them.
    pub(crate) fn append(&mut self, path: &Path, entries: &[Entry]) -> Result<(), StoreError> {
        let text: String = entries.iter().map(line).collect();
        let mut file = OpenOptions::new()
            .append(true)
            .open(path)
            .map_err(StoreError::io("cannot open", path))?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(StoreError::io("cannot append to", path))?;
        self.offset += text.len() as u64;
        self.lines += entries.len() as u64;
        Ok(())
    }

    fn parse(&self, path: &Path, text: &[u8]) -> Result<Vec<Entry>, StoreError> {
        text.split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .enumerate()
            .map(|(index, line)| {
                from_json(line).map_err(|error| StoreError::Damaged {
                    path: path.to_owned(),
                    line: self.lines + 1 + index as u64,
                    reason: error.to_string(),
                })
            })
            .collect()
    }
}

fn snapshot_name(generation: u64) -> String {
    format!("world-{generation}.json")
}

fn line<T: Serialize>(value: &T) -> String {
    let mut text =
        serde_json::to_string(value).expect("the types of the journal have string keys only");
    text.push('\n');
    text
}
