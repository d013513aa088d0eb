//! Chance that nobody can foresee, for tokens and for ids that must differ between processes.

use std::io;

/// Bytes from the operating system.
pub(crate) fn bytes() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}
