//! `drsctl`, the operators' tool: shows executions live or afterwards, and serves the DRS simulator.
//!
//! - [`cli`]: what can be typed. [`commands`]: one file per command. [`connect`]: one configuration, shared with the
//!   provider. [`history`]: what the commands read. [`screen`]: where they print. [`failure`]: how they end.
//!
//! What it does not do: it decides nothing and keeps nothing. Words about executions come from the engine's report,
//! which the provider uses as well.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use tokio::runtime;
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};
use failure::{Ending, Failure};
use screen::Screen;

mod cli;
mod commands;
mod connect;
mod failure;
#[cfg(test)]
mod fixture;
mod history;
mod json;
mod screen;
mod signals;

/// Threads that carry out requests; an embedded simulator answers on one while a command waits on another.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A reader that is gone needs no help text.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    log_when_asked();
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(run(cli));
            // Connections that are kept open must not hold up the end.
            runtime.shutdown_background();
            ended
        }
        Err(error) => Err(Failure::new(format!(
            "no threads could be started: {error}"
        ))),
    };
    ExitCode::from(match ended {
        Ok(ending) => ending.code(),
        Err(failure) => {
            let _ = write!(std::io::stderr(), "{failure}");
            failure.code()
        }
    })
}

async fn run(cli: Cli) -> Result<Ending, Failure> {
    let mut screen = Screen::standard();
    let place = &cli.place;
    match &cli.command {
        Command::Watch(asked) => {
            let stop = signals::interrupted();
            commands::watch::run(place, asked, &mut screen, stop).await
        }
        Command::List(asked) => {
            let connection = connect::to_read(place).await?;
            commands::list::list(&connection.history(), asked, &mut screen).await
        }
        Command::Show(asked) => {
            let connection = connect::to_read(place).await?;
            commands::show::show(&connection.history(), asked, &mut screen).await
        }
        #[cfg(feature = "simulator")]
        Command::Simulator(asked) => {
            let settings = connect::settings(place)?;
            commands::simulator::simulator(settings, asked, &mut screen).await
        }
        Command::Tables(asked) => commands::tables::tables(place, asked.action, &mut screen).await,
        Command::Version => commands::version::version(&mut screen),
    }
}

/// Logs to the standard error what DRS_LOG asks for; nothing without it, because what people need is printed.
fn log_when_asked() {
    let Ok(filter) = EnvFilter::try_from_env("DRS_LOG") else {
        return;
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
