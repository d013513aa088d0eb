//! The actions that ask something of an execution: pause, resume, cancel, retry and skip a wave, terminate.

use drs_engine::event::Event;
use drs_engine::ids::ServerId;
use drs_engine::limits;
use drs_engine::state::{ServerStatus, State};
use serde::Deserialize;
use tfplugin::schema::validator;
use tfplugin::{
    Action, Attr, Attribute, Context, Diagnostic, Diagnostics, Progress, Schema, Type, async_trait,
};

use super::execution::Execution;
use crate::client::Client;

/// What every one of them is told.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Asked {
    execution_id: Attr<String>,
    reason: Attr<String>,
}

/// Asks that nothing more be launched until it is resumed.
pub(crate) struct Pause;

/// What a pause is told.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct AskedToPause {
    execution_id: Attr<String>,
    reason: Attr<String>,
    before_wave: Attr<String>,
}

#[async_trait]
impl Action for Pause {
    type Model = AskedToPause;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_pause"
    }

    fn schema(&self) -> Schema {
        asked(
            "Pauses an execution: nothing more is launched until it is resumed. DRS goes on with the jobs that run. The action \
             ends once the request is written down.",
        )
        .attribute(
            "before_wave",
            Attribute::string()
                .optional()
                .describe("Name of the wave that is not to start. Default: none; everything pauses, at once."),
        )
    }

    async fn invoke(
        &self,
        cx: &Context<Client>,
        config: AskedToPause,
        progress: &Progress,
    ) -> Diagnostics {
        let asked = async {
            let client = cx.client()?;
            let (execution, state) =
                Execution::found(cx, client, &config.execution_id, progress).await?;
            let before = config.before_wave.known();
            let before = before
                .map(|name| execution.wave(&state, name))
                .transpose()?;
            let reason = config.reason.require("reason")?.clone();
            let state = execution
                .ask(Event::PauseRequested { before, reason })
                .await?;
            execution.tell("The pause is written down.", &state);
            Ok(Diagnostics::new())
        };
        said(asked.await)
    }
}

/// Lets a paused execution go on, and follows it.
pub(crate) struct Resume;

#[async_trait]
impl Action for Resume {
    type Model = Asked;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_resume"
    }

    fn schema(&self) -> Schema {
        asked(
            "Lets a paused execution go on, which also approves the wave that waits for an approval; then follows it to its end, \
             and drives it where nobody else does.",
        )
    }

    async fn invoke(
        &self,
        cx: &Context<Client>,
        config: Asked,
        progress: &Progress,
    ) -> Diagnostics {
        let asked = async {
            let client = cx.client()?;
            let (execution, _) =
                Execution::found(cx, client, &config.execution_id, progress).await?;
            let reason = config.reason.require("reason")?.clone();
            let state = execution.ask(Event::ResumeRequested { reason }).await?;
            execution.tell("It goes on.", &state);
            let state = execution.follow(state).await?;
            Ok(execution.verdict(&state))
        };
        said(asked.await)
    }
}

/// Asks that an execution launch nothing more, and follows its jobs to their end.
pub(crate) struct Cancel;

#[async_trait]
impl Action for Cancel {
    type Model = Asked;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_cancel"
    }

    fn schema(&self) -> Schema {
        asked(
            "Cancels an execution: nothing more is launched. DRS jobs cannot be cancelled, so those that run are followed to \
             their end. What was launched stays; `drs_terminate_recovery_instances` removes it.",
        )
    }

    async fn invoke(
        &self,
        cx: &Context<Client>,
        config: Asked,
        progress: &Progress,
    ) -> Diagnostics {
        let asked = async {
            let client = cx.client()?;
            let (execution, _) =
                Execution::found(cx, client, &config.execution_id, progress).await?;
            let reason = config.reason.require("reason")?.clone();
            let state = execution.ask(Event::CancelRequested { reason }).await?;
            execution.tell("Nothing more is launched.", &state);
            let state = execution.follow(state).await?;
            if state.status.is_terminal() {
                execution.tell("It has ended.", &state);
                return Ok(Diagnostics::new());
            }
            Ok(execution.verdict(&state))
        };
        said(asked.await)
    }
}

/// Launches failed servers of a wave again.
pub(crate) struct RetryWave;

/// What a retry is told.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct AskedToRetry {
    execution_id: Attr<String>,
    reason: Attr<String>,
    wave: Attr<String>,
    servers: Attr<Vec<String>>,
}

#[async_trait]
impl Action for RetryWave {
    type Model = AskedToRetry;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_retry_wave"
    }

    fn schema(&self) -> Schema {
        of_wave(
            "Launches failed servers of a wave again, in an execution that has not ended. The action ends once the request is \
             written down; whoever drives the execution launches them.",
        )
        .attribute(
            "servers",
            Attribute::list(Type::String)
                .optional()
                .validate(validator::not_empty())
                .describe("Ids or host names of the servers. Default: every server of the wave that has failed."),
        )
    }

    async fn invoke(
        &self,
        cx: &Context<Client>,
        config: AskedToRetry,
        progress: &Progress,
    ) -> Diagnostics {
        let asked = async {
            let client = cx.client()?;
            let (execution, mut state) =
                Execution::found(cx, client, &config.execution_id, progress).await?;
            let wave = execution.wave(&state, config.wave.require("wave")?)?;
            let reason = config.reason.require("reason")?;
            let servers = failed(&state, wave, config.servers.known())?;
            for part in servers.chunks(limits::SERVERS_PER_JUDGEMENT) {
                let event = Event::RetryRequested {
                    wave,
                    servers: part.to_vec(),
                    reason: reason.clone(),
                };
                state = execution.ask(event).await?;
            }
            execution.tell("The retry is written down.", &state);
            Ok(Diagnostics::new())
        };
        said(asked.await)
    }
}

/// The servers that are named, or every failed one of the wave.
fn failed(
    state: &State,
    wave: usize,
    named: Option<&Vec<String>>,
) -> Result<Vec<ServerId>, Diagnostic> {
    let of_wave = || {
        state
            .servers
            .iter()
            .filter(|(_, server)| server.wave == wave)
    };
    let Some(named) = named else {
        let failed =
            of_wave().filter(|(_, server)| matches!(server.status, ServerStatus::Failed { .. }));
        let failed: Vec<ServerId> = failed.map(|(id, _)| id.clone()).collect();
        if failed.is_empty() {
            let detail = "No server of the wave has failed. Nothing was changed.";
            return Err(Diagnostic::error("Nothing to Retry", detail).at("wave"));
        }
        return Ok(failed);
    };
    let find = |name: &String| {
        let found = of_wave().find(|(id, server)| id.as_str() == name || server.hostname == *name);
        found.map(|(id, _)| id.clone()).ok_or_else(|| {
            let detail = format!(
                "The wave has no server with the id or the host name {name:?}. Nothing was changed."
            );
            Diagnostic::error("Unknown Server", detail).at("servers")
        })
    };
    named.iter().map(find).collect()
}

/// Leaves a wave as it is, and lets what depends on it go on.
pub(crate) struct SkipWave;

/// What a skip is told.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct AskedToSkip {
    execution_id: Attr<String>,
    reason: Attr<String>,
    wave: Attr<String>,
}

#[async_trait]
impl Action for SkipWave {
    type Model = AskedToSkip;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_skip_wave"
    }

    fn schema(&self) -> Schema {
        of_wave(
            "Leaves a wave of an execution as it is, and lets what depends on it go on. The action ends once the request is \
             written down.",
        )
    }

    async fn invoke(
        &self,
        cx: &Context<Client>,
        config: AskedToSkip,
        progress: &Progress,
    ) -> Diagnostics {
        let asked = async {
            let client = cx.client()?;
            let (execution, state) =
                Execution::found(cx, client, &config.execution_id, progress).await?;
            let wave = execution.wave(&state, config.wave.require("wave")?)?;
            let reason = config.reason.require("reason")?.clone();
            let state = execution.ask(Event::SkipRequested { wave, reason }).await?;
            execution.tell("The wave is left out.", &state);
            Ok(Diagnostics::new())
        };
        said(asked.await)
    }
}

/// Terminates what a drill launched, and verifies that it is gone.
pub(crate) struct TerminateRecoveryInstances;

#[async_trait]
impl Action for TerminateRecoveryInstances {
    type Model = Asked;
    type Client = Client;

    fn type_name(&self) -> &'static str {
        "drs_terminate_recovery_instances"
    }

    fn schema(&self) -> Schema {
        asked(
            "Terminates the recovery instances that a drill launched, and nothing else, and verifies that they are gone from DRS \
             and from EC2. The drill must have ended. What a recovery launched may be in production, and is refused.",
        )
    }

    async fn invoke(
        &self,
        cx: &Context<Client>,
        config: Asked,
        progress: &Progress,
    ) -> Diagnostics {
        let asked = async {
            let client = cx.client()?;
            let (execution, state) =
                Execution::found(cx, client, &config.execution_id, progress).await?;
            if !state.is_drill() || !state.status.is_terminal() {
                return Err(not_terminable(&state));
            }
            let reason = config.reason.require("reason")?;
            let state = execution.terminate(state, reason).await?;
            if !state.is_clean() {
                return Ok(execution.not_clean(&state));
            }
            progress.report(format!(
                "Nothing of execution {} is left.",
                state.started.execution_id
            ));
            Ok(Diagnostics::new())
        };
        said(asked.await)
    }
}

fn not_terminable(state: &State) -> Diagnostic {
    let id = &state.started.execution_id;
    let (summary, detail) = if state.is_drill() {
        (
            "Execution Runs",
            format!(
                "Drill {id} has not ended. Nothing was terminated. The action drs_cancel ends it, and `drsctl watch {id}` shows \
                 it."
            ),
        )
    } else {
        (
            "Not a Drill",
            format!(
                "Execution {id} is a recovery: what it launched may be in production, and is never removed by this provider. \
                 Nothing was terminated."
            ),
        )
    };
    Diagnostic::error(summary, detail).at("execution_id")
}

/// The schema of a request, with what every one of them is told.
fn asked(what: &str) -> Schema {
    Schema::new(what)
        .attribute(
            "execution_id",
            Attribute::string()
                .required()
                .describe("Id of the execution, such as that of a `drs_drill_execution`."),
        )
        .attribute(
            "reason",
            Attribute::string()
                .required()
                .validate(validator::not_empty())
                .describe("Why, in your words; the history keeps it."),
        )
}

fn of_wave(what: &str) -> Schema {
    asked(what).attribute(
        "wave",
        Attribute::string().required().describe("Name of the wave."),
    )
}

/// What is said of an action, whichever way it ended.
pub(super) fn said(result: Result<Diagnostics, Diagnostic>) -> Diagnostics {
    result.unwrap_or_else(Diagnostics::from)
}
