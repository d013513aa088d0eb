//! Every rule of checks as they are written, and which is made after which.

use super::*;
use crate::ids::GroupId;
use crate::plan::{Plan, PlanSpec};

fn parsed(checks: Option<ChecksSpec>) -> Result<Plan, String> {
    let spec = PlanSpec {
        name: "shop".to_owned(),
        waves: vec![WaveSpec {
            name: "web".to_owned(),
            protection_group_ids: vec![GroupId::new("g-1")],
            checks,
            ..WaveSpec::default()
        }],
        ..PlanSpec::default()
    };
    Plan::parse(&spec).map_err(|errors| {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        texts.join("\n")
    })
}

fn checks(spec: ChecksSpec) -> Checks {
    parsed(Some(spec)).expect("it is right").waves()[0]
        .checks
        .clone()
}

fn order(checks: &Checks) -> Vec<Check> {
    let mut order = Vec::new();
    while let Some(check) = checks.next(order.last().copied()) {
        order.push(check);
    }
    order
}

#[test]
fn every_mistake_has_a_path_and_says_what_to_use() {
    let parameters = |size: usize| {
        let value = "x".repeat(size);
        Some(BTreeMap::from([("commands".to_owned(), vec![value])]))
    };
    let mistakes = [
        ChecksSpec {
            instance_status_timeout_seconds: Some(-1),
            ssm_document: Some(" ".to_owned()),
            ssm_parameters: parameters(limits::PARAMETERS_BYTES),
            lambda_function: Some("a b".to_owned()),
            timeout_seconds: Some(0),
            on_degraded: Some("halt".to_owned()),
        },
        ChecksSpec {
            ssm_parameters: parameters(1),
            ..ChecksSpec::default()
        },
    ];
    let texts: Vec<String> = mistakes
        .into_iter()
        .map(|spec| parsed(Some(spec)).expect_err("it must be refused"))
        .collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn a_wave_that_says_nothing_has_its_status_looked_at_and_goes_on_degraded() {
    let checks = parsed(None).unwrap().waves()[0].checks.clone();
    assert_eq!(checks, Checks::default());
    assert_eq!(order(&checks), [Check::Status]);
    assert_eq!(checks.status_limit(false), SignedDuration::from_mins(10));
    assert_eq!(checks.status_limit(true), SignedDuration::from_mins(45));
    assert_eq!(checks.on_degraded, Consequence::Continue);
    assert_eq!(checks.longest(), SignedDuration::from_mins(45));
}

#[test]
fn the_status_comes_before_the_command_and_the_command_before_the_function() {
    let all = checks(ChecksSpec {
        instance_status_timeout_seconds: Some(60),
        ssm_document: Some("AWS-RunShellScript".to_owned()),
        lambda_function: Some("smoke".to_owned()),
        timeout_seconds: Some(30),
        ..ChecksSpec::default()
    });
    let every = [Check::Status, Check::Command, Check::Function];
    assert_eq!(order(&all), every);
    assert_eq!(all.status_limit(true), SignedDuration::from_secs(60));
    assert_eq!(all.longest(), SignedDuration::from_secs(120));
    let without = checks(ChecksSpec {
        instance_status_timeout_seconds: Some(0),
        lambda_function: Some("smoke".to_owned()),
        ..ChecksSpec::default()
    });
    assert_eq!(order(&without), [Check::Function]);
    let none = checks(ChecksSpec {
        instance_status_timeout_seconds: Some(0),
        ..ChecksSpec::default()
    });
    assert!(!none.is_any());
}

#[test]
fn a_plan_without_checks_keeps_its_digest_and_so_does_one_that_writes_the_defaults() {
    let digest = |checks| parsed(checks).unwrap().digest().to_owned();
    let written = ChecksSpec {
        timeout_seconds: Some(600),
        on_degraded: Some("continue".to_owned()),
        ssm_parameters: None,
        ..ChecksSpec::default()
    };
    assert_eq!(digest(Some(written)), digest(None));
    // As it was before there were checks.
    assert_eq!(
        digest(None),
        "56eed165195213e1ba428b44c6f836d61bc01d8de6cddfd5ce450fbb112d8b66"
    );
    let other = ChecksSpec {
        on_degraded: Some("fail".to_owned()),
        ..ChecksSpec::default()
    };
    assert_ne!(digest(Some(other)), digest(None));
}
