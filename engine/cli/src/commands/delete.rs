//! `drsctl delete`: deletes the history of an execution that has ended. A tombstone stays, and nothing is called at DRS.

use drs_engine::decide::is_over;
use drs_engine::ids::ExecutionId;
use drs_engine::ports::Clock;
use drs_engine::state::State;
use drs_engine::store::deletion::{DeleteError, Deletion};
use drs_engine::store::executions::HistoryError;
use serde_json::json;

use crate::cli::Delete;
use crate::failure::{Ending, Failure};
use crate::operator::{Operator, Ports};
use crate::screen::Outputs;

/// How many instances a refusal names.
const NAMED: usize = 10;
const NOTHING: &str = "Nothing was deleted.";

/// Deletes a history, or goes on with a deletion that was cut short.
pub(crate) async fn delete<P: Ports>(
    operator: &Operator<P>,
    asked: &Delete,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let id = ExecutionId::new(&asked.wish.execution);
    let history = &operator.history;
    if asked.confirm.as_deref() != Some(id.as_str()) {
        return Err(not_confirmed(&id, asked.confirm.as_deref()));
    }
    match history.executions.load(&id).await {
        // Items may be left of a deletion that was cut short.
        Err(HistoryError::Deleted { .. }) => {}
        Err(error) => return Err(history.missing(&error).safe(NOTHING)),
        Ok(_) => {
            let (state, _) = operator.look(&id).await?;
            refuse(&state, asked.keep_instances)?;
        }
    }
    let deletion = Deletion {
        at: history.clock.now().wall,
        by: operator.arn.clone(),
        reason: asked.wish.reason.clone(),
    };
    let deleted = history.executions.delete(&id, &deletion).await;
    let deletion = deleted.map_err(|error| match error {
        DeleteError::Live(_) => running(&id, "running"),
        DeleteError::History(error) => history.missing(&error).safe(format!(
            "`drsctl delete {id} --confirm {id} --reason TEXT` goes on where it ended."
        )),
        DeleteError::Contended => Failure::new(format!("execution {id}: {error}"))
            .safe("It may be deleted in part; its tombstone says so.")
            .help(format!(
                "`drsctl delete {id} --confirm {id} --reason TEXT` goes on."
            )),
    })?;
    outputs.people.print(&format!(
        "The history of execution {id} is deleted. Its tombstone says: {} by {}: {}",
        deletion.at, deletion.by, deletion.reason
    ))?;
    outputs.print_document(|| {
        json!({
            "execution_id": id,
            "deleted_at_wall": deletion.at,
            "deleted_by": deletion.by,
            "reason": deletion.reason,
        })
    })?;
    Ok(Ending::Success)
}

/// Only what has ended and left nothing behind is deleted, unless it is said that what it left stays.
fn refuse(state: &State, keep_instances: bool) -> Result<(), Failure> {
    let id = &state.started.execution_id;
    if !is_over(state) {
        return Err(running(id, state.status.as_str()));
    }
    let gone = state
        .termination
        .as_ref()
        .map(|termination| &termination.gone);
    let left: Vec<String> = state
        .servers
        .values()
        .filter_map(|server| Some((server.instance.as_ref()?, &server.hostname)))
        .filter(|(instance, _)| !gone.is_some_and(|gone| gone.contains(*instance)))
        .map(|(instance, hostname)| format!("{instance} of {hostname}"))
        .collect();
    if left.is_empty() || keep_instances {
        return Ok(());
    }
    let mut named = left[..left.len().min(NAMED)].join(", ");
    if left.len() > NAMED {
        named.push_str(&format!(" and {} more", left.len() - NAMED));
    }
    let help = if state.is_drill() {
        format!(
            "`drsctl terminate {id} --reason TEXT` removes them. With --keep-instances they stay, and only the history goes."
        )
    } else {
        "What a recovery launched is in production. With --keep-instances it stays, and only the history goes.".to_owned()
    };
    Err(Failure::new(format!(
        "execution {id} launched instances that are not known to be gone: {named}"
    ))
    .safe(NOTHING)
    .help(help)
    .help(format!(
        "`drsctl export {id} --output-file FILE` keeps the record."
    )))
}

fn running(id: &ExecutionId, status: &str) -> Failure {
    Failure::new(format!("execution {id} is {status} and has something left to do"))
        .safe(NOTHING)
        .help(format!(
            "`drsctl run {id}` brings it to its end; `drsctl cancel {id} --reason TEXT` first, where it must not go on."
        ))
}

fn not_confirmed(id: &ExecutionId, typed: Option<&str>) -> Failure {
    let typed = typed.map_or_else(String::new, |typed| format!(": {typed:?} is not its id"));
    Failure::new(format!(
        "the deletion of execution {id} is not confirmed{typed}"
    ))
    .safe(NOTHING)
    .help(format!(
        "`drsctl export {id} --output-file FILE` keeps the record. If it is to go: --confirm {id}."
    ))
}
