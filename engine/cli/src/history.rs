//! The history as the commands read it, and what to tell when it cannot be read.
//!
//! It reads only. It knows where it reads, so that every message can say so.

use std::path::PathBuf;

use drs_engine::drive::DriveError;
use drs_engine::event::Recorded;
use drs_engine::frozen::Frozen;
use drs_engine::ids::{ExecutionId, PlanId};
use drs_engine::ports::{CallError, Clock, Kind};
use drs_engine::report::Driven;
use drs_engine::state::{IllegalEvent, State};
use drs_engine::store::codec::ReadError;
use drs_engine::store::executions::{Executions, HistoryError};
use drs_engine::store::items::Items;
use drs_engine::store::plans::Plans;
use drs_engine::store::summary::Summary;
use jiff::Timestamp;

use crate::calls;
use crate::failure::Failure;

/// The history of one environment.
pub(crate) struct History<I, C> {
    pub(crate) executions: Executions<I>,
    pub(crate) plans: Plans<I>,
    pub(crate) clock: C,
    pub(crate) place: Origin,
}

/// Where a history is read.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The environment that names the tables.
    pub(crate) environment: String,
    /// Account and Region of the tables.
    pub(crate) target: String,
    /// The store of a simulator, where that is read in place of AWS.
    pub(crate) simulator: Option<PathBuf>,
    /// The directory of a history on this machine, where that is read in place of the tables.
    pub(crate) directory: Option<PathBuf>,
}

/// An execution's frozen servers and events.
pub(crate) struct Loaded {
    pub(crate) frozen: Frozen,
    pub(crate) events: Vec<Recorded>,
}

impl Origin {
    /// For messages: `environment "default" of 111122223333/us-east-1`.
    pub(crate) fn describe(&self) -> String {
        let place = match (&self.directory, &self.simulator) {
            (Some(path), _) => format!("the history in {}", path.display()),
            (None, Some(path)) => format!("the simulator in {}", path.display()),
            (None, None) => self.target.clone(),
        };
        format!("environment {:?} of {place}", self.environment)
    }
}

impl<I: Items + Clone, C: Clock> History<I, C> {
    /// The execution that was named, or the newest that runs; where none does, the newest.
    pub(crate) async fn choose(&self, named: Option<&str>) -> Result<ExecutionId, Failure> {
        self.find(named)
            .await?
            .map(|summary| summary.execution_id)
            .ok_or_else(|| self.nothing_to_choose(named))
    }

    /// The same while it is waited for: one that ended before this instant of wall time is not meant, unless it was named.
    pub(crate) async fn choose_new(
        &self,
        named: Option<&str>,
        since: Timestamp,
    ) -> Result<ExecutionId, Failure> {
        let is_meant = |summary: &Summary| {
            let ended = summary.ended_at.filter(|_| summary.is_terminal);
            named.is_some() || ended.is_none_or(|ended| ended >= since)
        };
        self.find(named)
            .await?
            .filter(is_meant)
            .map(|summary| summary.execution_id)
            .ok_or_else(|| self.nothing_to_choose(named))
    }

    async fn find(&self, named: Option<&str>) -> Result<Option<Summary>, Failure> {
        let found = match named {
            Some(id) => self.executions.summary(&ExecutionId::new(id)).await,
            None => self.executions.newest_running().await,
        };
        let found = found.map_err(|error| self.unreadable(&error))?;
        Ok(found.filter(Summary::has_begun))
    }

    fn nothing_to_choose(&self, named: Option<&str>) -> Failure {
        if let Some(id) = named {
            return self.missing(&HistoryError::Missing(ExecutionId::new(id)));
        }
        Failure::new(format!(
            "there is no execution in {}",
            self.place.describe()
        ))
        .may_come()
        .help("`drsctl start PLAN` starts a drill, and so does `terraform apply` of a drs_drill_execution.")
        .help("Another environment or Region is chosen with --environment and --region.")
    }

    /// A whole history.
    pub(crate) async fn load(&self, id: &ExecutionId) -> Result<Loaded, Failure> {
        let loaded = self.executions.load(id).await;
        let loaded = loaded.map_err(|error| self.missing(&error))?;
        Ok(Loaded {
            frozen: loaded.frozen,
            events: loaded.events,
        })
    }

    /// Whether somebody drives an execution now.
    pub(crate) async fn driven(&self, state: &State) -> Result<Driven, ReadError> {
        let sign = self
            .executions
            .sign_of_life(&state.started.execution_id)
            .await?;
        Ok(Driven::judge(state, sign.as_ref(), self.clock.now().wall))
    }

    /// A plan by its name or its id. A plan that was deleted is still known by its id in the history.
    pub(crate) async fn plan(&self, named: &str) -> Result<PlanId, Failure> {
        let stored = self.plans.find_by_id_or_name(named).await;
        if let Some(plan) = stored.map_err(|error| self.unreadable(&error))? {
            return Ok(plan.id);
        }
        let id = PlanId::new(named);
        let past = self.executions.list_by_plan(&id, None, 1).await;
        let (past, _) = past.map_err(|error| self.unreadable(&error))?;
        if past.is_empty() {
            return Err(Failure::new(format!(
                "there is no recovery plan {named:?} in {}, and no execution of one",
                self.place.describe()
            ))
            .help("`drsctl list` shows the plans of the newest executions."));
        }
        Ok(id)
    }

    /// What to tell when a history does not make sense.
    pub(crate) fn illegal(&self, id: &ExecutionId, error: &IllegalEvent) -> Failure {
        Failure::new(format!(
            "the history of execution {id} does not make sense: {error}"
        ))
        .safe("Nothing was changed. Its jobs and instances in DRS are as they are.")
        .help("Compare with DRS: `aws drs describe-jobs`. Keep the tables as they are for whoever looks into it.")
    }

    /// What to tell when an execution cannot be driven any further.
    pub(crate) fn undriven(&self, id: &ExecutionId, error: &DriveError) -> Failure {
        let failure = match error {
            DriveError::History(
                error @ (HistoryError::Missing(_) | HistoryError::Deleted { .. }),
            ) => {
                return self.missing(error);
            }
            DriveError::Illegal(error) => return self.illegal(id, error),
            DriveError::History(HistoryError::Read(ReadError::Call(call))) => Failure::new(
                format!("execution {id} cannot be driven any further: {error}"),
            )
            .help(calls::help(call)),
            error => Failure::new(format!(
                "execution {id} cannot be driven any further: {error}"
            )),
        };
        failure
            .safe(
                "What was launched goes on in DRS. Every launch was written down before it was made, so that nothing is \
                 launched twice.",
            )
            .help(format!(
                "`drsctl run {id}` takes it up where it is; `drsctl show {id}` says where that is."
            ))
    }

    /// What to tell when a wish cannot be appended to a history.
    pub(crate) fn unwritten(&self, id: &ExecutionId, error: &DriveError) -> Failure {
        let failure = match error {
            DriveError::History(
                error @ (HistoryError::Missing(_) | HistoryError::Deleted { .. }),
            ) => {
                return self.missing(error);
            }
            DriveError::Illegal(error) => return self.illegal(id, error),
            DriveError::History(HistoryError::Read(ReadError::Call(call))) => Failure::new(
                format!("the history of execution {id} cannot be read or written: {error}"),
            )
            .help(calls::help(call)),
            error => Failure::new(format!(
                "the history of execution {id} cannot be read or written: {error}"
            ))
            .help("This may pass: run the command again."),
        };
        failure.safe("Nothing was called at DRS. Asking again does no harm.")
    }

    /// What to tell when an execution cannot be read.
    pub(crate) fn missing(&self, error: &HistoryError) -> Failure {
        match error {
            HistoryError::Missing(id) => Failure::new(format!(
                "there is no execution {id} in {}",
                self.place.describe()
            ))
            .safe("Nothing was changed.")
            .may_come()
            .help("`drsctl list` shows the newest executions.")
            .help("Another environment or Region is chosen with --environment and --region."),
            HistoryError::Gap { .. } => Failure::new(error.to_string())
                .safe("Nothing was changed. Its jobs and instances in DRS are as they are.")
                .help("Was the table restored from a backup, or an item deleted? `aws drs describe-jobs` shows what \
                       DRS did."),
            HistoryError::Deleted { .. } => Failure::new(error.to_string())
                .safe("What it launched is not touched.")
                .help("Nothing is left of it but this tombstone. `drsctl list` shows the newest executions."),
            HistoryError::Read(error) => self.unreadable(error),
        }
    }

    /// What to tell when the store cannot be read.
    pub(crate) fn unreadable(&self, error: &ReadError) -> Failure {
        match error {
            ReadError::Call(error) => self.refused(error),
            // These say themselves what is safe and what to do.
            ReadError::Newer { .. } | ReadError::Foreign { .. } => Failure::new(error.to_string()),
        }
    }

    fn refused(&self, error: &CallError) -> Failure {
        let safe = "Nothing was changed. Executions that run go on.";
        match error.code.as_str() {
            "ResourceNotFoundException" => Failure::new(format!(
                "the tables of {} do not exist",
                self.place.describe()
            ))
            .safe(safe)
            .may_come()
            .help("Another environment or Region is chosen with --environment and --region.")
            .help("`drsctl tables create` makes them, and so does the provider with `create_tables = true`."),
            "AccessDeniedException" => Failure::new(format!("the history cannot be read: {error}"))
                .safe(safe)
                .help("Reading needs dynamodb:BatchGetItem and dynamodb:Query on the three tables and their indexes."),
            "ExpiredTokenException" | "ExpiredToken" | "UnrecognizedClientException" => {
                Failure::new(format!("the history cannot be read: {error}"))
                    .safe(safe)
                    .help("Get new credentials, e.g. `aws sso login`, and run the command again.")
            }
            _ => {
                let help = match error.kind {
                    Kind::Refused => "`drsctl tables check` says whether the tables fit.",
                    Kind::Busy | Kind::Unknown => "This may pass: run the command again.",
                };
                Failure::new(format!("the history cannot be read: {error}"))
                    .safe(safe)
                    .help(help)
            }
        }
    }
}
