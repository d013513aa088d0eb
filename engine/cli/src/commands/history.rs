//! `drsctl history import`: merges executions that were run without tables into the tables.

use std::path::Path;

use drs_engine::store::import::{ImportError, Imported, import as copy};
use drs_engine::store::items::Items;
use serde_json::json;

use crate::failure::{Ending, Failure};
use crate::history::Origin;
use crate::screen::Outputs;

/// Copies what is there and not here; nothing is written over.
pub(crate) async fn import<A: Items + Clone, B: Items + Clone>(
    directory: &Path,
    (from, from_environment): (&A, &str),
    (to, place): (&B, &Origin),
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    if from_environment != place.environment {
        return Err(Failure::new(format!(
            "the history in {} is of environment {from_environment:?}, and these are the tables of {}",
            directory.display(),
            place.describe()
        ))
        .safe("Nothing was changed.")
        .help(format!("Name the environment with --environment {from_environment}.")));
    }
    let imported = copy(from, to).await;
    let imported = imported.map_err(|error| refused(directory, place, &error))?;
    outputs.people.print(&told(&imported, place))?;
    outputs.print_document(|| {
        let runs: Vec<_> = imported
            .runs
            .iter()
            .map(|(plan, (before, after))| json!({"plan_id": plan, "before": before, "after": after}))
            .collect();
        json!({
            "imported": imported.copied,
            "known": imported.known,
            "runs": runs,
            "plans_missing": imported.without_plan,
        })
    })?;
    Ok(Ending::Success)
}

fn told(imported: &Imported, place: &Origin) -> String {
    let mut lines = Vec::new();
    for id in &imported.copied {
        lines.push(format!(
            "Execution {id} is in {} now: `drsctl show {id}`.",
            place.describe()
        ));
    }
    for id in &imported.known {
        lines.push(format!("Execution {id} was there already."));
    }
    if lines.is_empty() {
        lines.push("There is no execution to import.".to_owned());
    }
    for (plan, (before, after)) in &imported.runs {
        lines.push(format!(
            "Plan {plan}: {after} runs, where {before} were known."
        ));
    }
    for plan in &imported.without_plan {
        lines.push(format!(
            "Plan {plan} does not exist there; its executions are found by their ids and by --plan {plan}."
        ));
    }
    lines.join("\n")
}

fn refused(directory: &Path, place: &Origin, error: &ImportError) -> Failure {
    let dir = directory.display();
    let failure = Failure::new(format!(
        "{dir} cannot be imported into {}: {error}",
        place.describe()
    ));
    let nothing = "Nothing was changed.";
    let again =
        format!("Nothing was written over. `drsctl history import {dir}` goes on where it ended.");
    match error {
        ImportError::Unfinished { id, .. } => failure.safe(nothing).help(format!(
            "`drsctl run {id} --history {dir}` brings it to its end. Where it must not go on: first `drsctl cancel {id} \
             --reason TEXT --history {dir}`."
        )),
        ImportError::TooMany => failure.safe(nothing).help(format!(
            "`drsctl list --history {dir}` shows them, and `drsctl export EXECUTION --history {dir}` keeps one as a file."
        )),
        ImportError::Broken { id, .. } => failure.safe(nothing).help(format!(
            "`drsctl export {id} --history {dir}` keeps it as it is, for whoever looks into it."
        )),
        ImportError::From(_) => failure.safe(again).help(format!(
            "`drsctl list --history {dir}` says whether it can be read."
        )),
        ImportError::Different(_) => failure
            .safe("Nothing was written over.")
            .help("Both are kept as they are, for whoever looks into it: `drsctl export EXECUTION`, with and without --history."),
        ImportError::To(_) | ImportError::Contended => failure
            .safe(again)
            .help("`drsctl tables check` says whether the tables are there and fit."),
    }
}
