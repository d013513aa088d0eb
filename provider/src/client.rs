//! What resources and data sources work with: a session, the tables, and a driver for executions.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use drs_engine::drive::Driver;
use drs_engine::ids::{ExecutionId, OwnerId, Target};
use drs_engine::ports::CallError;
use drs_engine::store::codec::ReadError;
use drs_engine_aws::{AwsDrs, DynamoItems, Session, Settings, SystemClock};
use tfplugin::{Attr, CriticalSections, Diagnostic, Stop};
use tokio::sync::OnceCell;

use crate::diagnose;
use crate::runner::Runner;
use crate::tags::Tags;

mod planned;
mod simulator;

use planned::Planned;
use simulator::Embedding;

/// The driver of this provider.
pub(crate) type ProviderDriver = Driver<AwsDrs, DynamoItems, SystemClock>;

/// A connection to one account and Region, for as long as the provider is configured.
pub(crate) struct Client {
    session: Session,
    default_tags: Attr<Tags>,
    runner: Runner,
    critical_sections: CriticalSections,
    create_tables: bool,
    /// This process, whatever number of executions it drives.
    owner: OwnerId,
    tables: OnceCell<()>,
    /// Executions whose result this process has returned: the host has them, although the history does not say so yet.
    returned: Mutex<BTreeSet<ExecutionId>>,
    /// Executions that a state machine drives and that a resource of this process has.
    hosted: Mutex<BTreeSet<ExecutionId>>,
    planned: Planned,
    simulator: Option<Embedding>,
}

/// What a client is made from.
pub(crate) struct Connecting {
    pub(crate) settings: Settings,
    pub(crate) default_tags: Attr<Tags>,
    pub(crate) runner: Runner,
    pub(crate) critical_sections: CriticalSections,
}

impl Connecting {
    /// Starts the simulator where there is one, and asks AWS, or it, whose credentials these are.
    pub(crate) async fn connect(mut self) -> Result<Client, Diagnostic> {
        let simulator = match self.settings.simulator.take() {
            Some(settings) => Some(Embedding::start(settings).await?),
            None => None,
        };
        if let Some(simulator) = &simulator {
            let region = || simulator.default_region();
            self.settings.region.get_or_insert_with(region);
        }
        let embedded = simulator.as_ref().map(Embedding::embedded);
        let session = Session::connect(&self.settings, embedded)
            .await
            .map_err(|error| diagnose::connect(&error))?;
        tracing::info!(
            account = session.identity().account_id,
            region = session.region(),
            environment = session.environment(),
            caller = session.identity().arn,
            simulated = simulator.is_some(),
            "connected"
        );
        Ok(Client {
            owner: session.driver(String::new()).owner,
            session,
            default_tags: self.default_tags,
            runner: self.runner,
            critical_sections: self.critical_sections,
            create_tables: self.settings.create_tables,
            tables: OnceCell::new(),
            returned: Mutex::default(),
            hosted: Mutex::default(),
            planned: Planned::default(),
            simulator,
        })
    }
}

impl Client {
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// The account and the Region that this provider works in.
    pub(crate) fn target(&self) -> Target {
        self.session.target()
    }

    /// The account and the Region of the tables.
    pub(crate) fn history(&self) -> Target {
        Target {
            region: self.session.history_region().to_owned(),
            ..self.target()
        }
    }

    /// What the same apply is going to write.
    pub(crate) fn planned(&self) -> &Planned {
        &self.planned
    }

    pub(crate) fn default_tags(&self) -> &Attr<Tags> {
        &self.default_tags
    }

    /// Who drives what is started where nothing else is said.
    pub(crate) fn runner(&self) -> &Runner {
        &self.runner
    }

    pub(crate) fn critical_sections(&self) -> &CriticalSections {
        &self.critical_sections
    }

    /// The directory of the simulator, while one is in use.
    pub(crate) fn simulator_path(&self) -> Option<&Path> {
        self.simulator.as_ref().map(Embedding::path)
    }

    /// Makes sure that the tables can be written to, once per process.
    pub(crate) async fn ready_to_write(&self) -> Result<(), Diagnostic> {
        let ensure = || async { self.session.ensure_tables().await };
        match self.tables.get_or_try_init(ensure).await {
            Ok(()) => Ok(()),
            Err(error) => Err(diagnose::tables(&error)),
        }
    }

    /// What was read, where the tables may not have been made yet: then there is nothing.
    pub(crate) fn nothing_without_tables<T: Default>(
        &self,
        result: Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        match result {
            Err(ReadError::Call(error)) if self.create_tables && is_missing_table(&error) => {
                Ok(T::default())
            }
            result => result,
        }
    }

    /// A driver of this process. Its clock is woken when the request is asked to stop.
    pub(crate) fn driver(&self) -> ProviderDriver {
        let mut driver = self
            .session
            .driver(drs_engine_aws::fresh::host("terraform"));
        driver.owner = self.owner.clone();
        // The fence after a launch without outcome is as long as whoever checks signatures makes it.
        if let Some(age) = self.simulator.as_ref().and_then(Embedding::signature_age) {
            driver.settings.signature_age = age;
        }
        driver
    }

    /// Wakes every driver of this process when the request is asked to stop, for as long as the result lives.
    pub(crate) fn wake_on_stop(&self, stop: Stop) -> Alarm {
        let clock = self.session.clock();
        Alarm(tokio::spawn(async move {
            stop.stopped().await;
            clock.notify();
        }))
    }

    /// Notes that the host is told the result of an execution.
    pub(crate) fn has_returned(&self, id: &ExecutionId) {
        self.lock_returned().insert(id.clone());
    }

    /// Whether this process has told the host the result of an execution.
    pub(crate) fn is_returned(&self, id: &ExecutionId) -> bool {
        self.lock_returned().contains(id)
    }

    /// Notes that a resource of this process has an execution that a state machine drives; false when one has it already.
    pub(crate) fn takes_hosted(&self, id: &ExecutionId) -> bool {
        let mut hosted = self.hosted.lock().unwrap_or_else(PoisonError::into_inner);
        hosted.insert(id.clone())
    }

    /// A diagnostic about something that could not be read or written.
    pub(crate) fn explain(&self, error: &ReadError) -> Diagnostic {
        diagnose::read(error, &self.history())
    }

    /// A diagnostic about a call that did not succeed.
    pub(crate) fn explain_call(&self, error: &CallError) -> Diagnostic {
        diagnose::call(error, &self.target())
    }

    fn lock_returned(&self) -> MutexGuard<'_, BTreeSet<ExecutionId>> {
        self.returned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that wakes drivers; it ends with this.
pub(crate) struct Alarm(tokio::task::JoinHandle<()>);

impl Drop for Alarm {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Whether a call failed because a table does not exist.
fn is_missing_table(error: &CallError) -> bool {
    error.call.starts_with("dynamodb:") && error.code == "ResourceNotFoundException"
}
