//! Digests of configuration and of frozen resolutions.
//!
//! A digest is SHA-256 over the compact JSON of a value. Struct fields are written in declaration order and maps are
//! ordered, so equal values have equal digests on every machine and in every version; golden tests hold them fixed.

use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The digest of a value, 64 hexadecimal digits.
pub fn of<T: Serialize>(value: &T) -> String {
    // Plain data with string keys always serialises; an empty text would only make two broken values equal.
    let json = serde_json::to_vec(value).unwrap_or_default();
    Sha256::digest(&json)
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
