//! `drsctl logs`: what DRS itself wrote down about the jobs of an execution.

use std::future::Future;

use drs_engine::event::LaunchId;
use drs_engine::ids::{JobId, Target};
use drs_engine::ports::{CallError, Clock};
use drs_engine::report;
use drs_engine::state::{Launch, Phase, State};
use drs_engine::store::items::Items;
use drs_engine_aws::{AwsDrs, LogEntry};
use serde_json::{Value, json};

use crate::calls;
use crate::cli::Logs;
use crate::failure::{Ending, Failure};
use crate::history::History;
use crate::screen::Screen;

/// Where logs of jobs are read.
pub(crate) trait JobLogs {
    /// The log of a job, oldest entry first.
    fn job_log(
        &self,
        target: &Target,
        job: &JobId,
    ) -> impl Future<Output = Result<Vec<LogEntry>, CallError>>;
}

impl JobLogs for AwsDrs {
    async fn job_log(&self, target: &Target, job: &JobId) -> Result<Vec<LogEntry>, CallError> {
        Self::job_log(self, target, job).await
    }
}

/// A launch and what DRS says about it; no log where there is no job.
struct Logged<'a> {
    id: LaunchId,
    launch: &'a Launch,
    log: Option<Result<Vec<LogEntry>, CallError>>,
}

pub(crate) async fn logs<I: Items + Clone, C: Clock>(
    history: &History<I, C>,
    source: &impl JobLogs,
    asked: &Logs,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let id = history.choose(Some(&asked.execution)).await?;
    let loaded = history.load(&id).await?;
    let told = report::timeline(loaded.frozen, &loaded.events);
    let (state, _, _) = told.map_err(|error| history.illegal(&id, &error))?;
    let waves = waves(&state, asked.wave.as_deref())?;
    let mut logged = Vec::new();
    for wave in waves {
        let mut launches = Vec::new();
        for (id, launch) in state
            .launches
            .iter()
            .filter(|(_, launch)| launch.wave == wave)
        {
            let log = match launch.phase.job() {
                Some(job) => Some(source.job_log(&launch.target, job).await),
                None => None,
            };
            launches.push(Logged {
                id: *id,
                launch,
                log,
            });
        }
        logged.push((wave, launches));
    }
    if asked.output.is_json() {
        screen.print_raw(&format!("{}\n", document(&state, &logged)))?;
    } else {
        screen.print(&text(&state, &logged))?;
    }
    let mut failed = logged
        .iter()
        .flat_map(|(_, launches)| launches)
        .filter_map(|logged| logged.log.as_ref()?.as_ref().err());
    match failed.next() {
        None => Ok(Ending::Success),
        Some(error) => Err(
            Failure::new(format!("not every log could be read: {error}"))
                .safe("Nothing was changed; what could be read is above.")
                .help(calls::help(error))
                .help(format!(
                    "`drsctl show {id} --timeline` tells what this product knows by itself."
                )),
        ),
    }
}

/// The waves that are meant, by position.
fn waves(state: &State, named: Option<&str>) -> Result<Vec<usize>, Failure> {
    let Some(named) = named else {
        return Ok((0..state.waves.len()).collect());
    };
    let is_meant = |name: &str| name.to_lowercase() == named.to_lowercase();
    let found = state
        .waves
        .iter()
        .position(|wave| is_meant(&wave.frozen.name));
    found.map(|index| vec![index]).ok_or_else(|| {
        let names: Vec<String> = state
            .waves
            .iter()
            .map(|wave| format!("{:?}", wave.frozen.name))
            .collect();
        let id = &state.started.execution_id;
        Failure::new(format!("execution {id} has no wave {named:?}"))
            .safe("Nothing was changed.")
            .help(format!(
                "Its waves are {}. `drsctl show {id}` shows them.",
                names.join(", ")
            ))
    })
}

fn text(state: &State, logged: &[(usize, Vec<Logged<'_>>)]) -> String {
    let mut lines = Vec::new();
    for (wave, launches) in logged {
        let name = state
            .waves
            .get(*wave)
            .map_or("", |wave| wave.frozen.name.as_str());
        if !lines.is_empty() {
            lines.push(String::new());
        }
        if launches.is_empty() {
            lines.push(format!("wave {name:?}: nothing was launched"));
        }
        for (position, logged) in launches.iter().enumerate() {
            if position > 0 {
                lines.push(String::new());
            }
            lines.extend(of_launch(state, name, logged));
        }
    }
    lines.join("\n")
}

fn of_launch(state: &State, wave: &str, logged: &Logged<'_>) -> Vec<String> {
    let servers: Vec<&str> = logged
        .launch
        .servers
        .iter()
        .map(|id| hostname(state, id.as_str()))
        .collect();
    let job = logged.launch.phase.job().map_or("no job", JobId::as_str);
    let mut lines = vec![format!(
        "wave {wave:?}, launch {}: {job}: {}",
        logged.id.0,
        servers.join(", ")
    )];
    match &logged.log {
        None => lines.push(format!("  {}", why_no_job(&logged.launch.phase))),
        Some(Err(error)) => lines.push(format!("  its log cannot be read: {error}")),
        Some(Ok(log)) if log.is_empty() => {
            lines.push("  DRS has no entry about it (any more)".to_owned())
        }
        Some(Ok(log)) => {
            let rows: Vec<Vec<String>> = log.iter().map(|entry| row(state, entry)).collect();
            lines.extend(
                report::columns(&rows)
                    .lines()
                    .map(|line| format!("  {line}")),
            );
        }
    }
    lines
}

fn why_no_job(phase: &Phase) -> &'static str {
    match phase {
        Phase::Intended | Phase::Unknown => "no answer from DRS yet; its job is looked for",
        Phase::Refused { .. } => "DRS refused it, so there is no job",
        Phase::NotCarriedOut => "it was never carried out, so there is no job",
        _ => "no job of it is known",
    }
}

fn row(state: &State, entry: &LogEntry) -> Vec<String> {
    let server = entry.server.as_ref().map(|id| hostname(state, id.as_str()));
    vec![
        entry.at.map_or_else(String::new, report::date_and_clock),
        entry.event.clone(),
        server.unwrap_or_default().to_owned(),
        message(entry),
    ]
}

/// What an entry says beside its event.
fn message(entry: &LogEntry) -> String {
    let instance = entry.instance.as_ref().map(|id| format!("as {id}"));
    let conversion = entry
        .conversion_server
        .as_ref()
        .map(|id| format!("conversion server {id}"));
    let parts = [entry.error.clone(), instance, conversion];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn hostname<'a>(state: &'a State, id: &'a str) -> &'a str {
    let server = state.servers.get(&id.into());
    server.map_or(id, |server| server.hostname.as_str())
}

fn document(state: &State, logged: &[(usize, Vec<Logged<'_>>)]) -> Value {
    let waves = logged.iter().map(|(wave, launches)| {
        let name = state.waves.get(*wave).map(|wave| &wave.frozen.name);
        let launches: Vec<Value> = launches
            .iter()
            .map(|logged| launch_document(state, logged))
            .collect();
        json!({"name": name, "launches": launches})
    });
    json!({
        "execution_id": state.started.execution_id,
        "waves": waves.collect::<Vec<_>>(),
    })
}

fn launch_document(state: &State, logged: &Logged<'_>) -> Value {
    let Launch {
        attempt,
        target,
        servers,
        phase,
        ..
    } = logged.launch;
    let problem = match &logged.log {
        None => Some(why_no_job(phase).to_owned()),
        Some(Err(error)) => Some(error.to_string()),
        Some(Ok(_)) => None,
    };
    let log = logged.log.as_ref().and_then(|log| log.as_ref().ok());
    let log = log.map(|log| {
        log.iter()
            .map(|entry| entry_document(state, entry))
            .collect::<Vec<_>>()
    });
    json!({
        "launch": logged.id.0,
        "attempt": attempt,
        "job_id": phase.job(),
        "account_id": target.account_id,
        "region": target.region,
        "source_server_ids": servers,
        "problem": problem,
        "log": log,
    })
}

fn entry_document(state: &State, entry: &LogEntry) -> Value {
    json!({
        "at": entry.at,
        "event": entry.event,
        "source_server_id": entry.server,
        "hostname": entry.server.as_ref().map(|id| hostname(state, id.as_str())),
        "recovery_instance_id": entry.instance,
        "conversion_server_id": entry.conversion_server,
        "error": entry.error,
        "message": message(entry),
    })
}
