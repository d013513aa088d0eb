//! What can be said about a group before it is written: from its configuration alone, and with a look at DRS and at the
//! other groups.
//!
//! What others may still change in the same apply is a warning here: apply waits for it, and then refuses.

use std::collections::BTreeMap;

use drs_engine::ids::{GroupId, ServerId, Target};
use drs_engine::limits;
use drs_engine::origin;
use drs_engine::plan::name_problem;
use drs_engine::ports::{Drs as _, SourceServer};
use drs_engine::resolve;
use drs_engine::store::group::{GroupConfig, Selection};
use tfplugin::{Attr, Context, Diagnostic, Diagnostics, Path, Plan};

use super::model::{self, Model};
use crate::client::Client;
use crate::{diagnose, held, targets};

/// What is wrong with a configuration as far as it is known.
pub(super) fn configuration(config: &Model) -> Diagnostics {
    let mut found = Diagnostics::new();
    if let Some(problem) = config.name.known().and_then(|name| name_problem(name)) {
        found.error_at("name", "Invalid Name", diagnose::sentence(&problem));
    }
    match (&config.source_server_ids, &config.server_selection_tags) {
        (Attr::Null, Attr::Null) => found.error_at(
            "source_server_ids",
            "No Way to Select Servers",
            "A protection group needs either source_server_ids, a list of servers that it then holds for itself, or \
             server_selection_tags, which select every server that carries all of them. Set one of the two.",
        ),
        (Attr::Known(_), Attr::Known(_)) => found.error_at(
            "server_selection_tags",
            "Two Ways to Select Servers",
            "A protection group either lists its servers in source_server_ids or selects them with \
             server_selection_tags. Remove one of the two.",
        ),
        _ => {}
    }
    if let Attr::Known(ids) = &config.source_server_ids {
        listed(ids, &mut found);
    }
    found
}

fn listed(ids: &[Attr<String>], found: &mut Diagnostics) {
    if ids.is_empty() {
        found.error_at(
            "source_server_ids",
            "Empty Protection Group",
            "The list is empty, so the group would have no servers. List at least one, or select servers with \
             server_selection_tags.",
        );
    }
    if ids.len() > limits::SERVERS_PER_GROUP {
        let detail = format!(
            "The list has {} servers; DRS holds at most {} in one account and Region. Split them into groups of other \
             Regions or accounts.",
            ids.len(),
            limits::SERVERS_PER_GROUP
        );
        found.error_at("source_server_ids", "Too Many Servers", detail);
    }
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, id) in ids.iter().enumerate() {
        let at = server_path(index);
        match id {
            Attr::Unknown => {}
            Attr::Null => found.error_at(
                at,
                "Invalid Source Server ID",
                "The id is null. Remove the element, or set it.",
            ),
            Attr::Known(id) => {
                if let Some(problem) = id_problem(id) {
                    found.error_at(at, "Invalid Source Server ID", problem);
                } else if let Some(before) = first.insert(id, index) {
                    let detail = format!(
                        "Server {id} is listed already, at source_server_ids[{before}]. Remove one of the two."
                    );
                    found.error_at(at, "Server Listed Twice", detail);
                }
            }
        }
    }
}

/// What is wrong with the id of a source server; none when it has the right form.
pub(crate) fn id_problem(id: &str) -> Option<String> {
    if let Some((_, end)) = id
        .split_once(":source-server/")
        .filter(|_| id.starts_with("arn:"))
    {
        return Some(format!("{id:?} is an ARN. Use the id at its end: {end:?}."));
    }
    let is_id = id.strip_prefix("s-").is_some_and(|rest| {
        rest.len() == 17 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    (!is_id).then(|| {
        format!(
            "{id:?} is not the id of a source server: \"s-\" and 17 letters and digits, such as \
             \"s-3a1b2c3d4e5f6a7b8\". The data source drs_source_servers and `aws drs describe-source-servers` list \
             them. The id of an EC2 instance is another thing."
        )
    })
}

/// Looks at DRS and at the other groups before a group is made or changed.
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

/// A group that is kept in other tables than those of this provider: it can be neither read nor changed from here.
pub(super) fn of_another_place(client: &Client, kept_in: &[u8]) -> Option<Diagnostic> {
    let here = client.history();
    if kept_in.is_empty() || kept_in == here.to_string().as_bytes() {
        return None;
    }
    let there = String::from_utf8_lossy(kept_in);
    let detail = format!(
        "The group is kept in the tables of {there}, and this provider's tables are those of {here}; a group cannot move. \
         Set the provider's region, or its history_region, back to where the group is, or give the resource a provider \
         configuration for that place: provider = drs.<alias>. Nothing was changed."
    );
    let is_same_account = there.split('/').next() == Some(&here.account_id);
    let name = if is_same_account {
        "region"
    } else {
        "account_id"
    };
    Some(Diagnostic::error("Protection Group of Another Place", detail).at(name))
}

async fn look(
    client: &Client,
    prior: Option<&Model>,
    planned: &Model,
    found: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let own = prior.and_then(|prior| prior.id.known().map(String::as_str));
    let target = targets::reachable(client, &planned.account_id, &planned.region).await?;
    name_is_free(client, planned, own, found).await?;
    let Attr::Known(selection) = planned.selection() else {
        return Ok(());
    };
    if prior.is_some_and(|prior| prior.selection() == Attr::Known(selection.clone())) {
        return Ok(());
    }
    if let Some(own) = own {
        is_not_in_use(client, own, &selection, found).await?;
    }
    let Some(target) = target else {
        return Ok(());
    };
    look_at_servers(client, &target, &selection, found).await?;
    servers_are_free(client, &target, selection.listed(), own, found).await
}

/// Looks at the servers where they live, as far as anybody may look there now.
async fn look_at_servers(
    client: &Client,
    target: &Target,
    selection: &Selection,
    found: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let listed = match selection {
        Selection::Servers(listed) => Some(listed.as_slice()),
        Selection::Tags(_) => None,
    };
    let drs = client.session().drs();
    let servers = match drs.source_servers(target, listed).await {
        Ok(servers) => servers,
        // The role may be written, or repaired, in the same apply.
        Err(error) if targets::is_not_assumable(&error) => {
            let refusal = diagnose::call(&error, target);
            let detail = format!(
                "{} The servers were not looked at; apply tries again where the group lists servers.",
                refusal.detail
            );
            found.warning_at("account_id", refusal.summary, detail);
            return Ok(());
        }
        Err(error) => return Err(diagnose::call(&error, target)),
    };
    match selection {
        Selection::Tags(tags) => found.extend(no_match(target, &servers, tags)),
        Selection::Servers(listed) => found.extend(unknown_servers(target, &servers, listed)),
    }
    let group = model::of_servers(target.clone(), selection.clone());
    let history_region = client.session().history_region();
    let members = resolve::members(&group, &servers);
    if let Some(text) = origin::warning(history_region, members) {
        let detail = format!(
            "{} See docs/guides/hub-region-gone.md.",
            diagnose::sentence(&text)
        );
        found.warning_at(
            attribute_of(selection),
            "Servers Run in the Region of the Tables",
            detail,
        );
    }
    Ok(())
}

/// The attribute that selects servers.
fn attribute_of(selection: &Selection) -> &'static str {
    match selection {
        Selection::Servers(_) => "source_server_ids",
        Selection::Tags(_) => "server_selection_tags",
    }
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
    let holder = client.nothing_without_tables(client.session().groups().find_by_name(name).await);
    let holder = holder.map_err(|error| client.explain(&error))?;
    if let Some(holder) = holder.filter(|group| Some(group.id.as_str()) != own) {
        found.push(super::refusal::KIND.name_may_be_taken(&holder.id, &holder.config.name));
    }
    Ok(())
}

async fn is_not_in_use(
    client: &Client,
    own: &str,
    selection: &Selection,
    found: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let groups = client.session().groups();
    let explain = |error| client.explain(&error);
    let Some(group) = groups.find(&GroupId::new(own)).await.map_err(explain)? else {
        return Ok(());
    };
    if let Some(execution) = groups.user(&group).await.map_err(explain)? {
        let refusal = super::refusal::in_use(&group.config.name, &execution, "changed");
        found.push(refusal.at(attribute_of(selection)));
    }
    Ok(())
}

/// Tags that select no server.
fn no_match(
    target: &Target,
    servers: &[SourceServer],
    tags: &BTreeMap<String, String>,
) -> Option<Diagnostic> {
    if servers.iter().any(|server| resolve::carries(server, tags)) {
        return None;
    }
    let wanted: Vec<String> = tags
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let detail = format!(
        "None of the {} source servers in account {}, Region {} carries all of these tags: {}. Upper and lower case \
         matter. The group is made all the same; an execution is refused while it has no server. `aws drs \
         describe-source-servers` shows the tags.",
        servers.len(),
        target.account_id,
        target.region,
        wanted.join(", ")
    );
    Some(Diagnostic::warning("Tags Select No Server", detail).at("server_selection_tags"))
}

async fn servers_are_free(
    client: &Client,
    target: &Target,
    servers: &[ServerId],
    own: Option<&str>,
    found: &mut Diagnostics,
) -> Result<(), Diagnostic> {
    let holders = client.session().groups().holders(target, servers).await;
    let holders = client.nothing_without_tables(holders);
    let holders = holders.map_err(|error| client.explain(&error))?;
    for (index, server) in servers.iter().enumerate() {
        let Some((group, name)) = holders
            .get(server)
            .filter(|(id, _)| Some(id.as_str()) != own)
        else {
            continue;
        };
        let detail = format!(
            "Server {server} is listed by protection group {name:?} ({group}); a server belongs to one group. Apply \
             waits one minute for it to be given up, and then fails. Remove the server from one of the two."
        );
        found.warning_at(
            server_path(index),
            "Server Belongs to Another Group",
            detail,
        );
    }
    Ok(())
}

/// Refuses servers that DRS does not know; what was unknown at plan time is checked here at apply. A role that cannot be
/// assumed is waited for: it may have been written a moment ago.
pub(super) async fn servers_exist(
    cx: &Context<Client>,
    client: &Client,
    config: &GroupConfig,
) -> Result<(), Diagnostics> {
    let (target, listed) = (&config.target, config.selection.listed());
    if listed.is_empty() {
        return Ok(());
    }
    let drs = client.session().drs();
    let servers = held::wait(cx, targets::is_not_assumable, || {
        drs.source_servers(target, Some(listed))
    })
    .await;
    let servers = servers.map_err(|error| diagnose::call(&error, target).at("account_id"))?;
    let problems = unknown_servers(target, &servers, listed);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.into_iter().collect())
    }
}

/// Listed servers that are not there.
fn unknown_servers(
    target: &Target,
    servers: &[SourceServer],
    listed: &[ServerId],
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for (index, id) in listed.iter().enumerate() {
        match servers.iter().find(|server| server.id == *id) {
            None => problems.push(unknown_server(index, id, target)),
            Some(server) => {
                let home = resolve::home(server).filter(|home| home != target);
                problems.extend(home.map(|home| server_elsewhere(index, id, &home, target)));
            }
        }
    }
    problems
}

fn unknown_server(index: usize, id: &ServerId, target: &Target) -> Diagnostic {
    Diagnostic::error(
        "Unknown Source Server",
        format!(
            "DRS has no source server {id} in account {}, Region {}. If it replicates to another Region or account, it \
             belongs in a group with that region and account_id; if its agent was uninstalled, remove it here. `aws drs \
             describe-source-servers --region {}` lists what there is.",
            target.account_id, target.region, target.region
        ),
    )
    .at(server_path(index))
}

fn server_elsewhere(index: usize, id: &ServerId, home: &Target, target: &Target) -> Diagnostic {
    Diagnostic::error(
        "Server of Another Region",
        format!(
            "Source server {id} lives in account {}, Region {}, and this group is for account {}, Region {}. Put it \
             into a group with the region and account_id of where it lives.",
            home.account_id, home.region, target.account_id, target.region
        ),
    )
    .at(server_path(index))
}

/// Looks whether a group can be deleted now. It is only a warning: what runs may end, or be ended, before it is deleted.
pub(super) async fn destroy(client: &Client, plan: &mut Plan<Model>) {
    let Some(id) = plan.prior.as_ref().and_then(|prior| prior.id.known()) else {
        return;
    };
    let groups = client.session().groups();
    let Ok(Some(group)) = groups.find(&GroupId::new(id)).await else {
        return;
    };
    if let Ok(Some(execution)) = groups.user(&group).await {
        let name = &group.config.name;
        plan.diagnostics
            .push(super::refusal::KIND.is_deleted_later(name, &execution));
    }
}

/// The path of a listed server.
pub(super) fn server_path(index: usize) -> Path {
    Path::from("source_server_ids").index(index)
}
