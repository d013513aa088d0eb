//! How servers are chosen, and every refusal in words.

use super::*;
use crate::plan::{PlanError, PlanSpec, WaveSpec};

mod part;

fn target() -> Target {
    Target {
        account_id: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
    }
}

fn server(id: &str, hostname: &str, tags: &[(&str, &str)]) -> SourceServer {
    SourceServer {
        id: ServerId::new(id),
        arn: format!("arn:aws:drs:us-east-1:111122223333:source-server/{id}"),
        hostname: hostname.to_owned(),
        tags: tags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        replication_state: "CONTINUOUS".to_owned(),
        lag: None,
        last_launch_result: None,
        operating_system: None,
        origin_region: None,
    }
}

fn group(name: &str, selection: Selection) -> GroupConfig {
    GroupConfig {
        name: name.to_owned(),
        description: None,
        target: target(),
        selection,
        tags: BTreeMap::new(),
    }
}

fn listed(ids: &[&str]) -> Selection {
    Selection::Servers(ids.iter().map(|id| ServerId::new(*id)).collect())
}

fn tagged(tags: &[(&str, &str)]) -> Selection {
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Selection::Tags(tags.iter().map(pair).collect())
}

fn around(groups: &[(&str, GroupConfig)], servers: Vec<SourceServer>) -> Surroundings {
    Surroundings {
        groups: groups
            .iter()
            .map(|(id, config)| (GroupId::new(*id), config.clone()))
            .collect(),
        servers: BTreeMap::from([(target(), servers)]),
        quotas: BTreeMap::new(),
    }
}

fn wave(name: &str, groups: &[&str]) -> WaveSpec {
    WaveSpec {
        name: name.to_owned(),
        protection_group_ids: groups.iter().map(|id| GroupId::new(*id)).collect(),
        ..WaveSpec::default()
    }
}

fn subset(mut wave: WaveSpec, ids: &[&str]) -> WaveSpec {
    wave.source_server_ids = Some(ids.iter().map(|id| ServerId::new(*id)).collect());
    wave
}

fn plan(waves: Vec<WaveSpec>) -> Plan {
    let spec = PlanSpec {
        name: "shop".to_owned(),
        waves,
        ..PlanSpec::default()
    };
    Plan::parse(&spec).unwrap()
}

fn launched(waves: Vec<WaveSpec>, around: &Surroundings) -> Vec<Vec<String>> {
    let (frozen, _) = settle(&plan(waves), around, &Part::default()).unwrap();
    let ids =
        |servers: &Vec<FrozenServer>| servers.iter().map(|server| server.id.to_string()).collect();
    frozen.waves.iter().map(ids).collect()
}

/// Every refusal as a diagnostic would show it: path and words.
fn refused(waves: Vec<WaveSpec>, around: &Surroundings) -> String {
    let errors = settle(&plan(waves), around, &Part::default()).unwrap_err();
    let texts = errors.iter().map(|error| {
        let shown = PlanError {
            path: error.path(),
            message: error.to_string(),
        };
        shown.to_string()
    });
    texts.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_listed_group_keeps_its_order_and_a_tag_group_goes_by_host_name_then_id() {
    let servers = vec![
        server("s-1", "b", &[("Tier", "web")]),
        server("s-2", "a", &[("Tier", "web")]),
        server("s-3", "b", &[("Tier", "web"), ("Env", "prod")]),
        server("s-0", "b", &[("Tier", "web")]),
        server("s-4", "db", &[]),
    ];
    let around = around(
        &[
            ("1", group("db", listed(&["s-4"]))),
            ("2", group("web", tagged(&[("Tier", "web")]))),
        ],
        servers,
    );
    assert_eq!(
        launched(vec![wave("all", &["2", "1"])], &around),
        [["s-2", "s-0", "s-1", "s-3", "s-4"]]
    );
}

#[test]
fn tags_are_all_needed_and_exact() {
    let wanted = tagged(&[("Tier", "web"), ("Env", "prod")]);
    let table = [
        (&[("Tier", "web"), ("Env", "prod"), ("More", "x")][..], true),
        (&[("Tier", "web")][..], false),
        (&[("Tier", "Web"), ("Env", "prod")][..], false),
        (&[("tier", "web"), ("Env", "prod")][..], false),
        (&[("Tier", "web "), ("Env", "prod")][..], false),
        (&[][..], false),
    ];
    for (tags, fits) in table {
        let servers = [server("s-1", "a", tags)];
        let found = members(&group("web", wanted.clone()), &servers);
        assert_eq!(found.len(), usize::from(fits), "{tags:?}");
    }
    assert!(
        !carries(&server("s-1", "a", &[]), &BTreeMap::new()),
        "no tags select nothing, not everything"
    );
}

#[test]
fn a_subset_launches_in_its_own_order() {
    let servers = vec![
        server("s-1", "a", &[]),
        server("s-2", "b", &[]),
        server("s-3", "c", &[]),
    ];
    let around = around(
        &[("1", group("db", listed(&["s-1", "s-2", "s-3"])))],
        servers,
    );
    let waves = vec![
        subset(wave("first", &["1"]), &["s-3", "s-1"]),
        subset(wave("second", &["1"]), &["s-2"]),
    ];
    assert_eq!(launched(waves, &around), [vec!["s-3", "s-1"], vec!["s-2"]]);
}

#[test]
fn every_refusal_has_a_path_and_words() {
    let mut strayed = server("s-5", "stray", &[]);
    strayed.arn = "arn:aws:drs:eu-west-1:111122223333:source-server/s-5".to_owned();
    let servers = vec![
        server("s-1", "a", &[("Tier", "web")]),
        server("s-2", "b", &[("Tier", "web"), ("Env", "prod")]),
        strayed,
    ];
    let around = around(
        &[
            ("1", group("web", tagged(&[("Tier", "web")]))),
            ("2", group("prod", tagged(&[("Env", "prod")]))),
            ("3", group("none", tagged(&[("Tier", "WEB")]))),
            ("4", group("gone", listed(&["s-9", "s-5"]))),
        ],
        servers,
    );
    let waves = vec![
        wave("one", &["1", "missing"]),
        wave("two", &["2", "3"]),
        wave("three", &["4"]),
        subset(wave("four", &["5"]), &["s-7"]),
    ];
    insta::assert_snapshot!(refused(waves, &around));
}

#[test]
fn a_server_in_two_groups_of_one_wave_is_refused_unless_a_subset_names_it_once() {
    let servers = vec![server("s-1", "a", &[("Tier", "web"), ("Env", "prod")])];
    let around = around(
        &[
            ("1", group("web", tagged(&[("Tier", "web")]))),
            ("2", group("prod", tagged(&[("Env", "prod")]))),
        ],
        servers,
    );
    insta::assert_snapshot!(refused(vec![wave("one", &["1", "2"])], &around));
    assert_eq!(
        launched(vec![subset(wave("one", &["1", "2"]), &["s-1"])], &around),
        [["s-1"]]
    );
}

#[test]
fn critical_servers_are_frozen_and_must_be_servers_of_the_wave() {
    let servers = vec![server("s-1", "a", &[]), server("s-2", "b", &[])];
    let around = around(&[("1", group("db", listed(&["s-1", "s-2"])))], servers);
    let critical = |mut wave: WaveSpec, ids: &[&str]| {
        wave.critical_server_ids = Some(ids.iter().map(|id| ServerId::new(*id)).collect());
        wave
    };
    let waves = vec![critical(wave("one", &["1"]), &["s-2"])];
    let (frozen, _) = settle(&plan(waves), &around, &Part::default()).unwrap();
    let marks: Vec<bool> = frozen
        .servers()
        .map(|(_, server)| server.critical)
        .collect();
    assert_eq!(marks, [false, true]);
    let waves = vec![critical(
        subset(wave("one", &["1"]), &["s-1"]),
        &["s-1", "s-2", "s-9"],
    )];
    insta::assert_snapshot!(refused(waves, &around));
}

#[test]
fn more_servers_than_the_quota_need_max_in_flight() {
    let many: Vec<SourceServer> = (0..501)
        .map(|number| {
            server(
                &format!("s-{number:03}"),
                &format!("h-{number:03}"),
                &[("A", "b")],
            )
        })
        .collect();
    let around = around(&[("1", group("all", tagged(&[("A", "b")])))], many);
    insta::assert_snapshot!(refused(vec![wave("one", &["1"])], &around));
    let mut bit_by_bit = wave("one", &["1"]);
    bit_by_bit.max_in_flight = Some(500);
    assert_eq!(launched(vec![bit_by_bit], &around)[0].len(), 501);
    let mut one_by_one = wave("one", &["1"]);
    one_by_one.launch_order = Some("SEQUENTIAL".to_owned());
    assert_eq!(launched(vec![one_by_one], &around)[0].len(), 501);
}

#[test]
fn a_plan_cannot_have_more_servers_than_drs_holds() {
    let many: Vec<SourceServer> = (0..4_001)
        .map(|number| {
            server(
                &format!("s-{number:04}"),
                &format!("h-{number:04}"),
                &[("A", "b")],
            )
        })
        .collect();
    let around = around(&[("1", group("all", tagged(&[("A", "b")])))], many);
    let mut bit_by_bit = wave("one", &["1"]);
    bit_by_bit.max_in_flight = Some(100);
    insta::assert_snapshot!(refused(vec![bit_by_bit], &around));
}

#[test]
fn what_tags_selected_and_what_is_not_up_to_date_is_noted() {
    let mut stalled = server("s-1", "web-1", &[("Tier", "web")]);
    stalled.replication_state = "STALLED".to_owned();
    let around = around(
        &[("1", group("web", tagged(&[("Tier", "web")])))],
        vec![stalled, server("s-2", "web-2", &[("Tier", "web")])],
    );
    let (_, notes) = settle(&plan(vec![wave("one", &["1"])]), &around, &Part::default()).unwrap();
    insta::assert_snapshot!(notes.join("\n"));
}
