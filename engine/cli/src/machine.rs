//! A state machine that drives an execution in place of this process: looked at, begun, and followed.
//!
//! What it is to drive is in the history before it begins. This process only follows it, as `drsctl watch` does, and may
//! go away at any moment.

use std::pin::pin;
use std::time::Duration;

use drs_engine::begin::Whose;
use drs_engine::decide::is_done;
use drs_engine::drive::Driver;
use drs_engine::ids::ExecutionId;
use drs_engine::ports::{CallError, Clock, Kind, Outside};
use drs_engine::state::State;
use drs_engine::store::items::Items;
use drs_engine_aws::machines::{Hosting, Standing, StateMachines};

use crate::calls;
use crate::commands::watch::Watching;
use crate::driving::Came;
use crate::failure::{Ending, Failure};
use crate::operator::{Operator, Ports};
use crate::screen::Screen;
use crate::signals::Interrupts;

/// Time between two looks whether a machine is heard of. Only one that is silent is asked for at Step Functions.
const LOOK: Duration = Duration::from_secs(15);

/// A run of a state machine for one execution.
pub(crate) struct Machine<P: Ports> {
    pub(crate) hosting: Hosting,
    pub(crate) machines: StateMachines,
    /// In the machine's name: it begins and takes over, and never drives.
    pub(crate) driver: Driver<P::Outside, P::Items, P::Clock>,
}

/// Why a machine is not followed any longer.
enum Left {
    Interrupted,
    /// Its run has ended, though the execution has not.
    Gone(Standing),
    /// Nothing is heard of it, and Step Functions refuses to say how its run stands.
    Unheard(CallError),
}

impl<P: Ports> Machine<P> {
    /// Refuses a machine that cannot drive, before anything is written.
    pub(crate) async fn check(&self, nothing: &str) -> Result<(), Failure> {
        let fit = self.machines.check(&self.hosting.state_machine).await;
        fit.map_err(|unfit| {
            Failure::new(unfit.to_string())
                .safe(nothing)
                .help(unfit.help())
        })
    }

    /// Begins the run for an execution that the machine owns already.
    pub(crate) async fn begin_own(&self, state: &State) -> Result<(), Failure> {
        let Err(error) = self.machines.begin(&self.hosting).await else {
            return Ok(());
        };
        // Whoever takes it up need not wait for the silence of a machine that never was.
        if let Some(owner) = &state.owner {
            let _ = self
                .driver
                .declare_gone(&self.hosting.execution, owner)
                .await;
        }
        Err(self.not_begun(
            &error,
            "The execution is in the history. The machine has launched nothing, and nobody drives the execution.",
        ))
    }

    /// Begins the run for an execution that nobody drives; its first turn takes the execution over.
    pub(crate) async fn begin_for_gone(&self) -> Result<(), Failure> {
        let begun = self.machines.begin(&self.hosting).await;
        begun.map_err(|error| {
            self.not_begun(&error, "The execution is as it was, and nobody drives it.")
        })
    }

    fn not_begun(&self, error: &CallError, stands: &str) -> Failure {
        let id = &self.hosting.execution;
        let host = self.hosting.host();
        let what = match error.kind {
            Kind::Refused => {
                format!("the state machine was not started for execution {id}: {error}")
            }
            Kind::Busy | Kind::Unknown => format!(
                "it is not known whether the state machine was started for execution {id}: {error}"
            ),
        };
        let failure = Failure::new(what).safe(stands).help(format!(
            "`drsctl run {id}` drives it here; `drsctl cancel {id} --reason TEXT` ends it."
        ));
        match error.kind {
            Kind::Refused => failure.help(calls::help(error)),
            Kind::Busy | Kind::Unknown => failure.help(format!(
                "`aws stepfunctions describe-execution --execution-arn {host}` says whether it runs; if it does, it drives the \
                 execution unless somebody took it over."
            )),
        }
    }

    /// Follows what the machine does to the end, or until somebody interrupts that.
    pub(crate) async fn follow(
        &self,
        operator: &Operator<P>,
        watching: &mut Watching<'_, P::Items, P::Clock>,
        interrupts: &mut Interrupts,
        screen: &mut Screen,
    ) -> Result<Came, Failure> {
        let id = self.hosting.execution.clone();
        let until = pin!(async {
            tokio::select! {
                () = interrupts.next() => Left::Interrupted,
                left = self.gone(operator, &id) => left,
            }
        });
        match watching.follow(screen, until).await? {
            None => Ok(Came::Done),
            Some(Left::Interrupted) => Ok(Came::Stopped),
            Some(Left::Gone(standing)) => {
                Err(self.stopped(operator, &watching.state, &standing).await)
            }
            Some(Left::Unheard(error)) => Err(self.unheard(&error)),
        }
    }

    /// Returns when nobody drives the execution, and the run of the machine has ended or cannot be asked for.
    async fn gone(&self, operator: &Operator<P>, id: &ExecutionId) -> Left {
        let Hosting {
            state_machine, run, ..
        } = &self.hosting;
        loop {
            tokio::time::sleep(LOOK).await;
            if !is_silent(&operator.driver, id).await {
                continue;
            }
            // Otherwise it goes on as another run, or it works; what cannot be asked now is asked again.
            match self.machines.standing(state_machine, run).await {
                Ok(standing @ (Standing::Ended(_) | Standing::Missing)) => {
                    return Left::Gone(standing);
                }
                Err(error) if error.kind == Kind::Refused => return Left::Unheard(error),
                Ok(_) | Err(_) => {}
            }
        }
    }

    async fn stopped(&self, operator: &Operator<P>, state: &State, standing: &Standing) -> Failure {
        if let Some(owner) = &state.owner {
            let _ = operator
                .driver
                .declare_gone(&self.hosting.execution, owner)
                .await;
        }
        let (id, host) = (&self.hosting.execution, self.hosting.host());
        Failure::new(format!(
            "the state machine does not drive execution {id} any more: its run {host} is {standing}"
        ))
        .safe("What was launched goes on in DRS, nothing more is launched, and nothing is launched twice.")
        .help(format!(
            "`drsctl run {id}` drives it here; with --runner step-functions another run takes it over."
        ))
        .help(format!(
            "`aws stepfunctions get-execution-history --execution-arn {host} --reverse-order` says why it ended."
        ))
    }

    fn unheard(&self, error: &CallError) -> Failure {
        let (id, host) = (&self.hosting.execution, self.hosting.host());
        Failure::new(format!(
            "nothing is heard of the state machine that drives execution {id}, and how its run {host} stands cannot be asked: \
             {error}"
        ))
        .safe("Nothing was stopped. If the machine lives, it goes on; nothing is launched twice.")
        .help(calls::help(error))
        .help(format!(
            "`drsctl watch {id}` follows it again; `drsctl run {id}` drives it here if nobody does."
        ))
    }

    /// Says that nothing was stopped, and how that is done.
    pub(crate) fn tell_detached(
        &self,
        watching: &Watching<'_, P::Items, P::Clock>,
        screen: &mut Screen,
    ) -> Result<Ending, Failure> {
        let (id, host) = (&watching.id, self.hosting.host());
        let stop = if watching.state.status.is_terminal() {
            String::new()
        } else {
            format!(
                " `drsctl pause {id} --reason TEXT` holds it, and `drsctl cancel {id} --reason TEXT` ends it."
            )
        };
        screen.print(&format!(
            "\nDetached, and nothing was stopped: execution {id} goes on in the state machine's run {host}. `drsctl watch {id}` \
             follows it again.{stop}"
        ))?;
        Ok(Ending::Interrupted)
    }
}

/// Whether nobody drives an execution that has something left to do. What cannot be read now is not called silent.
async fn is_silent<D: Outside, I: Items + Clone, C: Clock>(
    driver: &Driver<D, I, C>,
    id: &ExecutionId,
) -> bool {
    let Ok(state) = driver.load(id).await else {
        return false;
    };
    !is_done(&state) && matches!(driver.whose(id, &state).await, Ok(Whose::OwnerGone))
}
