//! How a drill is planned: what is known only after apply, what replaces it, and what would keep it from starting.

use drs_engine::ids::PlanId;
use drs_engine::only::Only;
use drs_engine::plan::Plan as EnginePlan;
use drs_engine::resolve::{self, ResolveError};
use tfplugin::{Attr, Diagnostic, Diagnostics, Plan};

use super::model::{self, Model};
use super::{ORIGIN, points, words};
use crate::client::Client;
use crate::targets;

/// Has the last word on a plan.
pub(super) async fn plan(client: Option<&Client>, plan: &mut Plan<Model>) {
    if plan.is_destroy() {
        let running = plan.prior.as_ref().and_then(running);
        plan.diagnostics.extend(running.map(words::destroy_cancels));
        return;
    }
    if plan.is_create() {
        let (Some(client), Some(planned)) = (client, plan.planned.clone()) else {
            return;
        };
        if let Err(error) = would_start(client, &planned, &mut plan.diagnostics).await {
            plan.diagnostics.push(error);
        }
        return;
    }
    let (Some(prior), Some(planned)) = (plan.prior.clone(), &mut plan.planned) else {
        return;
    };
    if planned.runs_again(&prior) {
        // It is replaced; the plan of the new drill is asked for by itself.
        plan.diagnostics
            .extend(running(&prior).map(words::destroy_cancels));
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
        let warning = words::is_replaced(&prior);
        plan.diagnostics.push(warning);
        plan.replace("status");
    } else if planned.cleans_up_after(status, true)
        && prior.instances_terminated == Attr::Known(false)
    {
        planned.instances_terminated = Attr::Unknown;
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

/// Looks whether the drill would start now. The plan and its groups may be changed in the same apply, so only a plan that
/// does not exist is an error.
async fn would_start(
    client: &Client,
    planned: &Model,
    found: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let Some(id) = planned.recovery_plan_id.known().map(PlanId::new) else {
        return Ok(());
    };
    let session = client.session();
    let plans = session.plans();
    let stored = client.nothing_without_tables(plans.find(&id).await);
    let Some(stored) = stored.map_err(|error| client.explain(&error))? else {
        found.push(words::no_such_plan(client, &id));
        return Ok(());
    };
    if EnginePlan::parse(&stored.spec).is_err() {
        return Ok(());
    }
    let (drs, items, all) = (session.drs(), session.items(), Only::default());
    let resolved = resolve::resolve(&drs, &items, &id, &all);
    match resolved.await {
        Ok(resolution) => {
            for note in &resolution.notes {
                tracing::info!(plan = id.as_str(), "{note}");
            }
            points::look(&client.driver(), &id, planned, found).await;
        }
        Err(errors) => {
            for error in &errors {
                match error {
                    ResolveError::Call(error) => match targets::repairable(client, error) {
                        Some(warning) => found.push(warning.at("recovery_plan_id")),
                        None => return Err(client.explain_call(error)),
                    },
                    ResolveError::Read(error) => return Err(client.explain(error)),
                    error => found.push(words::unresolved(client, "Drill", error, true)),
                }
            }
        }
    }
    let running = plans
        .running(&stored)
        .await
        .map_err(|error| client.explain(&error))?;
    if let Some(execution) = running {
        let driver = client.driver();
        let left = driver.undelivered(&id, ORIGIN, &planned.inputs()).await;
        found.push(match left {
            Ok(Some((left, _))) if left == execution => words::may_be_taken_up(&execution),
            _ => words::plan_runs(&stored.spec.name, &execution),
        });
    }
    Ok(())
}
