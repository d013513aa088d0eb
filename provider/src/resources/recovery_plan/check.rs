//! What can be said about a plan before it is written: from its configuration alone, and with a look at the groups that
//! it names and at their servers.
//!
//! Groups and tags may still change before an execution starts, so what depends on them is a warning here, and refused
//! when an execution starts.

use drs_engine::ids::PlanId;
use drs_engine::plan::{PathStep, Plan as EnginePlan, PlanError};
use drs_engine::resolve::{self, Part, ResolveError};
use tfplugin::{Attr, Diagnostic, Diagnostics, Path, Plan};

use super::model::{Hook, Model, Parameters};
use super::{places, refusal};
use crate::client::Client;
use crate::convert;
use crate::diagnose::{sentence, unresolved};
use crate::targets;

/// What is wrong with a configuration as far as it is known.
pub(super) fn configuration(config: &Model) -> Diagnostics {
    let (spec, _) = config.to_spec();
    let mut found: Diagnostics = match EnginePlan::parse(&spec) {
        Ok(_) => Diagnostics::new(),
        Err(errors) => errors.iter().map(explain).collect(),
    };
    null_elements(config, &mut found);
    for (wave, name, position, id) in known_servers(config) {
        if let Some(problem) = super::super::protection_group::id_problem(id) {
            let at = wave_path(wave, name).index(position);
            found.error_at(at, "Invalid Source Server ID", problem);
        }
    }
    found
}

/// Terraform lets a list hold null; here it would mean a group, a wave, a server or a value without a name.
fn null_elements(config: &Model, found: &mut Diagnostics) {
    let nulls = |list: &Attr<Vec<Attr<String>>>, path: &Path, found: &mut Diagnostics| {
        let items = list.known().into_iter().flatten().enumerate();
        for (position, _) in items.filter(|(_, item)| item.is_null()) {
            found.push(null_element("list").at(path.clone().index(position)));
        }
    };
    for (index, wave) in config.waves.known().into_iter().flatten().enumerate() {
        for (name, list) in [
            ("protection_group_ids", &wave.protection_group_ids),
            ("depends_on_waves", &wave.depends_on_waves),
            ("source_server_ids", &wave.source_server_ids),
            ("critical_server_ids", &wave.critical_server_ids),
        ] {
            nulls(list, &wave_path(index, name), found);
        }
    }
    if let Some(notifications) = config.notifications.known() {
        let path = Path::from("notifications");
        let (topics, events) = (&notifications.topic_arns, &notifications.events);
        nulls(topics, &path.clone().attribute("topic_arns"), found);
        nulls(events, &path.attribute("events"), found);
    }
    let guard = config.drill_guard.known();
    let tags = guard.and_then(|guard| guard.subnet_tags.known());
    for (key, _) in tags.into_iter().flatten().filter(|(_, tag)| tag.is_null()) {
        let path = Path::from("drill_guard").attribute("subnet_tags").key(key);
        found.push(null_element("map").at(path));
    }
    for (path, parameters) in placed_parameters(config) {
        for (name, values) in parameters {
            let path = path.clone().key(name);
            if values.is_null() {
                found.push(null_element("map").at(path.clone()));
            }
            nulls(values, &path, found);
        }
    }
}

fn null_element(of: &str) -> Diagnostic {
    let detail = format!("This element of the {of} is null. Remove it, or set it.");
    Diagnostic::error("Null Element", detail)
}

/// The parameters of every document of checks and hooks, with their paths.
fn placed_parameters(config: &Model) -> impl Iterator<Item = (Path, &Parameters)> {
    let waves = config.waves.known().into_iter().flatten().enumerate();
    let of_checks = waves.filter_map(|(index, wave)| {
        let path = wave_path(index, "checks").attribute("ssm_parameters");
        Some((path, wave.checks.known()?.ssm_parameters.known()?))
    });
    of_checks.chain(
        placed_hooks(config).filter_map(|(path, hook)| {
            Some((path.attribute("parameters"), hook.parameters.known()?))
        }),
    )
}

/// Every hook, with its path.
pub(super) fn placed_hooks(config: &Model) -> impl Iterator<Item = (Path, &Hook)> {
    let waves = config.waves.known().into_iter().flatten().enumerate();
    waves.flat_map(|(index, wave)| {
        let lists = [
            ("before_hooks", &wave.before_hooks),
            ("after_hooks", &wave.after_hooks),
        ];
        lists.into_iter().flat_map(move |(name, list)| {
            let hooks = list.known().into_iter().flatten().enumerate();
            hooks.map(move |(position, hook)| (wave_path(index, name).index(position), hook))
        })
    })
}

/// The servers that waves name: the wave's position, the attribute, the place in it, the id.
fn known_servers(config: &Model) -> impl Iterator<Item = (usize, &'static str, usize, &str)> {
    let waves = config.waves.known().map_or(&[][..], |waves| waves);
    let lists = waves.iter().enumerate().flat_map(|(wave, config)| {
        [
            (wave, "source_server_ids", &config.source_server_ids),
            (wave, "critical_server_ids", &config.critical_server_ids),
        ]
    });
    lists.flat_map(|(wave, name, list)| {
        let ids = list.known().map_or(&[][..], |ids| ids);
        ids.iter()
            .enumerate()
            .filter_map(move |(position, id)| Some((wave, name, position, id.known()?.as_str())))
    })
}

/// One rule that a plan breaks, at its place.
fn explain(error: &PlanError) -> Diagnostic {
    let summary = match error.path.as_slice() {
        [PathStep::Attribute("name")] => "Invalid Name",
        [PathStep::Attribute("drill_guard"), ..] => "Invalid Drill Guard",
        [PathStep::Attribute("notifications"), ..] => "Invalid Notifications",
        [
            ..,
            PathStep::Attribute("before_hooks" | "after_hooks"),
            PathStep::Index(_),
            PathStep::Attribute(attribute),
        ] => match *attribute {
            "name" => "Invalid Hook Name",
            "timeout_seconds" => "Invalid Duration",
            _ => "Invalid Hook",
        },
        [
            ..,
            PathStep::Attribute("checks"),
            PathStep::Attribute(attribute),
        ] => match *attribute {
            "instance_status_timeout_seconds" | "timeout_seconds" => "Invalid Duration",
            _ => "Invalid Checks",
        },
        [.., PathStep::Attribute("name")] => "Invalid Wave Name",
        [.., PathStep::Attribute("protection_group_ids")] => "Empty Wave",
        [
            ..,
            PathStep::Attribute("protection_group_ids"),
            PathStep::Index(_),
        ] => "Protection Group Named Twice",
        [.., PathStep::Attribute("depends_on_waves")] => "Waves Wait for Each Other",
        [
            ..,
            PathStep::Attribute("depends_on_waves"),
            PathStep::Index(_),
        ] => "Unknown Wave",
        [.., PathStep::Attribute("source_server_ids")]
        | [
            ..,
            PathStep::Attribute("source_server_ids"),
            PathStep::Index(_),
        ] => "Invalid Choice of Servers",
        [.., PathStep::Attribute("launch_order")] => "Invalid Launch Order",
        [.., PathStep::Attribute("max_in_flight")] => "Invalid Number of Servers",
        [
            ..,
            PathStep::Attribute(
                "on_failure" | "critical_server_ids" | "min_success_percent" | "retries",
            ),
        ]
        | [
            ..,
            PathStep::Attribute("critical_server_ids"),
            PathStep::Index(_),
        ] => "Invalid Failure Policy",
        [
            ..,
            PathStep::Attribute("wait_time_seconds" | "timeout_seconds"),
        ]
        | [PathStep::Attribute("execution_timeout_seconds")] => "Invalid Duration",
        _ => "Invalid Recovery Plan",
    };
    Diagnostic::error(summary, sentence(&error.message)).at(convert::path(&error.path))
}

/// Looks at the other plans, and at the groups that a plan names, before it is made or changed.
pub(super) async fn change(client: &Client, plan: &mut Plan<Model>) {
    let Some(planned) = plan.planned.clone() else {
        return;
    };
    let mut found = Diagnostics::new();
    if let Err(error) = look(client, plan.prior.as_ref(), &planned, &mut found).await {
        found.push(error);
    }
    plan.diagnostics.extend(found);
}

async fn look(
    client: &Client,
    prior: Option<&Model>,
    planned: &Model,
    found: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let own = prior.and_then(|prior| prior.id.known());
    name_is_free(client, planned, own.map(String::as_str), found).await?;
    if let Some(own) = own {
        is_not_in_use(client, own, found).await?;
    }
    if prior.is_none_or(|prior| prior.digest != planned.digest) {
        would_start(client, planned, found).await?;
        places::hooks(client, planned, found).await?;
    }
    Ok(())
}

async fn name_is_free(
    client: &Client,
    planned: &Model,
    own: Option<&str>,
    found: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let Some(name) = planned.name.known() else {
        return Ok(());
    };
    let holder = client.nothing_without_tables(client.session().plans().find_by_name(name).await);
    let holder = holder.map_err(|error| client.explain(&error))?;
    if let Some(holder) = holder.filter(|plan| Some(plan.id.as_str()) != own) {
        found.push(refusal::KIND.name_may_be_taken(&holder.id, &holder.spec.name));
    }
    Ok(())
}

async fn is_not_in_use(
    client: &Client,
    own: &str,
    found: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let plans = client.session().plans();
    let explain = |error| client.explain(&error);
    let Some(plan) = plans.find(&PlanId::new(own)).await.map_err(explain)? else {
        return Ok(());
    };
    if let Some(execution) = plans.running(&plan).await.map_err(explain)? {
        found.push(refusal::in_use(&plan.spec.name, &execution, "changed"));
    }
    Ok(())
}

/// Says what would keep an execution of this plan from starting now. Groups that are not made yet are left out.
async fn would_start(
    client: &Client,
    planned: &Model,
    found: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let (spec, incomplete) = planned.to_spec();
    let Ok(parsed) = EnginePlan::parse(&spec) else {
        return Ok(());
    };
    let store = client.session().groups();
    let mut groups = Vec::new();
    for id in parsed.groups() {
        let group = client.nothing_without_tables(store.find(&id).await);
        groups.extend(group.map_err(|error| client.explain(&error))?);
    }
    let around = match resolve::look_around(&client.session().drs(), &groups).await {
        Ok(around) => around,
        Err(error) => return cannot_look(client, &error, found),
    };
    let errors = match resolve::settle(&parsed, &around, &Part::default()) {
        Ok((frozen, _)) => {
            if !incomplete {
                places::guard(client, &parsed, &frozen, found).await;
            }
            return Ok(());
        }
        Err(errors) => errors,
    };
    for error in &errors {
        match error {
            ResolveError::GroupMissing { at, .. }
                if is_unknown_group(planned, at.wave, at.group) => {}
            ResolveError::GroupMissing { .. } => {
                let detail = format!(
                    "{} Use the id of a drs_protection_group, e.g. drs_protection_group.<name>.id.",
                    unresolved(error)
                );
                found.error_at(
                    convert::path(&error.path()),
                    "Unknown Protection Group",
                    detail,
                );
            }
            // A server may be in a group that is not known yet.
            ResolveError::ServerNotInGroups { .. } | ResolveError::CriticalNotInWave { .. }
                if incomplete => {}
            error => {
                let detail = format!(
                    "{} The plan is written all the same, but an execution would be refused as things are now.",
                    unresolved(error)
                );
                found.warning_at(
                    convert::path(&error.path()),
                    "An Execution Would Be Refused",
                    detail,
                );
            }
        }
    }
    Ok(())
}

/// What keeps from looking at servers. What may be repaired before an execution starts is no error.
fn cannot_look(
    client: &Client,
    error: &ResolveError,
    found: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let ResolveError::Call { error: call, .. } = error else {
        return Err(Diagnostic::error(
            "Servers Cannot Be Looked At",
            unresolved(error),
        ));
    };
    let repairable = targets::repairable(client, call).ok_or_else(|| client.explain_call(call))?;
    found.push(repairable.at("waves"));
    Ok(())
}

/// Whether the id of a group is known only after apply.
fn is_unknown_group(planned: &Model, wave: usize, position: usize) -> bool {
    let Some(wave) = planned.waves.known().and_then(|waves| waves.get(wave)) else {
        return true;
    };
    match &wave.protection_group_ids {
        Attr::Known(ids) => ids.get(position).is_none_or(Attr::is_unknown),
        _ => true,
    }
}

/// Looks whether a plan can be deleted now. It is only a warning: what runs may end, or be ended, before it is deleted.
pub(super) async fn destroy(client: &Client, plan: &mut Plan<Model>) {
    let Some(id) = plan.prior.as_ref().and_then(|prior| prior.id.known()) else {
        return;
    };
    let plans = client.session().plans();
    let Ok(Some(stored)) = plans.find(&PlanId::new(id)).await else {
        return;
    };
    if let Ok(Some(execution)) = plans.running(&stored).await {
        let name = &stored.spec.name;
        plan.diagnostics
            .push(refusal::KIND.is_deleted_later(name, &execution));
    }
}

fn wave_path(index: usize, attribute: &str) -> Path {
    Path::from("waves").index(index).attribute(attribute)
}
