//! `drsctl plan`: the recovery plans, and what one would launch now. It changes nothing; plans are made with Terraform.

use std::collections::BTreeMap;

use drs_engine::frozen::FrozenServer;
use drs_engine::ids::{ExecutionId, GroupId};
use drs_engine::only::Only;
use drs_engine::plan::{ChecksSpec, HookSpec, NotificationsSpec, Plan, PlanSpec, WaveSpec};
use drs_engine::ports::{Clock, Outside};
use drs_engine::report;
use drs_engine::resolve::{Resolution, ResolveError, resolve};
use drs_engine::store::codec::ReadError;
use drs_engine::store::groups::Groups;
use drs_engine::store::items::Items;
use drs_engine::store::plan::StoredPlan;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::calls;
use crate::cli::{PlanList, PlanShow};
use crate::failure::{Ending, Failure};
use crate::history::History;
use crate::screen::Screen;

use super::refusal::call_of;
use super::several;
use super::start::no_plan;

/// Lists the plans by name.
pub(crate) async fn list<I: Items + Clone, C: Clock>(
    history: &History<I, C>,
    asked: &PlanList,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let found = all(history)
        .await
        .map_err(|error| history.unreadable(&error))?;
    if asked.output.is_json() {
        let plans: Vec<Value> = found
            .iter()
            .map(|(plan, running)| summary(plan, running.as_ref()))
            .collect();
        screen.print_raw(&format!("{}\n", json!({ "plans": plans })))?;
    } else if found.is_empty() {
        screen.print(&format!(
            "There is no recovery plan in {}. Plans are made with `terraform apply` of a drs_recovery_plan.",
            history.place.describe()
        ))?;
    } else {
        screen.print_cut(&table(&found))?;
    }
    Ok(Ending::Success)
}

/// Shows a plan, and what it would launch now.
pub(crate) async fn show<D: Outside, I: Items + Clone, C: Clock>(
    history: &History<I, C>,
    drs: &D,
    items: &I,
    asked: &PlanShow,
    screen: &mut Screen,
) -> Result<Ending, Failure> {
    let unreadable = |error: ReadError| history.unreadable(&error);
    let stored = history
        .plans
        .find_by_id_or_name(&asked.plan)
        .await
        .map_err(unreadable)?;
    let Some(plan) = stored else {
        return Err(no_plan(history, &asked.plan).safe("Nothing was changed."));
    };
    let running = history.plans.running(&plan).await.map_err(unreadable)?;
    let names = group_names(items, &plan).await.map_err(unreadable)?;
    let resolved = resolve(drs, items, &plan.id, &Only::default()).await;
    if asked.output.is_json() {
        let document = document(&plan, running.as_ref(), &names, &resolved);
        screen.print_raw(&format!("{document}\n"))?;
    } else {
        screen.print(&text(&plan, running.as_ref(), &names, &resolved))?;
    }
    Ok(match resolved {
        Ok(_) => Ending::Success,
        Err(_) => Ending::Unsuccessful,
    })
}

/// Every plan by name, with the execution of it that runs.
async fn all<I: Items + Clone, C: Clock>(
    history: &History<I, C>,
) -> Result<Vec<(StoredPlan, Option<ExecutionId>)>, ReadError> {
    let mut found = Vec::new();
    for plan in history.plans.all().await? {
        let running = history.plans.running(&plan).await?;
        found.push((plan, running));
    }
    found.sort_by_key(|(plan, _)| plan.spec.name.to_lowercase());
    Ok(found)
}

/// The names of a plan's groups; one that does not exist has none.
async fn group_names<I: Items + Clone>(
    items: &I,
    plan: &StoredPlan,
) -> Result<BTreeMap<GroupId, String>, ReadError> {
    let groups = Groups::new(items.clone());
    let mut names = BTreeMap::new();
    for id in plan
        .spec
        .waves
        .iter()
        .flat_map(|wave| &wave.protection_group_ids)
    {
        if !names.contains_key(id)
            && let Some(group) = groups.find(id).await?
        {
            names.insert(id.clone(), group.config.name);
        }
    }
    Ok(names)
}

fn table(found: &[(StoredPlan, Option<ExecutionId>)]) -> String {
    let heading = ["PLAN", "ID", "WAVES", "RUNS", "LAST EXECUTION", "CHANGED"];
    let mut rows = vec![heading.map(ToOwned::to_owned).to_vec()];
    rows.extend(found.iter().map(|(plan, running)| {
        let last = match (running, &plan.execution) {
            (Some(running), _) => format!("{running}, runs"),
            (None, Some(last)) => last.to_string(),
            (None, None) => "-".to_owned(),
        };
        vec![
            plan.spec.name.clone(),
            plan.id.to_string(),
            plan.spec.waves.len().to_string(),
            plan.runs.to_string(),
            last,
            report::date_and_clock(plan.modified_at),
        ]
    }));
    report::columns(&rows)
}

fn text(
    plan: &StoredPlan,
    running: Option<&ExecutionId>,
    names: &BTreeMap<GroupId, String>,
    resolved: &Result<Resolution, Vec<ResolveError>>,
) -> String {
    let mut lines = vec![format!(
        "plan {:?}, {}, runs so far: {}",
        plan.spec.name, plan.id, plan.runs
    )];
    lines.extend(plan.spec.description.clone());
    lines.push(format!(
        "changed {}",
        report::date_and_clock(plan.modified_at)
    ));
    lines.extend(plan.spec.notifications.as_ref().map(told));
    match (running, &plan.execution) {
        (Some(id), _) => lines.push(format!("execution {id} of it runs: `drsctl watch {id}`")),
        (None, Some(id)) => lines.push(format!("last execution {id}: `drsctl show {id}`")),
        (None, None) => {}
    }
    lines.extend(objectives(&plan.spec));
    let guard = plan.spec.drill_guard.as_ref();
    lines.extend(guard.map(|guard| format!("a drill boots only in subnets that carry {guard}")));
    for (index, wave) in plan.spec.waves.iter().enumerate() {
        lines.push(String::new());
        lines.push(wave_line(plan, index, wave, names));
        if let Ok(resolution) = resolved {
            lines.extend(servers(resolution.frozen.waves.get(index)));
        }
    }
    lines.push(String::new());
    match resolved {
        Ok(resolution) => {
            lines.extend(resolution.notes.iter().map(|note| format!("note: {note}")));
            lines.push(format!(
                "A drill would launch {} now: `drsctl start {} --reason TEXT`.",
                several(resolution.frozen.servers().count(), "server"),
                plan.id
            ));
        }
        Err(errors) => {
            lines.push("It cannot be launched now:".to_owned());
            lines.extend(errors.iter().map(|error| format!("- {error}")));
            lines.extend(errors.iter().find_map(call_of).map(calls::help));
            lines.push(
                "Nothing was changed. Mend the plan or its groups with `terraform apply`."
                    .to_owned(),
            );
        }
    }
    lines.join("\n")
}

/// Who is told, and of what.
fn told(notifications: &NotificationsSpec) -> String {
    let topics = notifications.topic_arns.join(", ");
    match &notifications.events {
        None => format!("tells {topics}"),
        Some(events) => format!("tells {topics}, of {} only", events.join(", ")),
    }
}

fn wave_line(
    plan: &StoredPlan,
    index: usize,
    wave: &WaveSpec,
    names: &BTreeMap<GroupId, String>,
) -> String {
    let groups: Vec<String> = wave
        .protection_group_ids
        .iter()
        .map(|id| {
            names
                .get(id)
                .map_or_else(|| format!("{id} (missing)"), |name| format!("{name:?}"))
        })
        .collect();
    let after = match &wave.depends_on_waves {
        Some(waves) if waves.is_empty() => None,
        Some(waves) => Some(waves.join(", ")),
        None => index
            .checked_sub(1)
            .and_then(|before| plan.spec.waves.get(before))
            .map(|wave| wave.name.clone()),
    };
    let mut parts = vec![format!("groups {}", groups.join(", "))];
    parts.extend(after.map(|after| format!("after {after}")));
    if wave.launch_order.as_deref() == Some("SEQUENTIAL") {
        parts.push("one server after the other".to_owned());
    }
    parts.extend(
        wave.max_in_flight
            .map(|most| format!("at most {most} at a time")),
    );
    let seconds = |seconds: i64| report::duration(jiff::SignedDuration::from_secs(seconds));
    parts.extend(
        wave.wait_time_seconds
            .filter(|wait| *wait > 0)
            .map(|wait| format!("waits {}", seconds(wait))),
    );
    parts.extend(
        wave.timeout_seconds
            .map(|timeout| format!("limit {}", seconds(timeout))),
    );
    parts.extend(policy(wave));
    parts.extend(hooks("before it", wave.before_hooks.as_deref()));
    parts.extend(wave.checks.as_ref().and_then(checks));
    parts.extend(hooks("after it", wave.after_hooks.as_deref()));
    format!("wave {:?}: {}", wave.name, parts.join("; "))
}

/// What a wave waits for, and what follows when servers of it fail.
fn policy(wave: &WaveSpec) -> Vec<String> {
    let mut parts = Vec::new();
    if wave.pause_before == Some(true) {
        parts.push("waits for an approval".to_owned());
    }
    let after_failure = wave.on_failure.as_ref().filter(|word| *word != "halt");
    parts.extend(after_failure.map(|word| format!("on failure {word}")));
    let percent = wave.min_success_percent;
    parts.extend(percent.map(|percent| format!("needs {percent} percent of its servers")));
    if let Some(ids) = &wave.critical_server_ids {
        let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
        parts.push(format!("critical: {}", ids.join(", ")));
    }
    let retries = wave.retries.filter(|retries| *retries > 0);
    parts.extend(retries.map(|retries| format!("retries {retries}")));
    parts
}

/// What is run before or after a wave.
fn hooks(when: &str, hooks: Option<&[HookSpec]>) -> Option<String> {
    let names: Vec<&str> = hooks?.iter().map(|hook| hook.name.as_str()).collect();
    (!names.is_empty()).then(|| format!("{when} {}", names.join(", ")))
}

/// What is looked at after a launch, where that is not only EC2's status.
fn checks(checks: &ChecksSpec) -> Option<String> {
    let status = (checks.instance_status_timeout_seconds == Some(0))
        .then(|| "without EC2 status".to_owned());
    let command = checks.ssm_document.as_ref();
    let function = checks.lambda_function.as_ref();
    let degraded = (checks.on_degraded.as_deref() == Some("fail"))
        .then(|| "degraded servers count as lost".to_owned());
    let parts: Vec<String> = status
        .into_iter()
        .chain(command.map(|name| format!("command {name}")))
        .chain(function.map(|name| format!("function {name}")))
        .chain(degraded)
        .collect();
    (!parts.is_empty()).then(|| format!("checks: {}", parts.join(", ")))
}

fn servers(frozen: Option<&Vec<FrozenServer>>) -> Vec<String> {
    let rows: Vec<Vec<String>> = frozen
        .into_iter()
        .flatten()
        .map(|server| {
            vec![
                server.hostname.clone(),
                server.id.to_string(),
                server.target.to_string(),
            ]
        })
        .collect();
    report::columns(&rows)
        .lines()
        .map(|line| format!("  {line}"))
        .collect()
}

fn summary(plan: &StoredPlan, running: Option<&ExecutionId>) -> Value {
    json!({
        "plan_id": plan.id,
        "name": plan.spec.name,
        "description": plan.spec.description,
        "wave_count": plan.spec.waves.len(),
        "runs": plan.runs,
        "last_execution_id": plan.execution,
        "running_execution_id": running,
        "created_at_wall": plan.created_at,
        "modified_at_wall": plan.modified_at,
        "tags": plan.tags,
    })
}

fn document(
    plan: &StoredPlan,
    running: Option<&ExecutionId>,
    names: &BTreeMap<GroupId, String>,
    resolved: &Result<Resolution, Vec<ResolveError>>,
) -> Value {
    let frozen = resolved.as_ref().ok().map(|resolution| &resolution.frozen);
    let waves: Vec<Value> = plan
        .spec
        .waves
        .iter()
        .enumerate()
        .map(|(index, wave)| {
            let mut document = json!(wave);
            document["servers"] = json!(frozen.and_then(|frozen| frozen.waves.get(index)));
            document
        })
        .collect();
    let mut document = summary(plan, running);
    document["digest"] = json!(
        Plan::parse(&plan.spec)
            .ok()
            .map(|plan| plan.digest().to_owned())
    );
    document["execution_timeout_seconds"] = json!(plan.spec.execution_timeout_seconds);
    document["rto_objective_seconds"] = json!(plan.spec.rto_objective_seconds);
    document["rpo_objective_seconds"] = json!(plan.spec.rpo_objective_seconds);
    document["notifications"] = json!(plan.spec.notifications);
    document["drill_guard"] = json!(plan.spec.drill_guard);
    document["waves"] = json!(waves);
    document["group_names"] = json!(names);
    document["can_be_launched"] = json!(resolved.is_ok());
    document["notes"] = json!(resolved.as_ref().map(|resolution| &resolution.notes).ok());
    let problems = resolved
        .as_ref()
        .err()
        .map(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>());
    document["problems"] = json!(problems.unwrap_or_default());
    document
}

/// What a recovery by the plan is meant to reach, where somebody has said it.
fn objectives(spec: &PlanSpec) -> Option<String> {
    let told = |name: &str, seconds: Option<i64>| {
        let duration = report::duration(SignedDuration::from_secs(seconds?));
        Some(format!("{name} {duration}"))
    };
    let both = [
        told("RTO", spec.rto_objective_seconds),
        told("RPO", spec.rpo_objective_seconds),
    ];
    let both: Vec<String> = both.into_iter().flatten().collect();
    (!both.is_empty()).then(|| format!("objectives: {}", both.join(", ")))
}
