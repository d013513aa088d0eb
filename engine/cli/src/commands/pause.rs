//! `drsctl pause`: asks that nothing more be launched until it is resumed, at once or before a wave.

use drs_engine::event::Event;
use drs_engine::ids::ExecutionId;

use crate::cli::Pause;
use crate::failure::{Ending, Failure};
use crate::operator::{Operator, Ports};
use crate::screen::Outputs;

use super::ask;

/// Writes the wish down, and says what holds and how it goes on.
pub(crate) async fn pause<P: Ports>(
    operator: &Operator<P>,
    asked: &Pause,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let id = ExecutionId::new(&asked.wish.execution);
    let (state, _) = operator.look(&id).await?;
    let before = match &asked.before {
        Some(name) => Some(ask::wave(&state, name)?),
        None => None,
    };
    let event = Event::PauseRequested {
        before,
        reason: asked.wish.reason.clone(),
    };
    ask::ask(operator, &id, "paused", vec![event], outputs).await
}
