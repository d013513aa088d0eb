//! The actions that ask something of an execution: pause, resume, cancel, retry and skip a wave, terminate.

use drs_engine::event::Event;
use drs_engine::ids::{ExecutionId, ServerId};
use drs_engine::limits;
use drs_engine::state::State;
use serde::Deserialize;
use tfplugin::schema::validator;
use tfplugin::{
    Action, Attr, Attribute, Context, Diagnostic, Diagnostics, Progress, Schema, Type, async_trait,
};

use super::execution::Execution;
use crate::client::Client;

/// What they are told. Each has the first two, and those of the others that its schema has.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Asked {
    execution_id: Attr<String>,
    reason: Attr<String>,
    #[serde(default)]
    before_wave: Attr<String>,
    #[serde(default)]
    wave: Attr<String>,
    #[serde(default)]
    servers: Attr<Vec<String>>,
}

impl Asked {
    /// The execution that is meant, how it stands, and why something is asked of it.
    async fn of<'a>(
        &self,
        cx: &'a Context<Client>,
        progress: &'a Progress,
    ) -> Result<(Execution<'a>, State, String), Diagnostic> {
        let id = ExecutionId::new(self.execution_id.require("execution_id")?.as_str());
        let execution = Execution::new(cx, cx.client()?, id, progress);
        let state = execution.load().await?;
        Ok((execution, state, self.reason.require("reason")?.clone()))
    }
}

/// Asks that nothing more be launched until it is resumed.
pub(crate) struct Pause;

#[async_trait]
impl Action for Pause {
    type Model = Asked;
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
        config: Asked,
        progress: &Progress,
    ) -> Diagnostics {
        let asked = async {
            let (execution, state, reason) = config.of(cx, progress).await?;
            let before = config.before_wave.known();
            let before = before
                .map(|name| execution.wave(&state, name))
                .transpose()?;
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
            let (execution, _, reason) = config.of(cx, progress).await?;
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
            let (execution, _, reason) = config.of(cx, progress).await?;
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

#[async_trait]
impl Action for RetryWave {
    type Model = Asked;
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
        config: Asked,
        progress: &Progress,
    ) -> Diagnostics {
        let asked = async {
            let (execution, mut state, reason) = config.of(cx, progress).await?;
            let wave = execution.wave(&state, config.wave.require("wave")?)?;
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
    let Some(named) = named else {
        let failed = state.failed_of(wave);
        if failed.is_empty() {
            let detail = "No server of the wave has failed. Nothing was changed.";
            return Err(Diagnostic::error("Nothing to Retry", detail).at("wave"));
        }
        return Ok(failed);
    };
    let find = |name: &String| {
        state.server_of(wave, name).cloned().ok_or_else(|| {
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

#[async_trait]
impl Action for SkipWave {
    type Model = Asked;
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
        config: Asked,
        progress: &Progress,
    ) -> Diagnostics {
        let asked = async {
            let (execution, state, reason) = config.of(cx, progress).await?;
            let wave = execution.wave(&state, config.wave.require("wave")?)?;
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
            let (execution, state, reason) = config.of(cx, progress).await?;
            if !state.is_drill() || !state.status.is_terminal() {
                return Err(not_terminable(&state));
            }
            let state = execution.terminate(state, &reason).await?;
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
fn said(result: Result<Diagnostics, Diagnostic>) -> Diagnostics {
    result.unwrap_or_else(Diagnostics::from)
}
