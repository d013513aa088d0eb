//! Debug mode: a host attaches to this process instead of starting its own.

use std::io::{self, Write as _};

use serde_json::json;

use super::{handshake::PROTOCOL_VERSION, listener::Endpoint};

/// Prints the variable that makes a host attach.
pub(super) fn print(address: &str, endpoint: &Endpoint) -> io::Result<()> {
    let attach = json!({
        address: {
            "Protocol": "grpc",
            "ProtocolVersion": PROTOCOL_VERSION,
            "Pid": std::process::id(),
            "Test": true,
            "Addr": { "Network": endpoint.network(), "String": endpoint.address() },
        }
    });
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "The provider runs in debug mode. Set this variable where you run Terraform or OpenTofu:\n"
    )?;
    writeln!(out, "TF_REATTACH_PROVIDERS='{attach}'\n")?;
    writeln!(out, "End it with Ctrl-C.")?;
    out.flush()
}
