//! An execution in the hands of an action: found, asked for something, followed to its end.

use drs_engine::asl;
use drs_engine::drive::DriveError;
use drs_engine::event::{Event, Outcome};
use drs_engine::ids::ExecutionId;
use drs_engine::report;
use drs_engine::state::{State, Status};
use drs_engine::store::executions::HistoryError;
use drs_engine_aws::machines::Hosting;
use tfplugin::{Context, Diagnostic, Diagnostics, Progress};

use crate::client::Client;
use crate::diagnose::{self, sentence};
use crate::run::Run;

/// One execution, and whoever is told about it.
pub(super) struct Execution<'a> {
    run: Run<'a>,
    client: &'a Client,
    id: ExecutionId,
    progress: &'a Progress,
}

impl<'a> Execution<'a> {
    pub(super) fn new(
        cx: &Context<Client>,
        client: &'a Client,
        id: ExecutionId,
        progress: &'a Progress,
    ) -> Self {
        Self {
            run: Run::new(cx, client, &id, None).telling(progress),
            client,
            id,
            progress,
        }
    }

    /// The same for one that a state machine is to drive, whose run was begun just now.
    pub(super) fn hosted(self, hosting: Option<Hosting>) -> Self {
        Self {
            run: self.run.hosted(hosting),
            ..self
        }
    }

    /// How it stands.
    pub(super) async fn load(&self) -> Result<State, Diagnostic> {
        let loaded = self.run.load().await;
        loaded.map_err(|error| self.explain(&error))
    }

    /// Writes a request down, or says why it makes no sense now.
    pub(super) async fn ask(&self, event: Event) -> Result<State, Diagnostic> {
        match self.run.request(event).await {
            Ok(state) => Ok(state),
            Err(DriveError::Illegal(refused)) => Err(Diagnostic::error(
                "Request Refused",
                format!(
                    "Execution {}: {} Nothing was changed. `drsctl show {}` shows how it stands, and what can be done now.",
                    self.id,
                    sentence(&refused.reason),
                    self.id
                ),
            )),
            Err(error) => Err(self.explain(&error)),
        }
    }

    /// Says that something was written down, and how the execution stands.
    pub(super) fn tell(&self, what: &str, state: &State) {
        self.progress
            .report(format!("{what} {}", sentence(&report::headline(state))));
    }

    /// Follows the execution, and drives it where nobody does, until nothing is left to do or it is paused.
    pub(super) async fn follow(&self, state: State) -> Result<State, Diagnostic> {
        let followed = self.run.follow(state).await;
        followed.map_err(|error| self.explain(&error))
    }

    /// Terminates what it launched, and verifies that it is gone.
    pub(super) async fn terminate(&self, state: State, reason: &str) -> Result<State, Diagnostic> {
        let terminated = self.run.terminate(state, reason).await;
        terminated.map_err(|error| self.explain(&error))
    }

    /// Tells that it was started, as everything after it is told.
    pub(super) fn tell_start(&self, state: &State) {
        self.run.tell_start(state);
    }

    /// Notes that whoever asked has the result.
    pub(super) async fn note_delivered(&self, state: &State) {
        self.run.note_delivered(state).await;
    }

    /// What is said about an execution that was followed.
    pub(super) fn verdict(&self, state: &State) -> Diagnostics {
        let mut found = self.judged(state);
        found.extend(self.run.stopped());
        found
    }

    fn judged(&self, state: &State) -> Diagnostics {
        let id = &self.id;
        let standing = sentence(&report::headline(state));
        if let Status::Ended(outcome) = state.status {
            if outcome == Outcome::Completed {
                return Diagnostics::new();
            }
            let detail = format!("{standing} See what happened with `drsctl show {id}`.");
            return Diagnostic::error("The Execution Was Not Successful", detail).into();
        }
        if let Some(owner) = state
            .owner
            .as_ref()
            .filter(|owner| asl::is_machine(&owner.id))
        {
            let detail = format!(
                "{standing} It was not followed to its end: the action was interrupted. Nothing was stopped: the state \
                 machine's run {} drives it. `drsctl watch {id}` follows it, and `drsctl cancel {id} --reason TEXT` ends it.",
                owner.host
            );
            return Diagnostic::error("The Execution Goes On", detail).into();
        }
        let detail = format!(
            "{standing} It was not followed to its end: the action was interrupted. DRS goes on with the jobs that run, and \
             nothing new is launched while nobody drives it. `drsctl run {id}` goes on with it, `drsctl watch {id}` shows it."
        );
        let mut found = Diagnostics::from(Diagnostic::error("The Execution Goes On", detail));
        found.extend(self.run.obstacle());
        found
    }

    /// What is said when what was launched is not all gone.
    pub(super) fn not_clean(&self, state: &State) -> Diagnostics {
        let finished = state
            .termination
            .as_ref()
            .and_then(|termination| termination.finished.as_ref());
        let why = finished.and_then(|(_, _, reason)| reason.as_deref());
        let why = why.unwrap_or("the action was interrupted before everything was verified");
        let detail = format!(
            "Not everything that execution {} launched is verified to be gone: {} What is left costs money. `drsctl \
             terminate {} --reason TEXT` goes on with it.",
            self.id,
            sentence(why),
            self.id
        );
        let mut found = Diagnostics::from(Diagnostic::error("Instances Are Left", detail));
        found.extend(self.run.obstacle());
        found
    }

    /// The position of a wave by its name.
    pub(super) fn wave(&self, state: &State, name: &str) -> Result<usize, Diagnostic> {
        state.wave_named(name).ok_or_else(|| {
            let names = state
                .waves
                .iter()
                .map(|wave| format!("{:?}", wave.frozen.name));
            let names: Vec<String> = names.collect();
            Diagnostic::error(
                "Unknown Wave",
                format!(
                    "Execution {} has no wave {name:?}; its waves are {}. Nothing was changed.",
                    self.id,
                    names.join(", ")
                ),
            )
            .at("wave")
        })
    }

    fn explain(&self, error: &DriveError) -> Diagnostic {
        match error {
            DriveError::History(HistoryError::Missing(id)) => Diagnostic::error(
                "Execution Not Found",
                format!(
                    "The history has no execution {id} in environment {:?} of {}. `drsctl list` shows every execution.",
                    self.client.session().environment(),
                    self.client.history()
                ),
            )
            .at("execution_id"),
            error => diagnose::drive(error, &self.client.target()),
        }
    }
}
