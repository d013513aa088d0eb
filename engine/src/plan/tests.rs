//! Every rule of a plan, each with the path and the words a person reads.

use super::*;

fn wave(name: &str, groups: &[&str]) -> WaveSpec {
    WaveSpec {
        name: name.to_owned(),
        protection_group_ids: groups.iter().map(|id| GroupId::new(*id)).collect(),
        ..WaveSpec::default()
    }
}

fn plan(waves: Vec<WaveSpec>) -> PlanSpec {
    PlanSpec {
        name: "shop".to_owned(),
        waves,
        ..PlanSpec::default()
    }
}

fn errors(spec: &PlanSpec) -> Vec<String> {
    Plan::parse(spec)
        .expect_err("the plan must be refused")
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn after(mut wave: WaveSpec, names: &[&str]) -> WaveSpec {
    wave.depends_on_waves = Some(names.iter().map(|name| (*name).to_owned()).collect());
    wave
}

#[test]
fn an_omitted_dependency_is_the_wave_before_and_an_empty_list_is_none() {
    let parsed = Plan::parse(&plan(vec![
        wave("a", &["1"]),
        wave("b", &["2"]),
        after(wave("c", &["3"]), &[]),
    ]))
    .unwrap();
    let depends: Vec<&[usize]> = parsed
        .waves()
        .iter()
        .map(|wave| wave.depends_on.as_slice())
        .collect();
    assert_eq!(depends, [&[][..], &[0][..], &[][..]]);
}

#[test]
fn every_error_is_reported_at_once_with_its_path() {
    let mut bad = wave("a", &[]);
    bad.launch_order = Some("BOTH".to_owned());
    bad.max_in_flight = Some(0);
    bad.wait_time_seconds = Some(-1);
    bad.timeout_seconds = Some(99_999_999);
    bad.depends_on_waves = Some(vec!["nope".to_owned()]);
    insta::assert_snapshot!(errors(&plan(vec![bad, wave("a", &["1"])])).join("\n"));
}

#[test]
fn a_cycle_names_the_whole_circle() {
    let waves = vec![
        after(wave("a", &["1"]), &["c"]),
        after(wave("b", &["2"]), &["a"]),
        after(wave("c", &["3"]), &["b"]),
    ];
    assert_eq!(
        errors(&plan(waves)),
        ["waves[0].depends_on_waves: the waves wait for each other in a circle: a -> c -> b -> a"]
    );
}

#[test]
fn a_group_in_two_waves_needs_subsets() {
    let found = errors(&plan(vec![wave("a", &["1"]), wave("b", &["1"])]));
    assert!(
        found[0].starts_with(
            "waves[1].protection_group_ids[0]: protection group 1 is already launched"
        ),
        "{found:?}"
    );
    let subset = |mut wave: WaveSpec, id: &str| {
        wave.source_server_ids = Some(vec![ServerId::new(id)]);
        wave
    };
    Plan::parse(&plan(vec![
        subset(wave("a", &["1"]), "s-1"),
        subset(wave("b", &["1"]), "s-2"),
    ]))
    .unwrap();
}

#[test]
fn the_longest_chain_sums_waits_and_timeouts() {
    let mut slow = after(wave("c", &["3"]), &["a"]);
    slow.wait_time_seconds = Some(60);
    let parsed = Plan::parse(&plan(vec![
        wave("a", &["1"]),
        after(wave("b", &["2"]), &[]),
        slow,
    ]))
    .unwrap();
    assert_eq!(
        parsed.longest_chain(),
        SignedDuration::from_secs(2 * 7_200 + 60)
    );
}

#[test]
fn the_digest_follows_the_waves_and_ignores_the_name() {
    let digest = |spec: &PlanSpec| Plan::parse(spec).unwrap().digest().to_owned();
    let first = plan(vec![wave("a", &["1"])]);
    let renamed = PlanSpec {
        name: "store".to_owned(),
        description: Some("new".to_owned()),
        ..first.clone()
    };
    assert_eq!(digest(&first), digest(&renamed));
    assert_ne!(digest(&first), digest(&plan(vec![wave("a", &["2"])])));
}
