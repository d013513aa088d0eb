//! How a drill is planned: what is known only after apply, what replaces it, and what would keep it from starting.

use drs_engine::begin::Whose;
use drs_engine::ids::PlanId;
use tfplugin::{Attr, Diagnostic, Diagnostics, Plan, Severity};

use super::model::{self, Model};
use super::{ORIGIN, begin, refusal, rerun, words};
use crate::client::Client;
use crate::runner::Runner;

/// Has the last word on a plan.
pub(super) async fn plan(client: Option<&Client>, plan: &mut Plan<Model>) {
    if plan.is_destroy() {
        if let Some(prior) = &plan.prior {
            ends(client, prior, &mut plan.diagnostics);
        }
        return;
    }
    if plan.is_create() {
        let (Some(client), Some(planned)) = (client, plan.planned.clone()) else {
            return;
        };
        if let Err(error) = would_start(client, &planned, &mut plan.diagnostics).await {
            plan.diagnostics.push(error);
        }
        // What is missing now may be made by the same apply.
        let runner = Runner::for_start(client, &planned.runner);
        if !planned.runner.is_unknown()
            && let Err(error) = runner.check(client, &planned.runner).await
        {
            plan.diagnostics.push(Diagnostic {
                severity: Severity::Warning,
                ..error
            });
        }
        return;
    }
    let (Some(prior), Some(planned)) = (plan.prior.clone(), &mut plan.planned) else {
        return;
    };
    if let Some(why) = rerun::because_of_a_change(&prior, planned) {
        // It is replaced; the plan of the new drill is asked for by itself.
        plan.diagnostics.push(why);
        ends(client, &prior, &mut plan.diagnostics);
        return;
    }
    let status = prior.status.known().map_or("", String::as_str);
    let is_left = prior.instances_terminated != Attr::Known(true);
    if is_left && planned.max_lifetime != prior.max_lifetime {
        plan.diagnostics.push(words::lifetime_is_kept(&prior));
    }
    if let Some(id) = running(&prior) {
        planned.expect_progress();
        let warning = words::is_followed(id, status);
        plan.diagnostics.push(warning);
    } else if !status.is_empty() && status != "COMPLETED" && planned.minds_failure() {
        planned.status = Attr::Unknown;
        plan.diagnostics.push(rerun::because_of_its_end(&prior));
        plan.replace("status");
    } else if planned.cleans_up_after(status, true)
        && prior.instances_terminated == Attr::Known(false)
    {
        planned.instances_terminated = Attr::Unknown;
    }
}

/// Says and notes that a drill which runs is ended with its resource.
fn ends(client: Option<&Client>, prior: &Model, found: &mut Diagnostics) {
    if let Some(id) = running(prior) {
        found.push(words::destroy_cancels(id));
        if let Some(client) = client {
            client.planned().note_end(id);
        }
    }
}

/// The id of an execution that has not ended, as far as the state knows.
fn running(prior: &Model) -> Option<&str> {
    let status = prior.status.known()?;
    if model::is_terminal(status) {
        None
    } else {
        prior.id.known().map(String::as_str)
    }
}

/// Looks whether the drill would start now, with what the same apply writes before.
async fn would_start(
    client: &Client,
    planned: &Model,
    found: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let Some(id) = planned.recovery_plan_id.known().map(PlanId::new) else {
        return Ok(());
    };
    let stored = client.session().plans().find(&id).await;
    let stored = client.nothing_without_tables(stored);
    let Some(stored) = stored.map_err(|error| client.explain(&error))? else {
        found.push(words::no_such_plan(client, &id));
        return Ok(());
    };
    let Some(meanwhile) = client.planned().meanwhile(&stored) else {
        return Ok(());
    };
    let Some(begin) = begin::wanted(client, &id, planned) else {
        return Ok(());
    };
    let driver = client.driver();
    let left = driver.undelivered(&id, ORIGIN, &begin.inputs).await;
    if let Ok(Some((left, whose))) = left
        && !meanwhile.ended.contains(&left)
    {
        // Apply goes on with that one, or takes its result, and starts none.
        let runs = whose != Whose::Terminal;
        found.extend(runs.then(|| words::may_be_taken_up(&left)));
        return Ok(());
    }
    let objections = driver.objections(&begin, &meanwhile).await;
    refusal::at_plan(client, planned, &id, &objections, found)
}
