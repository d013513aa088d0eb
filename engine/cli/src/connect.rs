//! Connecting: one configuration, shared with the provider, and a simulator in this process where that is asked for.
//!
//! What is typed counts more than the environment, and that more than the file. Commands that work on executions, or only
//! read, neither make a simulator's store nor change its speed.

use std::path::Path;
use std::sync::Arc;

use drs_engine::drive::Driver;
use drs_engine::ids::{ExecutionId, Target};
use drs_engine_aws::machines::Hosting;
use drs_engine_aws::{
    AwsDrs, ConnectError, DynamoItems, Endpoints, Session, Settings, SettingsError,
    SimulatorSettings, SystemClock, TablesAt,
};
use jiff::SignedDuration;

use crate::cli::{Driving, Place, Runner};
use crate::failure::Failure;
use crate::history::{History, Origin};
use crate::machine::Machine;
use crate::operator::Operator;

#[cfg(feature = "simulator")]
mod embedded;
#[cfg(feature = "simulator")]
mod shelf;
#[cfg(feature = "simulator")]
pub(crate) use embedded::unusable as unusable_simulator;

/// A connection to one account and Region, or to a simulator.
pub(crate) struct Connection {
    pub(crate) session: Session,
    pub(crate) place: Origin,
    /// The state machine that drives executions where one is asked to, as it is configured.
    state_machine: Option<String>,
    #[cfg(feature = "simulator")]
    simulator: Option<drs_simulator::Simulator>,
    #[cfg(feature = "simulator")]
    shelf: Option<shelf::Shelf>,
}

impl Connection {
    /// The history that the commands read.
    pub(crate) fn history(&self) -> History<DynamoItems, SystemClock> {
        History {
            executions: self.session.executions(),
            plans: self.session.plans(),
            clock: self.session.clock(),
            place: self.place.clone(),
        }
    }

    /// Somebody who works on executions from this process. The clock is the session's, so that a simulator's world time
    /// counts, and the fence after a launch without outcome is as long as whoever checks signatures makes it.
    pub(crate) fn operator(&self) -> Operator<AwsPorts> {
        let clock = self.session.clock();
        Operator {
            history: self.history(),
            driver: Arc::new(self.driver()),
            machines: Some(self.session.state_machines()),
            arn: self.session.identity().arn.clone(),
            wake: Box::new(move || clock.notify()),
        }
    }

    /// The state machine that is to drive executions in place of this process, where one is asked for.
    pub(crate) fn runner(&self, asked: &Driving) -> Result<Option<String>, Failure> {
        let failure =
            |what: &str| Failure::new(what).safe("Nothing was changed and nothing was launched.");
        match (asked.runner, &asked.state_machine) {
            (Runner::InProcess, None) => return Ok(None),
            (Runner::InProcess, Some(_)) => {
                return Err(failure("--state-machine was given, and this process drives the execution")
                    .help("Add --runner step-functions to have the state machine drive it, or leave --state-machine out."));
            }
            (Runner::StepFunctions, _) => {}
        }
        if self.place.simulator.is_some() || self.place.directory.is_some() {
            return Err(failure(&format!(
                "a state machine of Step Functions cannot reach {}, which is on this machine",
                self.place.describe()
            ))
            .help("Leave --runner out: this process drives the execution."));
        }
        let named = asked.state_machine.as_ref().or(self.state_machine.as_ref());
        let named = named.filter(|arn| !arn.is_empty()).ok_or_else(|| {
            failure("--runner step-functions needs the ARN of a state machine")
                .help("Name it by --state-machine, by DRS_STATE_MACHINE, or by state_machine in drs.yaml.")
                .help("`drsctl state-machine --function ARN` prints the definition of one.")
        })?;
        Ok(Some(named.clone()))
    }

    /// A run of a state machine for an execution.
    pub(crate) fn machine(&self, state_machine: &str, id: &ExecutionId) -> Machine<AwsPorts> {
        let hosting = Hosting::new(state_machine, id);
        Machine {
            driver: hosting.name(self.driver()),
            machines: self.session.state_machines(),
            hosting,
        }
    }

    fn driver(&self) -> Driver<AwsDrs, DynamoItems, SystemClock> {
        let mut driver = self.session.driver(drs_engine_aws::fresh::host("drsctl"));
        driver.settings.signature_age = self
            .signature_age()
            .unwrap_or(driver.settings.signature_age);
        driver
    }
}

/// What this tool works with outside its tests.
pub(crate) type AwsPorts = (AwsDrs, DynamoItems, SystemClock);

#[cfg(feature = "simulator")]
impl Connection {
    /// Says that the tables of this machine, which it has, hold everything that they must.
    pub(crate) fn label(&self) -> Result<(), Failure> {
        self.shelf.as_ref().map_or(Ok(()), shelf::Shelf::label)
    }

    fn on(mut self, shelf: shelf::Shelf) -> Self {
        self.place.environment = self.session.environment().to_owned();
        self.place.directory = Some(shelf.path.clone());
        self.shelf = Some(shelf);
        self
    }
}

#[cfg(not(feature = "simulator"))]
impl Connection {
    pub(crate) fn label(&self) -> Result<(), Failure> {
        Ok(())
    }
}

impl Connection {
    /// The age from which an embedded simulator refuses a signed request, where it does.
    #[cfg(feature = "simulator")]
    fn signature_age(&self) -> Option<SignedDuration> {
        self.simulator.as_ref()?.signature_age()
    }

    #[cfg(not(feature = "simulator"))]
    fn signature_age(&self) -> Option<SignedDuration> {
        None
    }
}

/// What is configured, here and elsewhere.
pub(crate) fn settings(place: &Place) -> Result<Settings, Failure> {
    let configured = match &place.config {
        Some(path) => Settings::from_environment_and_file(path),
        None => Settings::from_environment(),
    };
    let configured = configured.map_err(|error| unusable(&error))?;
    let mut settings = typed(place).merged_over(configured);
    if place.endpoint_url.is_some() {
        settings.simulator = None;
    }
    Ok(settings)
}

/// Connects to what is there: nothing is made, no table and no simulator's store.
pub(crate) async fn existing(place: &Place) -> Result<Connection, Failure> {
    match &place.history {
        None => connect(settings(place)?).await,
        Some(directory) => with_tables_in(place, directory).await,
    }
}

/// Connects as the settings say.
pub(crate) async fn connect(settings: Settings) -> Result<Connection, Failure> {
    connect_with(settings, None).await
}

/// The same with the tables of a history on this machine, which is there.
#[cfg(feature = "simulator")]
pub(crate) async fn with_tables_in(place: &Place, path: &Path) -> Result<Connection, Failure> {
    let shelf = shelf::Shelf::existing(path).await?;
    let connection = connect_with(settings(place)?, Some(shelf.tables())).await?;
    Ok(connection.on(shelf))
}

/// The same with the tables of a history on this machine, which is made where it is not there.
#[cfg(feature = "simulator")]
pub(crate) async fn with_new_tables(
    place: &Place,
    environment: &str,
) -> Result<Connection, Failure> {
    let path = place.history.as_deref().unwrap_or(Path::new("."));
    let shelf = shelf::Shelf::made(path, environment).await?;
    let connection = connect_with(settings(place)?, Some(shelf.tables())).await?;
    let ensured = connection.session.ensure_tables().await;
    ensured.map_err(|error| {
        Failure::new(error.to_string()).help("Name another directory with --history.")
    })?;
    Ok(connection.on(shelf))
}

#[cfg(not(feature = "simulator"))]
pub(crate) async fn with_tables_in(_: &Place, path: &Path) -> Result<Connection, Failure> {
    Err(without_database(path))
}

#[cfg(not(feature = "simulator"))]
pub(crate) async fn with_new_tables(place: &Place, _: &str) -> Result<Connection, Failure> {
    Err(without_database(
        place.history.as_deref().unwrap_or(Path::new(".")),
    ))
}

#[cfg(not(feature = "simulator"))]
fn without_database(path: &Path) -> Failure {
    Failure::new(format!(
        "this drsctl was built without the simulator, whose database a history in {} needs",
        path.display()
    ))
    .safe("Nothing was changed, nothing was started and nothing was launched.")
    .help("Use a drsctl that was built with the feature `simulator`, as releases are; `drsctl version` says it.")
}

async fn connect_with(settings: Settings, tables: Option<TablesAt>) -> Result<Connection, Failure> {
    let state_machine = settings.state_machine.clone();
    let connection = connect_somewhere(settings, tables).await?;
    Ok(Connection {
        state_machine,
        ..connection
    })
}

async fn connect_somewhere(
    settings: Settings,
    tables: Option<TablesAt>,
) -> Result<Connection, Failure> {
    match settings.simulator.clone() {
        None => {
            let session = Session::connect_with(&settings, None, tables).await;
            let session = session.map_err(|error| refused(&error))?;
            Ok(Connection {
                place: origin(&session, None),
                session,
                state_machine: None,
                #[cfg(feature = "simulator")]
                simulator: None,
                #[cfg(feature = "simulator")]
                shelf: None,
            })
        }
        #[cfg(feature = "simulator")]
        Some(simulator) => embedded::connect(settings, &simulator.path, tables).await,
        #[cfg(not(feature = "simulator"))]
        Some(simulator) => Err(Failure::new(format!(
            "this drsctl was built without the simulator, so {} cannot be opened",
            simulator.path.display()
        ))
        .help("Name the endpoint of a simulator that is served elsewhere with --endpoint-url.")),
    }
}

/// What was typed, as settings.
fn typed(place: &Place) -> Settings {
    let endpoint = || place.endpoint_url.clone();
    Settings {
        region: place.region.clone(),
        history_region: place.history_region.clone(),
        profile: place.profile.clone(),
        environment: place.environment.clone().unwrap_or_default(),
        endpoints: Endpoints {
            drs: endpoint(),
            dynamodb: endpoint(),
            ec2: endpoint(),
            sts: endpoint(),
            servicequotas: endpoint(),
            lambda: endpoint(),
            ssm: endpoint(),
            sns: endpoint(),
            stepfunctions: endpoint(),
        },
        simulator: place.simulator.clone().map(|path| SimulatorSettings {
            path,
            ..SimulatorSettings::default()
        }),
        ..Settings::default()
    }
}

fn origin(session: &Session, simulator: Option<&Path>) -> Origin {
    Origin {
        environment: session.environment().to_owned(),
        target: Target {
            region: session.history_region().to_owned(),
            ..session.target()
        }
        .to_string(),
        directory: None,
        simulator: simulator.map(Path::to_owned),
    }
}

/// The texts of these errors say themselves what to do.
fn unusable(error: &SettingsError) -> Failure {
    Failure::new(error.to_string())
}

fn refused(error: &ConnectError) -> Failure {
    let failure =
        Failure::new(error.to_string()).safe("Nothing was changed. Executions that run go on.");
    if error.is_missing_credentials() || error.is_missing_region() {
        failure.help("Without an AWS account: `drsctl simulator --directory DIRECTORY`, then --simulator DIRECTORY.")
    } else {
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_a_file_is_understood_and_what_is_typed_counts_more() {
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/drs.yaml");
        let place = Place {
            config: Some(example.into()),
            environment: Some("staging".to_owned()),
            ..Place::default()
        };
        let settings = settings(&place).expect("the example makes sense");
        assert_eq!(settings.environment_name(), "staging");
        assert_eq!(settings.allowed_account_ids, ["111122223333"]);
    }
}
