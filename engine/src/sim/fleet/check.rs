//! What can be wrong with a fleet that has the right shape.

use std::collections::BTreeSet;
use std::fmt;

use super::{Fleet, NO_SUBNET, Outcome, Region, Server, Settings, Step, Stub, Subnet};
use crate::sim::world::replication::{STALL_REASONS, STATES};
use crate::sim::world::tags::{TAG_CHARS, TAGS_PER_RESOURCE};
use crate::sim::world::{Timings, instance_types};

/// Something wrong with a fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, e.g. `accounts[0].regions[1].servers[3].replication_state`.
    pub path: String,
    /// What.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Volumes of one server; DRS replicates up to 60.
const DISKS_PER_SERVER: usize = 60;
/// Most items on a page.
const PAGE_SIZE: usize = 1_000;
/// Functions, documents, topics or state machines of a Region.
const STUBS: usize = 1_000;
/// Steps of a script.
const STEPS: usize = 100;
/// Longest time that a step takes.
const DELAY_SECONDS: f64 = 86_400.0;

pub(super) fn problems(fleet: &Fleet) -> Vec<Problem> {
    let mut found = Found::default();
    if fleet.accounts.is_empty() {
        found.add("accounts", "at least one account is needed");
    }
    settings(&fleet.settings, &mut found);
    let mut accounts = BTreeSet::new();
    for (number, account) in fleet.accounts.iter().enumerate() {
        let path = format!("accounts[{number}]");
        if account.id.len() != 12 || !account.id.bytes().all(|byte| byte.is_ascii_digit()) {
            found.add(
                &format!("{path}.id"),
                format!("`{}` is not an account id, which has 12 digits", account.id),
            );
        }
        if !accounts.insert(&account.id) {
            found.add(
                &format!("{path}.id"),
                format!("account {} occurs twice", account.id),
            );
        }
        let mut regions = BTreeSet::new();
        for (number, region) in account.regions.iter().enumerate() {
            let path = format!("{path}.regions[{number}]");
            if !is_region(&region.name) {
                found.add(
                    &format!("{path}.name"),
                    format!("`{}` is not a Region", region.name),
                );
            }
            if !regions.insert(&region.name) {
                found.add(
                    &format!("{path}.name"),
                    format!("Region {} occurs twice", region.name),
                );
            }
            servers(&region.servers, &path, &mut found);
            subnets(region, &path, &mut found);
            stubs(region, &path, &mut found);
        }
    }
    if let Some(iam) = &fleet.iam {
        let accounts = fleet.accounts.iter().map(|account| account.id.as_str());
        found.0.extend(iam.problems(&accounts.collect()));
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<Problem>);

impl Found {
    fn add(&mut self, path: &str, message: impl Into<String>) {
        self.0.push(Problem {
            path: path.to_owned(),
            message: message.into(),
        });
    }
}

/// What is wrong with settings.
pub(crate) fn settings_problems(given: &Settings) -> Vec<Problem> {
    let mut found = Found::default();
    settings(given, &mut found);
    found.0
}

fn settings(settings: &Settings, found: &mut Found) {
    if !settings.shorten.is_finite() || settings.shorten <= 0.0 {
        found.add("settings.shorten", "must be greater than 0");
    }
    if !(1..=PAGE_SIZE).contains(&settings.page_size) {
        found.add(
            "settings.page_size",
            format!("must be from 1 to {PAGE_SIZE}"),
        );
    }
    if settings.session_seconds == Some(0) {
        found.add("settings.session_seconds", "must be at least 1");
    }
    if settings.signature_age_seconds.is_some_and(|age| age < 1) {
        found.add("settings.signature_age_seconds", "must be at least 1");
    }
    timings(&settings.timings, "settings.timings", found);
}

fn timings(timings: &Timings, path: &str, found: &mut Found) {
    for (name, span) in timings.spans() {
        if !span.is_valid() {
            found.add(
                &format!("{path}.{name}"),
                "must be a shortest and a longest time in seconds, of at most a day",
            );
        }
    }
    if !(timings.windows_factor > 0.0 && timings.windows_factor <= 100.0) {
        found.add(
            &format!("{path}.windows_factor"),
            "must be greater than 0 and at most 100",
        );
    }
}

fn servers(servers: &[Server], path: &str, found: &mut Found) {
    let mut hostnames = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (number, server) in servers.iter().enumerate() {
        let path = format!("{path}.servers[{number}]");
        if !hostnames.insert(&server.hostname) {
            found.add(
                &format!("{path}.hostname"),
                format!(
                    "`{}` occurs twice; ids are made from host names",
                    server.hostname
                ),
            );
        }
        if let Some(id) = &server.id
            && !ids.insert(id)
        {
            found.add(&format!("{path}.id"), format!("`{id}` occurs twice"));
        }
        for Problem {
            path: member,
            message,
        } in server_problems(server)
        {
            found.add(&format!("{path}.{member}"), message);
        }
    }
}

/// Subnets have their own names, and servers name those that exist.
fn subnets(region: &Region, path: &str, found: &mut Found) {
    let mut names = BTreeSet::from([NO_SUBNET]);
    for (number, subnet) in region.subnets.iter().enumerate() {
        let path = format!("{path}.subnets[{number}]");
        for Problem {
            path: member,
            message,
        } in subnet_problems(subnet)
        {
            found.add(&format!("{path}.{member}"), message);
        }
        for (member, name) in [("name", Some(&subnet.name)), ("id", subnet.id.as_ref())] {
            if let Some(name) = name
                && name != NO_SUBNET
                && !names.insert(name)
            {
                found.add(
                    &format!("{path}.{member}"),
                    format!("`{name}` occurs twice"),
                );
            }
        }
    }
    if region.subnets.is_empty() {
        names.insert("default");
    }
    for (number, server) in region.servers.iter().enumerate() {
        if let Some(subnet) = &server.subnet
            && !names.contains(subnet.as_str())
        {
            let known: Vec<&str> = names.iter().copied().collect();
            found.add(
                &format!("{path}.servers[{number}].subnet"),
                format!("`{subnet}` is none of {}", known.join(", ")),
            );
        }
    }
}

/// What is wrong with one subnet; the paths begin at it.
pub(crate) fn subnet_problems(subnet: &Subnet) -> Vec<Problem> {
    let mut found = Found::default();
    if subnet.name.is_empty() || subnet.name.len() > TAG_CHARS || subnet.name == NO_SUBNET {
        found.add(
            "name",
            format!("must have 1 to {TAG_CHARS} characters and not be `{NO_SUBNET}`"),
        );
    }
    if let Some(id) = &subnet.id
        && !is_subnet_id(id)
    {
        found.add(
            "id",
            format!("`{id}` is not `subnet-` and 8 or 17 hexadecimal digits"),
        );
    }
    if subnet.tags.len() > TAGS_PER_RESOURCE {
        found.add(
            "tags",
            format!("a resource has at most {TAGS_PER_RESOURCE}"),
        );
    }
    found.0
}

/// What is wrong with one server; the paths begin at it.
pub(crate) fn server_problems(server: &Server) -> Vec<Problem> {
    let mut found = Found::default();
    if server.hostname.is_empty() || server.hostname.len() > 255 {
        found.add("hostname", "must have 1 to 255 characters");
    }
    if let Some(id) = &server.id
        && !is_server_id(id)
    {
        found.add("id", format!("`{id}` is not `s-` and 17 letters or digits"));
    }
    if !STATES.contains(&server.replication_state.as_str()) {
        let message = format!(
            "`{}` is none of {}",
            server.replication_state,
            STATES.join(", ")
        );
        found.add("replication_state", message);
    }
    if let Some(reason) = &server.stall_reason
        && !STALL_REASONS.contains(&reason.as_str())
    {
        found.add(
            "stall_reason",
            format!("`{reason}` is none of {}", STALL_REASONS.join(", ")),
        );
    }
    if server.disks.len() > DISKS_PER_SERVER {
        found.add(
            "disks",
            format!("DRS replicates at most {DISKS_PER_SERVER}"),
        );
    }
    if server.tags.len() > TAGS_PER_RESOURCE {
        found.add(
            "tags",
            format!("a resource has at most {TAGS_PER_RESOURCE}"),
        );
    }
    let long = |text: &str| text.chars().count() > TAG_CHARS;
    if server
        .tags
        .iter()
        .any(|(key, value)| long(key) || long(value))
    {
        found.add(
            "tags",
            format!("keys and values have at most {TAG_CHARS} characters"),
        );
    }
    if instance_types::vcpus(&server.instance_type).is_none() {
        let known: Vec<String> = instance_types::all()
            .into_iter()
            .map(|one| one.name)
            .collect();
        found.add(
            "instance_type",
            format!("`{}` is none of {}", server.instance_type, known.join(", ")),
        );
    }
    if let Some(own) = &server.timings {
        timings(own, "timings", &mut found);
    }
    found.0
}

fn is_subnet_id(id: &str) -> bool {
    id.strip_prefix("subnet-").is_some_and(|digits| {
        matches!(digits.len(), 8 | 17)
            && digits
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

fn stubs(region: &Region, path: &str, found: &mut Found) {
    let lists = [
        ("functions", &region.functions, false),
        ("documents", &region.documents, false),
        ("topics", &region.topics, true),
        ("state_machines", &region.state_machines, false),
    ];
    for (list, stubs, are_topics) in lists {
        if stubs.len() > STUBS {
            found.add(
                &format!("{path}.{list}"),
                format!("must be at most {STUBS}"),
            );
        }
        let mut names = BTreeSet::new();
        for (number, stub) in stubs.iter().enumerate() {
            let path = format!("{path}.{list}[{number}]");
            if !names.insert(&stub.name) {
                found.add(
                    &format!("{path}.name"),
                    format!("`{}` occurs twice", stub.name),
                );
            }
            for Problem {
                path: member,
                message,
            } in stub_problems(stub, are_topics)
            {
                found.add(&format!("{path}.{member}"), message);
            }
        }
    }
}

/// What is wrong with a stub; the paths begin at it.
pub(crate) fn stub_problems(stub: &Stub, is_topic: bool) -> Vec<Problem> {
    let mut found = Found::default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_name = (1..=256).contains(&stub.name.len()) && stub.name.bytes().all(is_plain);
    if stub.name != "*" && !is_name {
        let message =
            "must be `*`, or 1 to 256 letters, digits, `-`, `_` and `.`; an ARN is not a name";
        found.add("name", message);
    }
    if stub.script.len() > STEPS {
        found.add("script", format!("must have at most {STEPS} steps"));
    }
    for (number, step) in stub.script.iter().enumerate() {
        self::step(step, is_topic, &format!("script[{number}]"), &mut found);
    }
    found.0
}

fn step(step: &Step, is_topic: bool, path: &str, found: &mut Found) {
    let is_delay = |seconds: f64| seconds.is_finite() && (0.0..=DELAY_SECONDS).contains(&seconds);
    if !step.delay_seconds.is_none_or(is_delay) {
        let message = format!("must be from 0 to {DELAY_SECONDS} seconds");
        found.add(&format!("{path}.delay_seconds"), message);
    }
    if step.times == Some(0) {
        found.add(&format!("{path}.times"), "must be at least 1");
    }
    if is_topic && step.outcome == Outcome::TimeOut {
        found.add(
            &format!("{path}.outcome"),
            "a topic does not run, so it cannot time out",
        );
    }
    if step
        .instances
        .values()
        .any(|outcome| *outcome == Outcome::Throttle)
    {
        let message = "a command is throttled as a whole, not on single instances";
        found.add(&format!("{path}.instances"), message);
    }
}

fn is_server_id(id: &str) -> bool {
    id.strip_prefix("s-").is_some_and(|digits| {
        digits.len() == 17 && digits.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn is_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let is_number = |part: &&str| part.len() == 1 && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() >= 3
        && parts.last().is_some_and(is_number)
        && parts.iter().all(|part| !part.is_empty())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use crate::sim::fleet::{Fleet, Subnet};

    #[test]
    fn the_built_in_fleet_has_no_problems() {
        assert_eq!(Fleet::built_in().problems(), []);
    }

    #[test]
    fn every_problem_is_named_with_its_path() {
        let mut fleet = Fleet::built_in();
        fleet.settings.shorten = 0.0;
        fleet.accounts[1].id = "44".to_owned();
        let servers = &mut fleet.accounts[0].regions[0].servers;
        servers[1].hostname = servers[0].hostname.clone();
        servers[2].id = Some("s-1".to_owned());
        servers[3].replication_state = "HEALTHY".to_owned();
        servers[4].stall_reason = Some("BORED".to_owned());
        servers[5].instance_type = "m5.enormous".to_owned();
        servers[6].subnet = Some("cellar".to_owned());
        fleet.accounts[1].regions[0].subnets = vec![
            Subnet {
                id: Some("subnet-1".to_owned()),
                ..Subnet::named("a")
            },
            Subnet::named("a"),
            Subnet::named("none"),
        ];
        let paths: Vec<String> = fleet
            .problems()
            .into_iter()
            .map(|problem| problem.path)
            .collect();
        assert_eq!(
            paths,
            [
                "settings.shorten",
                "accounts[0].regions[0].servers[1].hostname",
                "accounts[0].regions[0].servers[2].id",
                "accounts[0].regions[0].servers[3].replication_state",
                "accounts[0].regions[0].servers[4].stall_reason",
                "accounts[0].regions[0].servers[5].instance_type",
                "accounts[0].regions[0].servers[6].subnet",
                "accounts[1].id",
                "accounts[1].regions[0].subnets[0].id",
                "accounts[1].regions[0].subnets[1].name",
                "accounts[1].regions[0].subnets[2].name",
            ]
        );
    }

    #[test]
    fn unknown_fields_are_refused() {
        let text = r#"{"accounts": [{"id": "111122223333", "regionz": []}]}"#;
        let error = serde_json::from_str::<Fleet>(text).unwrap_err().to_string();
        assert!(error.contains("regionz"), "{error}");
    }
}
