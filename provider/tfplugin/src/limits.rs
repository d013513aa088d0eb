//! Every bound of the framework, in one place.
//!
//! What arrives on the wire is not trusted: depth and size are limited before anything is allocated.

use std::time::Duration;

/// Nesting of a decoded value or type constraint. Deeper input is refused.
pub const MAX_DEPTH: usize = 64;
/// Characters of a number that arrives as text.
pub const MAX_NUMBER_TEXT: usize = 4096;
/// Absolute exponent of a number that arrives as text: it bounds the digits that printing it needs.
pub const MAX_NUMBER_EXPONENT: i64 = 4096;
/// Elements that a decoder reserves room for before it has seen them.
pub const MAX_PREALLOCATED_ELEMENTS: usize = 1024;
/// Bytes of one gRPC message, in both directions. Hosts and the Go SDK use the same limit.
pub const MAX_MESSAGE_BYTES: usize = 256 << 20;
/// Bytes of one log line. Hosts do not parse longer ones.
pub const MAX_LOG_LINE_BYTES: usize = 60 << 10;
/// Bytes of one text field in a log line.
pub const MAX_LOG_FIELD_BYTES: usize = 8 << 10;
/// Bytes of a socket path. `sun_path` holds 104 on macOS and 108 on Linux, with a final zero.
pub const MAX_SOCKET_PATH_BYTES: usize = 103;
/// TLS handshake of one connection.
pub const TLS_HANDSHAKE: Duration = Duration::from_secs(10);
/// Pause after a failed `accept`, so that a lack of file descriptors does not spin.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long an exit waits for critical sections to end.
pub const CRITICAL_SECTION_GRACE: Duration = Duration::from_secs(5);
/// How long an exit waits for the answers under way to be written.
pub const DRAIN: Duration = Duration::from_millis(500);
/// How often the parent process id is looked at.
pub const PARENT_POLL: Duration = Duration::from_secs(1);
/// How long the process waits for the host's first connection. Hosts give up after one minute.
pub const FIRST_CONNECTION: Duration = Duration::from_secs(120);
/// TLS handshakes under way at once, and authenticated connections that wait to be served.
pub const MAX_HANDSHAKES: usize = 64;
/// TCP ports tried before the system chooses one.
pub const MAX_PORT_TRIES: usize = 256;
/// Names tried for the directory of the socket. Leftovers of killed processes can be in the way.
pub const MAX_SOCKET_DIRECTORY_TRIES: u32 = 100;
/// Messages of an action that wait for its host. Older ones make room.
pub const MAX_PROGRESS_MESSAGES: usize = 64;
/// Bytes of one message of an action. Longer ones are cut.
pub const MAX_PROGRESS_BYTES: usize = 16 << 10;
