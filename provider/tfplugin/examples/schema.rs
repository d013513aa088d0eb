//! Asks a provider for its schemas and says how long that takes: `schema PATH [STARTS]`.
//!
//! Each start is a process of its own, because a host starts one for nearly everything it does and asks each for its
//! schemas. The first call makes them; a later one of the same process finds them made.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tfplugin_proto::tfplugin6::{self as pb, provider_client::ProviderClient};
use tonic::transport::{Channel, Endpoint};

/// What a host sets; it is no secret.
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
const STARTS: usize = 21;
/// Larger than any answer.
const ANSWER_BYTES: usize = 64 << 20;

/// What one process took.
struct Took {
    first: Duration,
    later: Duration,
    bytes: usize,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut given = std::env::args().skip(1);
    let path = given.next().ok_or("the path of a provider is missing")?;
    let starts = given.next().map_or(Ok(STARTS), |text| text.parse())?;
    let mut took = Vec::new();
    for _ in 0..starts.max(1) {
        took.push(ask(&path).await?);
    }
    let first = median(took.iter().map(|took| took.first));
    let later = median(took.iter().map(|took| took.later));
    let bytes = took.first().map_or(0, |took| took.bytes);
    println!(
        "| GetProviderSchema, first call of a process | {:.1} ms | {} kB |",
        first.as_secs_f64() * 1e3,
        bytes / 1_000
    );
    println!(
        "| GetProviderSchema, a later call | {:.1} ms | |",
        later.as_secs_f64() * 1e3
    );
    Ok(())
}

/// A process that ends with this.
struct Provider(Child);

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn ask(path: &str) -> Result<Took, Box<dyn std::error::Error>> {
    let mut provider = Provider(
        Command::new(path)
            .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
            .env("PLUGIN_PROTOCOL_VERSIONS", "6")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?,
    );
    let stdout = provider.0.stdout.take().ok_or("no standard output")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let mut fields = line.split('|').skip(2);
    let (Some(network), Some(address)) = (fields.next(), fields.next()) else {
        return Err(format!("{line:?} is not the line of a plugin").into());
    };
    let endpoint = match network {
        "unix" => Endpoint::from_shared(format!("unix:{address}"))?,
        _ => Endpoint::from_shared(format!("http://{address}"))?,
    };
    let channel = endpoint.connect().await?;
    let mut client = ProviderClient::new(channel).max_decoding_message_size(ANSWER_BYTES);
    let (first, bytes) = once(&mut client).await?;
    let (later, _) = once(&mut client).await?;
    Ok(Took {
        first,
        later,
        bytes,
    })
}

async fn once(
    client: &mut ProviderClient<Channel>,
) -> Result<(Duration, usize), Box<dyn std::error::Error>> {
    use prost::Message as _;

    let began = Instant::now();
    let answer = client
        .get_provider_schema(pb::get_provider_schema::Request::default())
        .await?
        .into_inner();
    let took = began.elapsed();
    if answer.resource_schemas.is_empty() {
        return Err("the provider has no resources".into());
    }
    Ok((took, answer.encoded_len()))
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
