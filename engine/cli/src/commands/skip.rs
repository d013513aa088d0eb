//! `drsctl skip`: leaves a wave out, and lets what depends on it go on.

use drs_engine::event::Event;
use drs_engine::ids::ExecutionId;

use crate::cli::Skip;
use crate::failure::{Ending, Failure};
use crate::operator::{Operator, Ports};
use crate::screen::Outputs;

use super::ask;

/// Writes the wish down, and says how the execution stands then.
pub(crate) async fn skip<P: Ports>(
    operator: &Operator<P>,
    asked: &Skip,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let id = ExecutionId::new(&asked.wish.execution);
    let (state, _) = operator.look(&id).await?;
    let event = Event::SkipRequested {
        wave: ask::wave(&state, &asked.wave)?,
        reason: asked.wish.reason.clone(),
    };
    ask::ask(operator, &id, "changed so", vec![event], outputs).await
}
