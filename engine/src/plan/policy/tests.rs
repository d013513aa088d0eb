//! Every rule of a failure policy as it is written, and what each asks for.

use super::*;
use crate::ids::GroupId;
use crate::plan::{Plan, PlanSpec};

fn wave() -> WaveSpec {
    WaveSpec {
        name: "web".to_owned(),
        protection_group_ids: vec![GroupId::new("g-1")],
        ..WaveSpec::default()
    }
}

fn parsed(wave: WaveSpec) -> Result<Plan, String> {
    let spec = PlanSpec {
        name: "shop".to_owned(),
        waves: vec![wave],
        ..PlanSpec::default()
    };
    Plan::parse(&spec).map_err(|errors| {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        texts.join("\n")
    })
}

fn servers(ids: &[&str]) -> Option<Vec<ServerId>> {
    Some(ids.iter().map(|id| ServerId::new(*id)).collect())
}

#[test]
fn every_mistake_has_a_path_and_says_what_to_use() {
    let mistakes = [
        WaveSpec {
            on_failure: Some("Halt".to_owned()),
            min_success_percent: Some(0),
            retries: Some(4),
            ..wave()
        },
        WaveSpec {
            min_success_percent: Some(101),
            retries: Some(-1),
            ..wave()
        },
        WaveSpec {
            critical_server_ids: servers(&[]),
            ..wave()
        },
        WaveSpec {
            critical_server_ids: servers(&["s-1", "s-2", "s-1"]),
            min_success_percent: Some(50),
            ..wave()
        },
    ];
    let texts: Vec<String> = mistakes
        .into_iter()
        .map(|wave| parsed(wave).expect_err("it must be refused"))
        .collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn what_is_written_is_what_is_meant() {
    let policy = |wave: WaveSpec| parsed(wave).unwrap().waves()[0].policy;
    assert!(policy(wave()).is_default());
    for (word, after) in [
        ("halt", AfterFailure::Halt),
        ("continue", AfterFailure::Continue),
        ("pause", AfterFailure::Pause),
    ] {
        let found = policy(WaveSpec {
            on_failure: Some(word.to_owned()),
            ..wave()
        });
        assert_eq!(after_failed_wave(found), after);
    }
    let percent = |percent| {
        policy(WaveSpec {
            min_success_percent: Some(percent),
            ..wave()
        })
        .success
    };
    assert_eq!(percent(1), Success::Percent(1));
    assert_eq!(percent(99), Success::Percent(99));
    assert_eq!(percent(100), Success::Every);
    let critical = parsed(WaveSpec {
        critical_server_ids: servers(&["s-2"]),
        retries: Some(3),
        ..wave()
    })
    .unwrap();
    let critical = &critical.waves()[0];
    assert_eq!(critical.policy.success, Success::Critical);
    assert_eq!(critical.policy.retries, 3);
    assert_eq!(critical.critical, [ServerId::new("s-2")]);
}

#[test]
fn the_digest_sees_a_policy_and_stays_as_it_was_without_one() {
    let digest = |wave: WaveSpec| parsed(wave).unwrap().digest().to_owned();
    // What version 1 planned for this wave, before there were policies.
    let before = "56eed165195213e1ba428b44c6f836d61bc01d8de6cddfd5ce450fbb112d8b66";
    assert_eq!(digest(wave()), before);
    let changes: [fn(&mut WaveSpec); 4] = [
        |wave| wave.on_failure = Some("continue".to_owned()),
        |wave| wave.critical_server_ids = servers(&["s-1"]),
        |wave| wave.min_success_percent = Some(50),
        |wave| wave.retries = Some(1),
    ];
    let mut seen = BTreeSet::from([before.to_owned()]);
    for change in changes {
        let mut changed = wave();
        change(&mut changed);
        assert!(seen.insert(digest(changed)), "{seen:?}");
    }
}

#[test]
fn a_wave_is_lost_when_too_many_of_its_servers_are() {
    let table = [
        (Success::Every, 4, 0, false, false),
        (Success::Every, 4, 1, false, true),
        (Success::Critical, 4, 3, false, false),
        (Success::Critical, 4, 1, true, true),
        (Success::Percent(50), 4, 2, true, false),
        (Success::Percent(50), 4, 3, false, true),
        (Success::Percent(67), 3, 1, false, true),
        (Success::Percent(66), 3, 1, false, false),
        (Success::Percent(1), 200, 198, false, false),
        (Success::Percent(1), 200, 199, false, true),
    ];
    for (success, servers, lost, critical, expected) in table {
        assert_eq!(
            success.is_out_of_reach(servers, lost, critical),
            expected,
            "{success:?} of {servers}, {lost} lost"
        );
    }
}
