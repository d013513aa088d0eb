//! `drsctl terminate`: removes what an execution launched, and sees to it that it is gone.

use std::sync::Arc;

use drs_engine::decide::is_done;
use drs_engine::ids::{ExecutionId, InstanceId};
use drs_engine::state::{State, Termination};

use crate::cli::Terminate;
use crate::driving::{Came, drive, tell_interrupted};
use crate::failure::{Ending, Failure};
use crate::json;
use crate::operator::{Operator, Ports};
use crate::progress::Progress;
use crate::screen::{Outputs, Screen};
use crate::signals::Interrupts;

use super::run::approach;
use super::start::termination_wish;
use super::watch::Watching;

/// Asks for the termination and drives it to its end, unless somebody does already.
pub(crate) async fn terminate<P: Ports>(
    operator: &Operator<P>,
    asked: &Terminate,
    interrupts: &mut Interrupts,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let screen = &mut outputs.people;
    let id = ExecutionId::new(&asked.wish.execution);
    let progress = Arc::new(Progress::default());
    let (mut watching, _) = Watching::open(&operator.history, id, &progress).await?;
    refuse(&watching.state)?;
    screen.outlive_reader();
    let came = if is_terminated(&watching.state) {
        screen.print("It was terminated before.")?;
        Came::Done
    } else if is_done(&watching.state) {
        terminate_now(
            operator,
            &mut watching,
            &progress,
            interrupts,
            screen,
            &asked.wish.reason,
        )
        .await?
    } else {
        screen.print("Its termination was asked for already.")?;
        approach(operator, &watching.state, false, screen).await?;
        drive(operator, &mut watching, &progress, interrupts, screen).await?
    };
    let ending = if came == Came::Done {
        screen.print(&told(&watching.state))?;
        if is_terminated(&watching.state) {
            Ending::Success
        } else {
            Ending::Unsuccessful
        }
    } else {
        tell_interrupted(operator, &watching, came, screen)?
    };
    outputs.print_document(|| json::execution(&watching.state, watching.driven))?;
    Ok(ending)
}

/// Asks for the termination of an execution that has ended, and drives it. Whoever drove the execution to its end has
/// nothing left to do with it, so it is taken over at once.
pub(super) async fn terminate_now<P: Ports>(
    operator: &Operator<P>,
    watching: &mut Watching<'_, P::Items, P::Clock>,
    progress: &Arc<Progress>,
    interrupts: &mut Interrupts,
    screen: &mut Screen,
    reason: &str,
) -> Result<Came, Failure> {
    let id = watching.id.clone();
    // A machine that waits for a word has nothing left to do with it either: this process takes over.
    let requested = operator.request(&id, termination_wish(reason)).await;
    requested.map_err(|error| operator.history.unwritten(&id, &error))?;
    drive_ended(operator, watching, progress, interrupts, screen).await
}

/// Drives an execution that has ended, and whose termination this process has asked for.
pub(super) async fn drive_ended<P: Ports>(
    operator: &Operator<P>,
    watching: &mut Watching<'_, P::Items, P::Clock>,
    progress: &Arc<Progress>,
    interrupts: &mut Interrupts,
    screen: &mut Screen,
) -> Result<Came, Failure> {
    let id = watching.id.clone();
    let taken = operator.driver.take_over(&id, &**progress).await;
    taken.map_err(|error| operator.history.undriven(&id, &error))?;
    watching.look_again(screen).await?;
    drive(operator, watching, progress, interrupts, screen).await
}

/// Whether its termination has ended and nothing is left.
fn is_terminated(state: &State) -> bool {
    let termination = state.termination.as_ref();
    termination.is_some_and(Termination::is_clean)
}

/// Only a drill that has ended is terminated.
fn refuse(state: &State) -> Result<(), Failure> {
    let id = &state.started.execution_id;
    if !state.is_drill() {
        return Err(Failure::new(format!(
            "execution {id} is a recovery, and what it launched may be in production"
        ))
        .safe("Nothing was changed.")
        .help(
            "`drsctl show` names its instances. Once they are not needed any more, they are removed by name: `aws drs \
             terminate-recovery-instances`.",
        ));
    }
    if state.status.is_terminal() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "execution {id} is {}: only what has ended can be terminated, for it may launch more until then",
        state.status.as_str()
    ))
    .safe("Nothing was changed.")
    .help(format!(
        "First `drsctl cancel {id} --reason TEXT`, then `drsctl run {id}`, which brings it to its end or waits for it."
    )))
}

/// What is gone, what is left, and why.
pub(super) fn told(state: &State) -> String {
    let id = &state.started.execution_id;
    let Some(termination) = &state.termination else {
        return String::new();
    };
    let mut lines = Vec::new();
    let gone: Vec<String> = termination
        .gone
        .iter()
        .map(|id| format!("- {}", named(state, id)))
        .collect();
    if gone.is_empty() {
        lines.push("Nothing had to be removed.".to_owned());
    } else {
        lines.push("Gone, from DRS and from EC2:".to_owned());
        lines.extend(gone);
    }
    let finished = termination.finished.as_ref();
    let Some((_, left, reason)) = finished.filter(|_| !is_terminated(state)) else {
        lines.push(format!("Nothing of execution {id} is left."));
        return lines.join("\n");
    };
    if left.is_empty() {
        lines.push("NOT VERIFIED to be gone; what is left costs money.".to_owned());
    } else {
        lines.push("LEFT, and costing money:".to_owned());
        lines.extend(left.iter().map(|id| format!("- {}", named(state, id))));
    }
    lines.push(format!(
        "Why: {}",
        reason.as_deref().unwrap_or("no reason was recorded")
    ));
    let mut help = format!("`drsctl terminate {id} --reason TEXT` tries again.");
    if !left.is_empty() {
        let ids: Vec<&str> = left.iter().map(InstanceId::as_str).collect();
        help.push_str(&format!(
            " By hand: `aws drs terminate-recovery-instances --recovery-instance-ids {}`.",
            ids.join(" ")
        ));
    }
    lines.push(help);
    lines.join("\n")
}

fn named(state: &State, instance: &InstanceId) -> String {
    let server = state
        .servers
        .values()
        .find(|server| server.instance.as_ref() == Some(instance));
    match server {
        Some(server) => format!("{instance} of {}", server.hostname),
        None => instance.to_string(),
    }
}
