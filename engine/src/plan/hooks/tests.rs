//! Every rule of hooks as they are written.

use super::*;
use crate::ids::GroupId;
use crate::plan::{Plan, PlanSpec};

fn parsed(before: Vec<HookSpec>, after: Option<Vec<HookSpec>>) -> Result<Plan, String> {
    let spec = PlanSpec {
        name: "shop".to_owned(),
        waves: vec![WaveSpec {
            name: "web".to_owned(),
            protection_group_ids: vec![GroupId::new("g-1")],
            before_hooks: Some(before),
            after_hooks: after,
            ..WaveSpec::default()
        }],
        ..PlanSpec::default()
    };
    Plan::parse(&spec).map_err(|errors| {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        texts.join("\n")
    })
}

fn function(name: &str) -> HookSpec {
    HookSpec {
        name: name.to_owned(),
        lambda_function: Some("warn-the-team".to_owned()),
        ..HookSpec::default()
    }
}

#[test]
fn every_mistake_has_a_path_and_says_what_to_use() {
    let text = |word: &str| Some(word.to_owned());
    let none = HookSpec {
        name: "none".to_owned(),
        ..HookSpec::default()
    };
    let both = HookSpec {
        automation_document: text("Fail over DNS"),
        account_id: text("1234"),
        region: text(""),
        timeout_seconds: Some(14_401),
        on_failure: text("halt"),
        ..function("both")
    };
    let parameters = HookSpec {
        document_version: text("3"),
        parameters: Some(BTreeMap::new()),
        ..function("both")
    };
    let many = (0..=limits::HOOKS_PER_PLAN).map(|number| function(&number.to_string()));
    let texts = [
        parsed(vec![none, both, parameters], Some(vec![function(" ")])).unwrap_err(),
        parsed(Vec::new(), Some(many.collect())).unwrap_err(),
    ];
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn a_hook_runs_in_the_hub_for_five_minutes_and_its_failure_fails_the_wave() {
    let plan = parsed(vec![function("warn")], None).unwrap();
    let hook = &plan.waves()[0].before_hooks[0];
    assert_eq!(hook.timeout, SignedDuration::from_mins(5));
    assert_eq!(hook.on_failure, Consequence::Fail);
    let hub = crate::testing::target();
    assert_eq!(hook.target(&hub), hub);
    let elsewhere = HookSpec {
        region: Some("eu-west-1".to_owned()),
        ..function("warn")
    };
    let plan = parsed(vec![elsewhere], None).unwrap();
    let target = plan.waves()[0].before_hooks[0].target(&hub);
    assert_eq!(target.account_id, hub.account_id);
    assert_eq!(target.region, "eu-west-1");
}

#[test]
fn a_digest_does_not_see_defaults_and_sees_hooks() {
    let digest = |before, after| parsed(before, after).unwrap().digest().to_owned();
    let none = digest(Vec::new(), None);
    assert_eq!(digest(Vec::new(), Some(Vec::new())), none);
    let plain = digest(vec![function("warn")], None);
    assert_ne!(plain, none);
    let written = HookSpec {
        timeout_seconds: Some(300),
        on_failure: Some("fail".to_owned()),
        ..function("warn")
    };
    assert_eq!(digest(vec![written], None), plain);
    assert_ne!(digest(Vec::new(), Some(vec![function("warn")])), plain);
}
