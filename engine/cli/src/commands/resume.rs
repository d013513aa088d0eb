//! `drsctl resume`: lets everything that is held go on, and drives it unless somebody does.

use drs_engine::event::Event;
use drs_engine::ids::ExecutionId;

use crate::cli::{Driving, Resume, Run};
use crate::failure::{Ending, Failure};
use crate::operator::{Operator, Ports};
use crate::screen::Outputs;
use crate::signals::Interrupts;

use super::{ask, run};

/// Writes the wish down, and goes on as `drsctl run` does.
pub(crate) async fn resume<P: Ports>(
    operator: &Operator<P>,
    asked: &Resume,
    interrupts: &mut Interrupts,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let id = ExecutionId::new(&asked.wish.execution);
    let (state, _) = operator.look(&id).await?;
    // A word that is refused must not resume anything either.
    if asked.assume_not_sent {
        run::refuse_assumption(operator, &state, false).await?;
    }
    let event = Event::ResumeRequested {
        reason: asked.wish.reason.clone(),
    };
    let remark = ask::record(operator, &id, "resumed", event).await?;
    outputs.people.print("Resumed.")?;
    if let Some(remark) = remark {
        outputs.people.print(&remark)?;
    }
    let drive = Run {
        execution: Some(asked.wish.execution.clone()),
        take_over: false,
        assume_not_sent: asked.assume_not_sent,
        reason: Some(asked.wish.reason.clone()),
        driving: Driving::default(),
        output: asked.output,
    };
    run::run(operator, &drive, None, interrupts, outputs).await
}
