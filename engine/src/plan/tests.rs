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
        [
            "waves[0].depends_on_waves: the waves wait for each other in a circle: a -> c -> b -> a; remove one of \
             these dependencies"
        ]
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
fn the_longest_chain_sums_waits_timeouts_and_checks() {
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
        SignedDuration::from_secs(2 * (7_200 + 45 * 60) + 60)
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

#[test]
fn the_digest_does_not_see_an_order_that_means_nothing() {
    let digest = |dependencies: [&str; 2], critical: [&str; 2], groups: [&str; 2]| {
        let last = WaveSpec {
            depends_on_waves: Some(dependencies.map(str::to_owned).to_vec()),
            critical_server_ids: Some(critical.map(ServerId::new).to_vec()),
            ..wave("c", &groups)
        };
        let spec = plan(vec![wave("a", &["1"]), wave("b", &["2"]), last]);
        Plan::parse(&spec).unwrap().digest().to_owned()
    };
    let (one, two) = ("s-11111111111111111", "s-22222222222222222");
    let first = digest(["a", "b"], [one, two], ["3", "4"]);
    assert_eq!(first, digest(["b", "a"], [two, one], ["3", "4"]));
    // Servers launch in the order of their groups.
    assert_ne!(first, digest(["a", "b"], [one, two], ["4", "3"]));
}

#[test]
fn names_and_texts_have_bounds() {
    let table = [
        ("", Some("empty")),
        (" shop", Some("white space")),
        ("shop\n", Some("white space")),
        ("a\u{7}b", Some("control")),
        ("Käse & Brot", None),
    ];
    for (name, wrong) in table {
        let found = name_problem(name);
        assert_eq!(found.is_some(), wrong.is_some(), "{name:?}: {found:?}");
        assert!(
            found
                .unwrap_or_default()
                .contains(wrong.unwrap_or_default())
        );
    }
    assert!(name_problem(&"ä".repeat(limits::NAME_CHARS)).is_none());
    assert!(name_problem(&"ä".repeat(limits::NAME_CHARS + 1)).is_some());
    let mut long = plan(vec![wave("a", &["1"])]);
    long.description = Some("x".repeat(limits::DESCRIPTION_CHARS + 1));
    long.execution_timeout_seconds = Some(0);
    insta::assert_snapshot!(errors(&long).join("\n"));
}

#[test]
fn a_plan_has_bounds() {
    let many = (0..=limits::WAVES_PER_PLAN)
        .map(|number| wave(&format!("w{number}"), &[&format!("g{number}")]))
        .collect();
    let mut subset = wave("a", &["1", "1"]);
    subset.source_server_ids = Some(vec![ServerId::new("s-1"), ServerId::new("s-1")]);
    let mut empty = wave("b", &["2"]);
    empty.source_server_ids = Some(Vec::new());
    let mut itself = after(wave("c", &["3"]), &["c"]);
    itself.max_in_flight = Some(-3);
    let texts = [
        errors(&plan(Vec::new())),
        errors(&plan(many)),
        errors(&plan(vec![subset, empty, itself])),
    ];
    insta::assert_snapshot!(texts.concat().join("\n"));
}

mod property {
    use proptest::prelude::*;

    use super::*;

    fn a_wave() -> impl Strategy<Value = WaveSpec> {
        let names = prop::collection::vec(0..6usize, 0..3);
        let seconds = prop_oneof![Just(None), (-5..1_000_000_i64).prop_map(Some)];
        (
            0..8usize,
            names.clone(),
            prop::option::of(names.clone()),
            prop_oneof![
                Just(None),
                Just(Some("SEQUENTIAL")),
                Just(Some("sequential"))
            ],
            prop::option::of(names),
            prop::option::of(-1..9i64),
            (seconds.clone(), seconds),
            a_policy(),
        )
            .prop_map(
                |(name, groups, after, order, subset, flight, (wait, timeout), policy)| WaveSpec {
                    name: format!("w{name}"),
                    pause_before: None,
                    protection_group_ids: groups
                        .iter()
                        .map(|id| GroupId::new(format!("g{id}")))
                        .collect(),
                    depends_on_waves: after
                        .map(|all| all.iter().map(|other| format!("w{other}")).collect()),
                    launch_order: order.map(str::to_owned),
                    source_server_ids: subset.map(|all| {
                        all.iter()
                            .map(|id| ServerId::new(format!("s-{id}")))
                            .collect()
                    }),
                    max_in_flight: flight,
                    wait_time_seconds: wait,
                    timeout_seconds: timeout,
                    ..policy
                },
            )
    }

    /// The failure policy of a wave that has nothing else.
    fn a_policy() -> impl Strategy<Value = WaveSpec> {
        (
            prop::option::of(prop_oneof![
                Just("halt"),
                Just("continue"),
                Just("CONTINUE")
            ]),
            prop::option::weighted(0.2, prop::collection::vec(0..6usize, 0..3)),
            prop::option::weighted(0.2, -1..103_i64),
            prop::option::weighted(0.2, -1..5_i64),
        )
            .prop_map(|(word, critical, percent, retries)| WaveSpec {
                on_failure: word.map(str::to_owned),
                critical_server_ids: critical.map(|all| {
                    all.iter()
                        .map(|id| ServerId::new(format!("s-{id}")))
                        .collect()
                }),
                min_success_percent: percent,
                retries,
                ..WaveSpec::default()
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 2_000, failure_persistence: None, ..ProptestConfig::default()
        })]

        /// Whatever was written: every error has a path and words, and what is accepted holds every rule.
        #[test]
        fn a_plan_is_refused_with_reasons_or_holds_every_rule(
            waves in prop::collection::vec(a_wave(), 0..6),
            name in ".{0,70}",
            limit in prop::option::of(-1..1_000_000_i64),
        ) {
            let spec = PlanSpec { name, waves, execution_timeout_seconds: limit, ..PlanSpec::default() };
            match Plan::parse(&spec) {
                Err(errors) => {
                    prop_assert!(!errors.is_empty());
                    prop_assert!(errors.iter().all(|error| !error.path.is_empty() && !error.message.is_empty()));
                }
                Ok(parsed) => {
                    holds_every_rule(&parsed)?;
                    prop_assert_eq!(Plan::parse(&spec), Ok(parsed));
                }
            }
        }

        /// Writing out what is the default changes nothing.
        #[test]
        fn the_digest_does_not_see_defaults(waves in prop::collection::vec(a_wave(), 1..5)) {
            let mut spec = plan(waves);
            for (index, wave) in spec.waves.iter_mut().enumerate() {
                *wave = WaveSpec {
                    name: format!("w{index}"),
                    protection_group_ids: vec![GroupId::new(format!("g{index}"))],
                    source_server_ids: None,
                    ..WaveSpec::default()
                };
            }
            let mut written = spec.clone();
            for index in 0..written.waves.len() {
                let before = index.checked_sub(1).map(|before| format!("w{before}"));
                let wave = &mut written.waves[index];
                wave.depends_on_waves = Some(before.into_iter().collect());
                wave.launch_order = Some("PARALLEL".to_owned());
                wave.wait_time_seconds = Some(0);
                wave.timeout_seconds = Some(limits::WAVE_TIMEOUT.as_secs());
                wave.on_failure = Some("halt".to_owned());
                wave.min_success_percent = Some(100);
                wave.retries = Some(0);
            }
            let digest = |spec: &PlanSpec| Plan::parse(spec).unwrap().digest().to_owned();
            prop_assert_eq!(digest(&spec), digest(&written));
        }
    }

    fn holds_every_rule(plan: &Plan) -> Result<(), TestCaseError> {
        let waves = plan.waves();
        prop_assert!(!waves.is_empty());
        let names: BTreeSet<&str> = waves.iter().map(|wave| wave.name.as_str()).collect();
        prop_assert_eq!(names.len(), waves.len());
        // Without a cycle, taking away waves that wait for nothing takes away all of them.
        let mut left: BTreeSet<usize> = (0..waves.len()).collect();
        for _ in 0..waves.len() {
            let free = |index: &usize| {
                waves[*index]
                    .depends_on
                    .iter()
                    .all(|other| !left.contains(other))
            };
            let next: Vec<usize> = left.iter().copied().filter(free).collect();
            for index in next {
                left.remove(&index);
            }
        }
        prop_assert!(left.is_empty());
        for wave in waves {
            prop_assert!(!wave.groups.is_empty());
            prop_assert!(wave.timeout >= SignedDuration::from_secs(1));
            prop_assert!(wave.wait >= SignedDuration::ZERO);
            prop_assert!(wave.max_in_flight != Some(0));
            prop_assert!(wave.policy.retries <= limits::RETRIES_PER_SERVER);
            prop_assert_eq!(
                wave.policy.success == Success::Critical,
                !wave.critical.is_empty()
            );
        }
        let longest = plan.longest_chain();
        prop_assert!(
            waves
                .iter()
                .all(|wave| wave.wait.saturating_add(wave.timeout) <= longest)
        );
        Ok(())
    }
}
