//! The start of a plugin: what the host says in the environment, and the one line of answer.

use std::io::{self, Write as _};

use super::listener::Endpoint;
use crate::logging;

const COOKIE: &str = "TF_PLUGIN_MAGIC_COOKIE";
/// Not a secret: it keeps people from starting a plugin by hand.
const COOKIE_VALUE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
/// The go-plugin protocol and the Terraform protocol that are spoken here.
const CORE_VERSION: u32 = 1;
pub(super) const PROTOCOL_VERSION: u32 = 6;

/// What the host says in the environment.
#[derive(Debug, Default)]
pub(super) struct Invitation {
    /// The only certificate to accept. None means plain text: the host turned TLS off.
    pub(super) client_certificate: Option<String>,
    /// The TCP ports that the host allows.
    pub(super) ports: Option<(u16, u16)>,
    /// Where the host wants sockets to be.
    pub(super) socket_directory: Option<String>,
}

impl Invitation {
    /// Reads the environment; none when no host started this process.
    pub(super) fn from_env() -> Option<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if variable(COOKIE)? != COOKIE_VALUE {
            return None;
        }
        let versions = variable("PLUGIN_PROTOCOL_VERSIONS").unwrap_or_default();
        if !speaks(&versions) {
            // Answering with our version lets the host print the mismatch in its own words.
            logging::write_line(&format!(
                "the host speaks protocol {versions}, this provider {PROTOCOL_VERSION}"
            ));
        }
        let port = |name: &str| variable(name).and_then(|text| text.parse::<u16>().ok());
        Some(Self {
            client_certificate: variable("PLUGIN_CLIENT_CERT"),
            ports: port("PLUGIN_MIN_PORT").zip(port("PLUGIN_MAX_PORT")),
            socket_directory: variable("PLUGIN_UNIX_SOCKET_DIR"),
        })
    }

    /// No host at all: debug mode.
    pub(super) fn none() -> Self {
        Self::default()
    }
}

/// Whether our version is in the list. Its order means nothing. No list is an old way to say any.
fn speaks(versions: &str) -> bool {
    versions.is_empty()
        || versions
            .split(',')
            .any(|version| version.trim().parse() == Ok(PROTOCOL_VERSION))
}

/// Tells a person who started the binary by hand what it is.
pub(super) fn explain(address: &str) {
    logging::write_line(&format!(
        "This binary is a plugin: the provider {address}.\n\
         It is not meant to be started by hand. Terraform and OpenTofu start it when a configuration \
         requires it.\n\
         To attach a debugger, start it with -debug and follow what it prints."
    ));
}

/// Prints the line that the host waits for. Nothing may be printed before it.
pub(super) fn print(endpoint: &Endpoint, certificate: Option<&[u8]>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", line(endpoint, certificate))?;
    out.flush()
}

fn line(endpoint: &Endpoint, certificate: Option<&[u8]>) -> String {
    let certificate = certificate.map(base64).unwrap_or_default();
    format!(
        "{CORE_VERSION}|{PROTOCOL_VERSION}|{}|{}|grpc|{certificate}",
        endpoint.network(),
        endpoint.address()
    )
}

/// Standard base64 without padding: the form that the host's parser takes.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for position in 0..=chunk.len() {
            let index = word >> (18 - 6 * position) & 63;
            out.push(char::from(ALPHABET[index as usize]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_has_the_standard_alphabet_and_no_padding() {
        let cases: [(&[u8], &str); 6] = [
            (b"", ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg"),
            (&[0xfb, 0xff], "+/8"),
        ];
        for (bytes, text) in cases {
            assert_eq!(base64(bytes), text);
        }
    }

    #[test]
    fn versions_are_a_set() {
        for versions in ["6", "5,6", "6,5", "", "4, 6"] {
            assert!(speaks(versions), "{versions:?}");
        }
        for versions in ["5", "16", "5,60"] {
            assert!(!speaks(versions), "{versions:?}");
        }
    }

    #[test]
    fn the_line_has_six_fields() {
        let endpoint = Endpoint::Tcp(([127, 0, 0, 1], 10000).into());
        assert_eq!(
            line(&endpoint, Some(b"foo")),
            "1|6|tcp|127.0.0.1:10000|grpc|Zm9v"
        );
        assert_eq!(line(&endpoint, None), "1|6|tcp|127.0.0.1:10000|grpc|");
    }
}
