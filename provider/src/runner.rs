//! Who drives what is started here: this process, or a state machine of AWS Step Functions.
//!
//! What a state machine drives is followed here, and goes on without this process.

use drs_engine::asl;
use drs_engine::begin::Whose;
use drs_engine::decide::is_done;
use drs_engine::drive::DriveError;
use drs_engine::ids::ExecutionId;
use drs_engine::ports::{CallError, Kind};
use drs_engine::state::State;
use drs_engine_aws::machines::{Hosting, Unfit};
use serde::{Deserialize, Serialize};
use tfplugin::schema::validator;
use tfplugin::{Attr, Attribute, Diagnostic, Diagnostics, Path, Value};

use crate::client::{Client, ProviderDriver};
use crate::diagnose::{self, sentence};

/// The attribute, in the provider block, in a drill and in the actions that start something.
pub(crate) const ATTRIBUTE: &str = "runner";
const STATE_MACHINE: &str = "state_machine_arn";
const IN_PROCESS: &str = "in_process";
const STEP_FUNCTIONS: &str = "step_functions";

/// A runner as it is configured.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct Config {
    #[serde(rename = "type")]
    pub(crate) kind: Attr<String>,
    pub(crate) state_machine_arn: Attr<String>,
}

/// Who drives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Runner {
    /// This process, for as long as it lives.
    #[default]
    InProcess,
    /// The state machine with this ARN.
    StateMachine(String),
}

/// The attribute; `default` is the sentence about what counts when it is left out.
pub(crate) fn attribute(default: &str) -> Attribute {
    Attribute::single_nested([
        (
            "type",
            Attribute::string()
                .required()
                .validate(validator::one_of([IN_PROCESS, STEP_FUNCTIONS]))
                .describe(
                    "`in_process`: the process that starts an execution drives it, and while none does, nothing more is \
                     launched. `step_functions`: a state machine drives it, and goes on when Terraform ends.",
                ),
        ),
        (
            STATE_MACHINE,
            Attribute::string()
                .optional()
                .validate(validator::check(
                    "must be the ARN of a state machine, such as \
                     arn:aws:states:us-east-1:111122223333:stateMachine:drs, without a version or an alias",
                    |value: &Value| value.as_str().is_some_and(|arn| asl::arn_problem(arn).is_none()),
                ))
                .describe(
                    "ARN of the standard state machine, for `step_functions`; its definition is that of \
                     `drs_state_machine_definition`. Default: none.",
                ),
        ),
    ])
    .optional()
    .describe(format!(
        "Who drives the executions that are started here. Ctrl-C leaves a state machine at work. {default}"
    ))
}

/// What is wrong with a configuration as far as it is known.
pub(crate) fn configuration(config: &Attr<Config>) -> Diagnostics {
    let mut found = Diagnostics::new();
    let Some(config) = config.known() else {
        return found;
    };
    let arn = Path::from(ATTRIBUTE).attribute(STATE_MACHINE);
    match config.kind.known().map(String::as_str) {
        Some(STEP_FUNCTIONS) if config.state_machine_arn.is_null() => found.error_at(
            arn,
            "State Machine Missing",
            "The runner is step_functions, and no state machine is named. Set state_machine_arn to one whose definition is \
             that of the data source drs_state_machine_definition.",
        ),
        Some(IN_PROCESS) if !config.state_machine_arn.is_null() => found.error_at(
            arn,
            "State Machine Not Used",
            "The runner is in_process, and a state machine is named, which would drive nothing. Set type to \
             \"step_functions\", or remove state_machine_arn.",
        ),
        _ => {}
    }
    found
}

impl Runner {
    /// What is configured; none when it is left out, or not known yet.
    pub(crate) fn of(config: &Attr<Config>) -> Option<Self> {
        let config = config.known()?;
        match config.kind.known()?.as_str() {
            STEP_FUNCTIONS => Some(Self::StateMachine(
                config.state_machine_arn.known()?.clone(),
            )),
            _ => Some(Self::InProcess),
        }
    }

    /// What is configured here, else in the provider block.
    pub(crate) fn for_start(client: &Client, config: &Attr<Config>) -> Self {
        Self::of(config).unwrap_or_else(|| client.runner().clone())
    }

    /// Looks whether it can drive, before anything is written. `config` says whether it is configured here.
    pub(crate) async fn check(
        &self,
        client: &Client,
        config: &Attr<Config>,
    ) -> Result<(), Diagnostic> {
        let Self::StateMachine(arn) = self else {
            return Ok(());
        };
        let error = if let Some(path) = client.simulator_path() {
            Diagnostic::error(
                CANNOT_BE_USED,
                format!(
                    "A state machine of Step Functions cannot reach the simulator in {}, which is on this machine. Remove \
                     runner, and this process drives.",
                    path.display()
                ),
            )
        } else {
            match client.session().state_machines().check(arn).await {
                Ok(()) => return Ok(()),
                Err(unfit) => unusable(client, &unfit),
            }
        };
        Err(match config {
            Attr::Known(_) => error.at(Path::from(ATTRIBUTE).attribute(STATE_MACHINE)),
            // It is that of the provider block, to which a path of this resource cannot lead.
            _ => Diagnostic {
                detail: format!("{} It is the runner of the provider block.", error.detail),
                ..error
            },
        })
    }

    /// The run of a state machine that is to drive a new execution, if one is to.
    pub(crate) fn hosting(&self, id: &ExecutionId) -> Option<Hosting> {
        match self {
            Self::InProcess => None,
            Self::StateMachine(arn) => Some(Hosting::new(arn, id)),
        }
    }

    /// Has the state machine take up an execution that nobody drives. None where somebody does, and where this process is to.
    pub(crate) async fn take_up(
        &self,
        client: &Client,
        config: &Attr<Config>,
        driver: &ProviderDriver,
        state: &State,
    ) -> Result<Option<Hosting>, Diagnostic> {
        let id = &state.started.execution_id;
        let Some(hosting) = self
            .hosting(id)
            .filter(|_| !is_done(state) && !state.status.is_terminal())
        else {
            return Ok(None);
        };
        let explain = |error: DriveError| diagnose::drive(&error, &client.target());
        match driver.whose(id, state).await.map_err(explain)? {
            Whose::OwnedBy(_) => return Ok(None),
            Whose::Terminal | Whose::OwnerGone => {}
        }
        self.check(client, config).await?;
        let begun = client.session().state_machines().begin(&hosting).await;
        begun.map_err(|error| not_begun(&hosting, &error))?;
        Ok(Some(hosting))
    }
}

/// Begins the run for an execution that the machine owns; when it cannot be, nobody need wait for its silence.
pub(crate) async fn begin_own(
    client: &Client,
    hosting: &Hosting,
    state: &State,
) -> Result<(), Diagnostic> {
    let Err(error) = client.session().state_machines().begin(hosting).await else {
        return Ok(());
    };
    if let Some(owner) = &state.owner {
        let driver = hosting.name(client.driver());
        let _ = driver.declare_gone(&hosting.execution, owner).await;
    }
    Err(not_begun(hosting, &error))
}

const CANNOT_BE_USED: &str = "State Machine Cannot Be Used";

fn unusable(client: &Client, unfit: &Unfit) -> Diagnostic {
    let why = match unfit {
        Unfit::Unreadable(error) => client.explain_call(error).detail,
        unfit => format!("{} {}", sentence(&unfit.to_string()), unfit.help()),
    };
    Diagnostic::error(
        CANNOT_BE_USED,
        format!("{why} Nothing was started and nothing was launched."),
    )
}

/// The machine was not begun, or nobody knows whether it was.
fn not_begun(hosting: &Hosting, error: &CallError) -> Diagnostic {
    let (id, host) = (&hosting.execution, hosting.host());
    let (what, known) = match error.kind {
        Kind::Refused => ("The state machine was not started", String::new()),
        Kind::Busy | Kind::Unknown => (
            "It is not known whether the state machine was started",
            format!(
                " `aws stepfunctions describe-execution --execution-arn {host}` says whether it runs; if it does, it drives the \
                 execution unless somebody took it over."
            ),
        ),
    };
    Diagnostic::error(
        "State Machine Not Started",
        format!(
            "{what} for execution {id}: {} The execution is in the history, this run of the machine has launched nothing, and \
             nobody drives it. The next apply takes it up; `drsctl run {id}` drives it now, and `drsctl cancel {id} --reason \
             TEXT` ends it.{known}",
            sentence(&error.to_string())
        ),
    )
}
