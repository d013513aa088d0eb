//! `drsctl cancel`: asks that an execution launch nothing more. Nothing is called at DRS.

use drs_engine::drive::DriveError;
use drs_engine::event::{Author, Event};
use drs_engine::ids::ExecutionId;
use drs_engine::report::{self, Driven};
use drs_engine::state::{State, Status, Stop};

use crate::cli::Cancel;
use crate::failure::{Ending, Failure};
use crate::json;
use crate::operator::{Operator, Ports};
use crate::screen::Outputs;

/// Writes the wish down, and says what still runs and who follows it to its end.
pub(crate) async fn cancel<P: Ports>(
    operator: &Operator<P>,
    asked: &Cancel,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let screen = &mut outputs.people;
    let id = ExecutionId::new(&asked.wish.execution);
    let (before, _) = operator.look(&id).await?;
    let mut remark = None;
    let first = match before.status {
        Status::Running | Status::Paused => {
            let wish = Event::CancelRequested {
                reason: asked.wish.reason.clone(),
            };
            match operator.request(&id, wish).await {
                Ok(said) => {
                    remark = said;
                    "Cancelled".to_owned()
                }
                // It may have ended a moment ago.
                Err(error) => return Err(not_cancelled(operator, &id, error).await),
            }
        }
        Status::Cancelling => already(&before),
        Status::Ended(_) | Status::Halted => return Err(has_ended(&before)),
    };
    let (state, driven) = operator.look(&id).await?;
    screen.print(&told(&first, &state, driven))?;
    if let Some(remark) = remark {
        screen.print(&remark)?;
    }
    outputs.print_document(|| json::execution(&state, driven))?;
    Ok(Ending::Success)
}

async fn not_cancelled<P: Ports>(
    operator: &Operator<P>,
    id: &ExecutionId,
    error: DriveError,
) -> Failure {
    match operator.look(id).await {
        Ok((state, _)) if state.status.is_terminal() => has_ended(&state),
        _ => operator.history.unwritten(id, &error),
    }
}

fn already(state: &State) -> String {
    match &state.stop {
        Some(Stop::Cancelled { at, by, reason }) => {
            let by = match by {
                Author::Operator(arn) => arn.as_str(),
                Author::Owner(owner) => owner.as_str(),
            };
            format!(
                "Cancelled already, at {} UTC by {by}: {reason}",
                report::clock(*at)
            )
        }
        _ => "Cancelled already".to_owned(),
    }
}

fn has_ended(state: &State) -> Failure {
    let id = &state.started.execution_id;
    let when = state
        .finished
        .as_ref()
        .map_or_else(String::new, |(now, _)| {
            format!(" at {}", report::date_and_clock(now.world))
        });
    Failure::new(format!(
        "execution {id} cannot be cancelled: it has ended as {}{when}",
        state.status.as_str()
    ))
    .safe("Nothing was changed. It launches nothing more by itself.")
    .help(format!(
        "`drsctl show {id}` says what it launched; `drsctl terminate {id} --reason TEXT` removes that."
    ))
}

/// What was done, what still runs, who follows it, and what comes after.
fn told(first: &str, state: &State, driven: Driven) -> String {
    let id = &state.started.execution_id;
    let mut lines = vec![format!("{first}."), format!("{}.", report::headline(state))];
    if state.status.is_terminal() {
        lines.push("It has ended meanwhile.".to_owned());
    } else {
        lines.push("Nothing more is launched.".to_owned());
    }
    let jobs: Vec<String> = state
        .running()
        .filter_map(|(_, launch)| {
            let job = launch.phase.job()?;
            let names: Vec<&str> = launch
                .servers
                .iter()
                .filter_map(|id| Some(state.servers.get(id)?.hostname.as_str()))
                .collect();
            Some(format!("- {job}: {}", names.join(", ")))
        })
        .collect();
    if !jobs.is_empty() {
        lines.push(
            "These jobs still run. DRS cannot stop them, so they are followed to their end:"
                .to_owned(),
        );
        lines.extend(jobs);
    }
    if state.unresolved().count() > 0 {
        lines.push(
            "A launch has no answer from DRS yet: its job is looked for and followed, and it is not made again."
                .to_owned(),
        );
    }
    if !state.status.is_terminal() {
        lines.push(who_ends_it(state, driven));
    }
    lines.push(format!(
        "When it has ended, `drsctl terminate {id} --reason TEXT` removes what it launched."
    ));
    lines.join("\n")
}

fn who_ends_it(state: &State, driven: Driven) -> String {
    let id = &state.started.execution_id;
    let host = state
        .owner
        .as_ref()
        .map_or("nobody", |owner| owner.host.as_str());
    match driven {
        Driven::Yes => format!(
            "It is driven by {host}; that process brings it to its end. `drsctl watch {id}` follows it."
        ),
        Driven::Silent(silence) => format!(
            "Nobody drives it now ({host} has been silent for {}), so it does not end by itself: `drsctl run {id}` brings \
             it to its end.",
            report::duration(silence)
        ),
    }
}
