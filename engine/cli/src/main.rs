//! `drsctl`, the operators' tool: starts, drives, shows and cancels executions, and serves the DRS simulator.
//!
//! - [`cli`]: what can be typed. [`commands`]: one file per command. [`connect`]: one configuration, shared with the
//!   provider. [`history`]: what the commands read. [`operator`] and [`driving`]: how they ask for something and drive it,
//!   [`progress`] what a driver says meanwhile. [`screen`]: where they print. [`failure`]: how they end.
//!
//! What it does not do: it decides nothing and keeps nothing. Words about executions come from the engine's report.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use drs_engine::ids::ExecutionId;
use drs_engine_aws::fresh;
use tokio::runtime;
use tracing_subscriber::EnvFilter;

use cli::{
    Cli, Command, Driving, Failover, HistoryAction, HistoryImport, Look, Place, PlanAction, Run,
    Start, Sweep, Work,
};
use commands::run::MachineFor;
use commands::start::Asked;
use connect::{AwsPorts, Connection};
use failure::{Ending, Failure};
use machine::Machine;
use screen::{Outputs, Screen};
use signals::Interrupts;

mod calls;
mod cli;
mod commands;
mod connect;
mod driving;
mod failure;
#[cfg(test)]
mod fixture;
mod history;
mod json;
mod machine;
mod operator;
mod progress;
mod screen;
mod shell;
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

async fn run(mut cli: Cli) -> Result<Ending, Failure> {
    // A variable that is set to nothing says nothing.
    cli.place
        .history
        .take_if(|path| path.as_os_str().is_empty());
    match &cli.command {
        Command::Work(command) => work(&cli.place, command).await,
        Command::Look(command) => look(&cli.place, command).await,
    }
}

async fn work(place: &Place, command: &Work) -> Result<Ending, Failure> {
    match command {
        Work::Start(asked) => start(place, asked).await,
        Work::Failover(asked) => failover(place, asked).await,
        Work::Resume(asked) => {
            let mut interrupts = Interrupts::listen()?;
            let connection = connect::existing(place).await?;
            let mut outputs = Outputs::standard(asked.output.is_json());
            let operator = connection.operator();
            commands::resume::resume(&operator, asked, &mut interrupts, &mut outputs).await
        }
        Work::Pause(asked) => {
            let connection = connect::existing(place).await?;
            let mut outputs = Outputs::standard(asked.output.is_json());
            commands::pause::pause(&connection.operator(), asked, &mut outputs).await
        }
        Work::Retry(asked) => {
            let connection = connect::existing(place).await?;
            let mut outputs = Outputs::standard(asked.output.is_json());
            commands::retry::retry(&connection.operator(), asked, &mut outputs).await
        }
        Work::Skip(asked) => {
            let connection = connect::existing(place).await?;
            let mut outputs = Outputs::standard(asked.output.is_json());
            commands::skip::skip(&connection.operator(), asked, &mut outputs).await
        }
        Work::Run(asked) => take_up(place, asked).await,
        Work::Cancel(asked) => {
            let connection = connect::existing(place).await?;
            let mut outputs = Outputs::standard(asked.output.is_json());
            commands::cancel::cancel(&connection.operator(), asked, &mut outputs).await
        }
        Work::Terminate(asked) => {
            let mut interrupts = Interrupts::listen()?;
            let connection = connect::existing(place).await?;
            let mut outputs = Outputs::standard(asked.output.is_json());
            let operator = connection.operator();
            commands::terminate::terminate(&operator, asked, &mut interrupts, &mut outputs).await
        }
        Work::Sweep(asked) => sweep(place, asked).await,
        Work::Delete(asked) => {
            let connection = connect::existing(place).await?;
            let mut outputs = Outputs::standard(asked.output.is_json());
            commands::delete::delete(&connection.operator(), asked, &mut outputs).await
        }
        Work::History(asked) => {
            let HistoryAction::Import(asked) = &asked.action;
            import(place, asked).await
        }
    }
}

async fn start(place: &Place, asked: &Start) -> Result<Ending, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let connection = connect::existing(place).await?;
    let id = ExecutionId::new(fresh::id("exec"));
    let asked = Asked {
        machine: started_by(&connection, &asked.driving, &id)?,
        start: asked,
        id,
        hub: connection.session.target(),
    };
    let mut outputs = Outputs::standard(asked.start.output.is_json());
    let operator = connection.operator();
    commands::start::start(&operator, asked, &mut interrupts, &mut outputs).await
}

async fn take_up(place: &Place, asked: &Run) -> Result<Ending, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let connection = connect::existing(place).await?;
    let mut outputs = Outputs::standard(asked.output.is_json());
    let operator = connection.operator();
    let runner = connection.runner(&asked.driving)?;
    // It must outlive the command, whether or not there is a machine.
    let connection = &connection;
    let machine = runner.map(|arn| move |id: &ExecutionId| connection.machine(&arn, id));
    let machine = machine.as_ref().map(|make| make as MachineFor<'_, _>);
    commands::run::run(&operator, asked, machine, &mut interrupts, &mut outputs).await
}

async fn sweep(place: &Place, asked: &Sweep) -> Result<Ending, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let connection = connect::existing(place).await?;
    let mut outputs = Outputs::standard(asked.output.is_json());
    let operator = connection.operator();
    commands::sweep::sweep(&operator, asked, &mut interrupts, &mut outputs).await
}

async fn failover(place: &Place, asked: &Failover) -> Result<Ending, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let (connection, file) = match &asked.plan_file {
        None => (connect::existing(place).await?, None),
        Some(path) => {
            let taken = commands::plan_file::take_in(place, path).await?;
            (taken.0, Some(taken.1))
        }
    };
    let mut outputs = Outputs::standard(asked.output.is_json());
    let operator = connection.operator();
    let id = ExecutionId::new(fresh::id("exec"));
    let asked = commands::failover::Asked {
        machine: started_by(&connection, &asked.driving, &id)?,
        failover: asked,
        file: file.as_ref(),
        id,
        hub: connection.session.target(),
    };
    commands::failover::failover(&operator, asked, &mut interrupts, &mut outputs).await
}

/// The state machine that is to drive what is started, where one is asked for.
fn started_by(
    connection: &Connection,
    asked: &Driving,
    id: &ExecutionId,
) -> Result<Option<Machine<AwsPorts>>, Failure> {
    let runner = connection.runner(asked)?;
    Ok(runner.map(|arn| connection.machine(&arn, id)))
}

/// The directory that is named here is the one to import from.
async fn import(place: &Place, asked: &HistoryImport) -> Result<Ending, Failure> {
    let tables = Place {
        history: None,
        ..place.clone()
    };
    let from = connect::with_tables_in(&tables, &asked.directory).await?;
    let to = connect::existing(&tables).await?;
    let mut outputs = Outputs::standard(asked.output.is_json());
    commands::history::import(
        &asked.directory,
        (&from.session.items(), &from.place.environment),
        (&to.session.items(), &to.place),
        &mut outputs,
    )
    .await
}

async fn look(place: &Place, command: &Look) -> Result<Ending, Failure> {
    let mut screen = Screen::standard();
    match command {
        Look::Preflight(asked) => {
            let connection = connect::existing(place).await?;
            let mut outputs = Outputs::standard(asked.output.is_json());
            let hub = connection.session.target();
            commands::preflight::preflight(&connection.operator(), asked, &hub, &mut outputs).await
        }
        Look::Watch(asked) => {
            let mut interrupts = Interrupts::listen()?;
            let mut outputs = Outputs::standard(asked.output.is_json());
            commands::watch::run(place, asked, &mut outputs, interrupts.next()).await
        }
        Look::List(asked) => {
            let connection = connect::existing(place).await?;
            commands::list::list(&connection.history(), asked, &mut screen).await
        }
        Look::Show(asked) => {
            let connection = connect::existing(place).await?;
            commands::show::show(&connection.history(), asked, &mut screen).await
        }
        Look::Export(asked) => {
            let connection = connect::existing(place).await?;
            commands::export::export(&connection.history(), asked, &mut screen).await
        }
        Look::Logs(asked) => {
            let connection = connect::existing(place).await?;
            let drs = connection.session.drs();
            commands::logs::logs(&connection.history(), &drs, asked, &mut screen).await
        }
        Look::Plan(asked) => plan(place, &asked.action, &mut screen).await,
        Look::Points(asked) => {
            let connection = connect::existing(place).await?;
            let mut outputs = Outputs::standard(asked.output.is_json());
            commands::points::points(&connection.operator(), asked, &mut outputs).await
        }
        Look::Policy(asked) => commands::policy::policy(place, asked, &mut screen).await,
        Look::Quotas(asked) => {
            let connection = connect::existing(place).await?;
            let session = &connection.session;
            let (drs, clock, target) = (session.drs(), session.clock(), session.target());
            commands::quotas::quotas(&drs, &clock, &target, asked, &mut screen).await
        }
        #[cfg(feature = "simulator")]
        Look::Simulator(asked) => {
            let settings = connect::settings(place)?;
            commands::simulator::simulator(settings, asked, &mut screen).await
        }
        Look::StateMachine(asked) => commands::state_machine::state_machine(asked, &mut screen),
        Look::Tables(asked) => commands::tables::tables(place, &asked.action, &mut screen).await,
        Look::Target(asked) => {
            let connection = connect::existing(place).await?;
            commands::target::target(&connection.session, &asked.action, &mut screen).await
        }
        Look::Version(asked) => commands::version::version(asked, &mut screen),
    }
}

async fn plan(place: &Place, action: &PlanAction, screen: &mut Screen) -> Result<Ending, Failure> {
    let connection = connect::existing(place).await?;
    let (history, session) = (connection.history(), &connection.session);
    match action {
        PlanAction::List(asked) => commands::plan::list(&history, asked, screen).await,
        PlanAction::Export(asked) => {
            let mut outputs = Outputs::standard(asked.output.is_json());
            commands::plan_file::export(&history, &session.items(), asked, &mut outputs).await
        }
        PlanAction::Show(asked) => {
            let (drs, items) = (session.drs(), session.items());
            commands::plan::show(&history, &drs, &items, asked, screen).await
        }
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
