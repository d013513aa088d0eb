//! `drsctl preflight`: whether a plan could be run now. It starts nothing.

use drs_engine::event::Mode;
use drs_engine::ids::Target;
use drs_engine::preflight::{Finding, FoundServer, Level, Preflight as Found};
use serde_json::{Value, json};

use crate::cli::{Preflight, RunMode};
use crate::failure::{Ending, Failure};
use crate::operator::{Operator, Ports};
use crate::screen::Outputs;

use super::points;
use super::start::find_plan;

/// Looks, says everything that was found, and ends as ready as the plan is.
pub(crate) async fn preflight<P: Ports>(
    operator: &Operator<P>,
    asked: &Preflight,
    hub: &Target,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let mode = match asked.mode {
        RunMode::Drill => Mode::Drill,
        RunMode::Recovery => Mode::Recovery,
    };
    let plan = find_plan(operator, &asked.plan).await?;
    let (only, wanted) = (asked.part.only(), asked.points.wanted()?);
    let mut found = operator.driver.preflight(&plan.id, mode, &only, hub).await;
    let planned = points::planned(operator, &plan, &only, &wanted, &mut found).await;
    outputs.people.print(&found.told(mode))?;
    outputs.print_document(|| {
        let mut document = document(&found, mode);
        document["recovery_points"] = points::planned_document(&planned);
        document
    })?;
    Ok(ending(&found))
}

/// Everything that was found, for a program.
pub(super) fn document(found: &Found, mode: Mode) -> Value {
    let findings: Vec<Value> = found.findings.iter().map(one).collect();
    let jobs: Vec<Value> = found
        .jobs
        .iter()
        .map(|job| {
            let servers: Vec<Value> = job
                .servers
                .iter()
                .map(|(hostname, id)| json!({"hostname": hostname, "id": id.as_str()}))
                .collect();
            json!({
                "wave": job.wave,
                "account_id": job.target.account_id,
                "region": job.target.region,
                "servers": servers,
            })
        })
        .collect();
    json!({
        "plan": found.plan_name,
        "mode": mode.as_str(),
        "next_run": found.next_run,
        "level": level(found.level()),
        "findings": findings,
        "jobs": jobs,
    })
}

/// A finding: every key is there, and null or empty where it is about nothing of the kind.
fn one(finding: &Finding) -> Value {
    let server = |server: &FoundServer| json!({"id": server.id, "hostname": server.hostname});
    let target = finding.target.as_ref();
    json!({
        "check": finding.check,
        "level": level(finding.level),
        "text": finding.text,
        "server": finding.server().map(server),
        "servers": finding.servers.iter().map(server).collect::<Vec<_>>(),
        "more_servers": finding.more_servers,
        "account_id": target.map(|target| &target.account_id),
        "region": target.map(|target| &target.region),
        "wave": finding.wave(),
        "waves": finding.waves,
        "command": finding.command,
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Ready => "ready",
        Level::Warning => "warning",
        Level::Problem => "problem",
    }
}

/// 0 ready, 1 ready with warnings, 2 not ready.
pub(super) fn ending(found: &Found) -> Ending {
    match found.level() {
        Level::Ready => Ending::Success,
        Level::Warning => Ending::Unsuccessful,
        Level::Problem => Ending::NotReady,
    }
}
