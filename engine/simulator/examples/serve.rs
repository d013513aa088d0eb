//! Serves a simulator until it is killed, and says where, in one line of JSON. For tests that start several.
//!
//! ```text
//! serve --directory DIR [--fleet FILE] [--speed N] [--seed N] [--port N] [--admin-port N] [--manual]
//! ```

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use drs_simulator::{Options, Simulator};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let options = options(std::env::args().skip(1))?;
    let simulator = Simulator::start(options)
        .await
        .map_err(|error| error.to_string())?;
    let credentials = simulator.credentials();
    let line = serde_json::json!({
        "endpoint": simulator.endpoint(),
        "admin_endpoint": simulator.admin_endpoint(),
        "admin_token_path": simulator.admin_token_path(),
        "access_key_id": credentials.access_key_id,
        "secret_access_key": credentials.secret_access_key,
        "region": simulator.default_region(),
    });
    println!("{line}");
    tokio::signal::ctrl_c()
        .await
        .map_err(|error| error.to_string())?;
    simulator.stop().await;
    Ok(())
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut admin_port = 0;
    while let Some(flag) = arguments.next() {
        if flag == "--manual" {
            options.manual_clock = true;
            continue;
        }
        let value = arguments
            .next()
            .ok_or_else(|| format!("{flag} needs a value"))?;
        let wrong = || format!("{value} is wrong for {flag}");
        match flag.as_str() {
            "--directory" => options.directory = value.into(),
            "--fleet" => options.fleet = Some(value.into()),
            "--speed" => options.speed = Some(value.parse().map_err(|_| wrong())?),
            "--seed" => options.seed = Some(value.parse().map_err(|_| wrong())?),
            "--port" => options.listen = Some(local(value.parse().map_err(|_| wrong())?)),
            "--admin-port" => admin_port = value.parse().map_err(|_| wrong())?,
            _ => return Err(format!("unknown flag {flag}")),
        }
    }
    options.admin = Some(local(admin_port));
    Ok(options)
}
