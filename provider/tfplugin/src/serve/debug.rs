//! Debug mode: a host attaches to this process instead of starting its own.

use std::io::{self, Write as _};

use serde_json::{Map, Value as Json, json};

use super::{handshake::PROTOCOL_VERSION, listener::Endpoint};

const TERRAFORM: &str = "registry.terraform.io/";
const OPENTOFU: &str = "registry.opentofu.org/";

/// Prints the variable that makes a host attach.
pub(super) fn print(address: &str, endpoint: &Endpoint) -> io::Result<()> {
    let attach = json!({
        "Protocol": "grpc",
        "ProtocolVersion": PROTOCOL_VERSION,
        "Pid": std::process::id(),
        "Test": true,
        "Addr": { "Network": endpoint.network(), "String": endpoint.address() },
    });
    let entries = names(address).map(|name| (name, attach.clone()));
    let variable = Json::Object(entries.collect::<Map<_, _>>());
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "The provider runs in debug mode. Set this variable where you run Terraform or OpenTofu:\n"
    )?;
    writeln!(out, "TF_REATTACH_PROVIDERS='{variable}'\n")?;
    writeln!(out, "End it with Ctrl-C.")?;
    out.flush()
}

/// What a configuration without the name of a registry means by this provider, in Terraform and in OpenTofu. A host passes
/// over names that it has no use for.
fn names(address: &str) -> impl Iterator<Item = String> {
    let tofu = address.strip_prefix(TERRAFORM);
    let tofu = tofu.map(|rest| format!("{OPENTOFU}{rest}"));
    [address.to_owned()].into_iter().chain(tofu)
}
