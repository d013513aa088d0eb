//! `drsctl points`: the points in time that DRS keeps of a plan's servers, and what a run would be launched from.

use std::collections::BTreeMap;

use drs_engine::frozen::FrozenServer;
use drs_engine::only::Only;
use drs_engine::point::{self, Point, RecoveryPoint};
use drs_engine::ports::{CallError, Clock};
use drs_engine::preflight::{Finding, Level, Preflight as Found};
use drs_engine::report;
use drs_engine::store::plan::StoredPlan;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::calls;
use crate::cli::Points;
use crate::failure::{Ending, Failure};
use crate::operator::{Operator, Ports};
use crate::screen::Outputs;

use super::several;
use super::start::find_plan;

/// Servers of a dry run that are named; the rest is counted.
const NAMED: usize = 20;

/// A server with its points, oldest first, or why they cannot be read.
type Row<'a> = (&'a FrozenServer, Result<Vec<Point>, CallError>);

/// Lists the points.
pub(crate) async fn points<P: Ports>(
    operator: &Operator<P>,
    asked: &Points,
    outputs: &mut Outputs,
) -> Result<Ending, Failure> {
    let plan = find_plan(operator, &asked.plan).await?;
    let driver = &operator.driver;
    let all = Only::default();
    let planned = driver.planned_points(&plan.id, &all, &RecoveryPoint::Latest);
    let frozen = planned.await.map_err(|problems| {
        let texts: Vec<String> = problems.into_iter().map(|found| found.text).collect();
        let text = texts.join("; ");
        let name = &plan.spec.name;
        Failure::new(format!(
            "the servers of plan {name:?} cannot be told: {text}"
        ))
        .safe("Nothing was changed.")
        .help(format!("`drsctl plan show {}` shows the plan.", plan.id))
    })?;
    let servers = chosen(&frozen.waves, &asked.server, &plan)?;
    let mut read = driver.snapshots_of(&servers).await;
    let rows: Vec<Row<'_>> = servers
        .into_iter()
        .filter_map(|server| {
            let read = read.remove(&server.id)?;
            Some((server, read.map(|snapshots| point::in_order(&snapshots))))
        })
        .collect();
    let now = driver.clock.now().world;
    let text = if asked.server.is_empty() {
        overview(&rows, now, &plan)
    } else {
        let parts: Vec<String> = rows.iter().map(|row| every(row, now)).collect();
        parts.join("\n")
    };
    outputs.people.print(&text)?;
    outputs.print_document(|| document(&plan, &rows))?;
    let is_read = rows.iter().all(|(_, points)| points.is_ok());
    Ok(if is_read {
        Ending::Success
    } else {
        Ending::Unsuccessful
    })
}

/// The servers that were named, or all of them.
fn chosen<'a>(
    waves: &'a [Vec<FrozenServer>],
    named: &[String],
    plan: &StoredPlan,
) -> Result<Vec<&'a FrozenServer>, Failure> {
    let is =
        |server: &FrozenServer, name: &str| server.id.as_str() == name || server.hostname == name;
    let all = || waves.iter().flatten();
    for name in named {
        if !all().any(|server| is(server, name)) {
            return Err(Failure::new(format!(
                "no server of plan {:?} has the id or the host name {name:?}",
                plan.spec.name
            ))
            .safe("Nothing was changed.")
            .help(format!(
                "`drsctl points {}` shows all of its servers.",
                plan.id
            )));
        }
    }
    let is_wanted =
        |server: &&FrozenServer| named.is_empty() || named.iter().any(|name| is(server, name));
    Ok(all().filter(is_wanted).collect())
}

fn overview(rows: &[Row<'_>], now: Timestamp, plan: &StoredPlan) -> String {
    let heading = ["SERVER", "ID", "POINTS", "OLDEST", "NEWEST", "AGE"];
    let mut table = vec![heading.map(ToOwned::to_owned).to_vec()];
    table.extend(rows.iter().map(|(server, points)| {
        let mut row = vec![server.hostname.clone(), server.id.to_string()];
        match points {
            Ok(points) => {
                row.push(points.len().to_string());
                let at = |point: Option<&Point>| {
                    point.map_or_else(|| "-".to_owned(), |point| report::date_and_clock(point.at))
                };
                row.extend([at(points.first()), at(points.last())]);
                row.extend(points.last().map(|point| age(point, now)));
            }
            Err(error) => row.push(format!("cannot be read: {error}")),
        }
        row
    }));
    let id = &plan.id;
    format!(
        "{}\n`drsctl points {id} --server SERVER` shows every point of a server. `drsctl start` and `drsctl failover` \
         take --recovery-point TIME, or --snapshot SERVER=POINT.",
        report::columns(&table)
    )
}

fn every((server, points): &Row<'_>, now: Timestamp) -> String {
    let name = format!("{} ({})", server.hostname, server.id);
    let points = match points {
        Ok(points) => points,
        Err(error) => return format!("{name}: cannot be read: {error}\n{}\n", calls::help(error)),
    };
    let newest_first = points.iter().rev();
    let rows: Vec<Vec<String>> = newest_first
        .map(|point| {
            vec![
                format!("  {}", point.id),
                report::date_and_clock(point.at),
                age(point, now),
            ]
        })
        .collect();
    let count = several(points.len(), "recovery point");
    format!("{name}: {count}\n{}", report::columns(&rows))
}

fn age(point: &Point, now: Timestamp) -> String {
    format!("{} old", report::duration(now.duration_since(point.at)))
}

fn document(plan: &StoredPlan, rows: &[Row<'_>]) -> Value {
    let servers: Vec<Value> = rows
        .iter()
        .map(|(server, points)| {
            let listed = points.as_ref().ok();
            json!({
                "source_server_id": server.id,
                "hostname": server.hostname,
                "account_id": server.target.account_id,
                "region": server.target.region,
                "recovery_points": listed.map(|points| points.iter().map(one).collect::<Vec<_>>()),
                "problem": points.as_ref().err().map(ToString::to_string),
            })
        })
        .collect();
    json!({"plan_id": plan.id, "plan_name": plan.spec.name, "servers": servers})
}

fn one(point: &Point) -> Value {
    json!({"recovery_snapshot_id": point.id, "at": point.at})
}

/// What a run would be launched from, as a finding beside the others and as lines of their own; the servers by id.
pub(super) async fn planned<P: Ports>(
    operator: &Operator<P>,
    plan: &StoredPlan,
    only: &Only,
    points: &RecoveryPoint,
    found: &mut Found,
) -> BTreeMap<String, Point> {
    let Some(wanted) = report::asked(points) else {
        return BTreeMap::new();
    };
    match operator.driver.planned_points(&plan.id, only, points).await {
        Ok(frozen) => {
            let text = format!("servers are launched from {wanted}");
            let ready = Finding::new("recovery points", Level::Ready, text);
            found.findings.push(ready);
            let all = frozen.servers();
            all.filter_map(|(_, server)| Some((server.id.to_string(), server.snapshot.clone()?)))
                .collect()
        }
        Err(problems) => {
            for problem in problems {
                // Why a plan cannot be resolved has been found already.
                if !found.findings.contains(&problem) {
                    found.findings.push(problem);
                }
            }
            BTreeMap::new()
        }
    }
}

/// The lines about what a run would be launched from.
pub(super) fn planned_lines(
    found: &Found,
    points: &RecoveryPoint,
    planned: &BTreeMap<String, Point>,
    now: Timestamp,
) -> String {
    if points.is_latest() {
        return "\nServers are launched from their newest state. Where a source does not answer, DRS waits for it up to ten \
                minutes and then takes an earlier point; --recovery-point and --snapshot name one."
            .to_owned();
    }
    let mut lines = vec!["\nwould be launched from:".to_owned()];
    let servers: Vec<_> = found.jobs.iter().flat_map(|job| &job.servers).collect();
    for (hostname, id) in servers.iter().take(NAMED) {
        lines.push(match planned.get(id.as_str()) {
            Some(point) => format!("- {hostname} ({id}): {point}, {}", age(point, now)),
            None => format!("- {hostname} ({id}): its newest state"),
        });
    }
    if servers.len() > NAMED {
        lines.push(format!("- and {} more", servers.len() - NAMED));
    }
    if planned.is_empty() {
        return String::new();
    }
    lines.join("\n")
}

/// The same for a program.
pub(super) fn planned_document(planned: &BTreeMap<String, Point>) -> Value {
    let servers = planned.iter().map(|(server, point)| {
        let mut document = one(point);
        document["source_server_id"] = json!(server);
        document
    });
    servers.collect()
}
