//! Plan files: written while the tables can be reached, and run when they cannot.
//!
//! `drsctl plan export` writes one. `drsctl failover --plan-file` takes plan, groups and target accounts out of it into
//! tables of this machine, and then does what it always does. What it cannot do is look at the guards that live in the real
//! tables; it says which these are, and the history does.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use drs_engine::guard::{Guard, Unchecked};
use drs_engine::ports::Clock;
use drs_engine::store::items::Items;
use drs_engine::store::plan_file::{PlanFile, PlanFileError};
use serde_json::json;

use crate::cli::{Place, PlanExport};
use crate::connect::{self, Connection};
use crate::failure::{Ending, Failure};
use crate::history::History;
use crate::screen::Outputs;

use super::export::write;
use super::start::{NOTHING_STARTED, no_plan};

/// Longest plan file that is read: the servers of the largest plan, many times over.
const BYTES: u64 = 64 << 20;

/// Writes a plan to a file.
pub(crate) async fn export<I: Items + Clone, C: Clock>(
    history: &History<I, C>,
    items: &I,
    asked: &PlanExport,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let safe = "Nothing was changed; a file that was there is as it was.";
    let stored = history.plans.find_by_id_or_name(&asked.plan).await;
    let stored = stored.map_err(|error| history.unreadable(&error).safe(safe))?;
    let plan = stored.ok_or_else(|| no_plan(history, &asked.plan).safe(safe))?;
    let (place, now) = (&history.place, history.clock.now());
    let file = PlanFile::of(items, &plan, &place.environment, &place.target, now);
    let file = file.await.map_err(|error| match error {
        PlanFileError::Read(error) => history.unreadable(&error).safe(safe),
        error => Failure::new(format!(
            "plan {:?} cannot be exported: {error}",
            plan.spec.name
        ))
        .safe(safe)
        .help(format!(
            "`drsctl plan show {}` shows what is wrong with it.",
            plan.id
        )),
    })?;
    let path = &asked.file;
    write(path, &file.to_text()).map_err(|error| {
        Failure::new(format!("{} cannot be written: {error}", path.display()))
            .safe(safe)
            .help("Name another file: `drsctl plan export PLAN FILE`.")
    })?;
    outputs.people.print(&format!(
        "Plan {:?} is in {file}. Only you can read the file: it names servers, and how target accounts are reached. Keep it \
         where it can be reached when the tables cannot, and write it anew after every run and every change of the plan.\n\
         Without tables: `drsctl failover --plan-file {file} --history DIRECTORY --reason TEXT --confirm \"{}/{}\"`.",
        plan.spec.name,
        plan.spec.name,
        plan.runs + 1,
        file = path.display(),
    ))?;
    outputs.print_document(|| {
        json!({
            "plan_id": plan.id,
            "plan_name": plan.spec.name,
            "plan_digest": file.plan_digest,
            "next_run": file.next_run,
            "exported_at_wall": file.exported_at,
            "file": path,
        })
    })?;
    Ok(Ending::Success)
}

/// Reads a plan file, and makes a history of this machine that holds what is in it.
pub(crate) async fn take_in(place: &Place, path: &Path) -> Result<(Connection, PlanFile), Failure> {
    let file = read(path)?;
    let connection = connect::with_new_tables(place, &file.environment).await?;
    let items = connection.session.items();
    let now = connection.session.clock().now();
    let loaded = file.load_into(&items, now).await;
    loaded.map_err(|error| unusable(path, &error))?;
    connection.label()?;
    Ok((connection, file))
}

fn read(path: &Path) -> Result<PlanFile, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new(format!(
            "the plan file {} cannot be read: {error}",
            path.display()
        ))
        .safe(NOTHING_STARTED)
        .help("`drsctl plan export PLAN FILE` writes one, while the tables can be reached.")
    };
    let mut text = String::new();
    let mut file = File::open(path).map_err(unreadable)?.take(BYTES);
    file.read_to_string(&mut text).map_err(unreadable)?;
    PlanFile::parse(&text).map_err(|error| unusable(path, &error))
}

fn unusable(path: &Path, error: &PlanFileError) -> Failure {
    let help = match error {
        PlanFileError::Newer(_) => "Use the drsctl that wrote it, or a newer one.",
        PlanFileError::Different { .. } => {
            "The directory was made from another plan file. Name a new directory with --history."
        }
        _ => {
            "`drsctl plan export PLAN FILE` writes a new one, while the tables can be reached. An older copy may be whole."
        }
    };
    Failure::new(format!(
        "the plan file {} cannot be used: {error}",
        path.display()
    ))
    .safe(NOTHING_STARTED)
    .help(help)
}

/// The guards that live in the tables, and why they are not looked at.
pub(super) fn unchecked(file: &PlanFile) -> Vec<Unchecked> {
    let reason = format!(
        "started from a plan file of {}, without the tables of environment {:?} in {}",
        file.exported_at, file.environment, file.history
    );
    let of = |guard| Unchecked {
        guard,
        reason: reason.clone(),
    };
    Guard::OF_TABLES.map(of).into()
}

/// What somebody must know before a recovery without tables goes on.
pub(super) fn told(file: &PlanFile, directory: &Path) -> String {
    let mut lines = vec![format!(
        "Plan {:?} comes from a file of {}, and its history goes to {}. These guards are in the tables of environment {:?} in \
         {}, and are not looked at; make sure yourself that",
        file.plan_name(),
        file.exported_at,
        directory.display(),
        file.environment,
        file.history
    )];
    let guards = Guard::OF_TABLES.iter();
    lines.extend(guards.map(|guard| format!("- {} ({guard})", guard.says())));
    lines.push(format!(
        "Every command about this execution needs `--history {dir}`, or DRS_HISTORY={dir}. `drsctl history import {dir}` merges \
         it into the tables when they are back.",
        dir = directory.display()
    ));
    lines.join("\n")
}
