//! What a file holds, and files that are refused.

use super::*;
use crate::begin::tests::stage;
use crate::store::memory::MemoryItems;
use crate::testing::{at_once, start};

fn now() -> Now {
    Now {
        world: start(),
        wall: start(),
    }
}

fn file(memory: &MemoryItems) -> PlanFile {
    let plans = Plans::new(memory.clone());
    let plan = at_once(plans.find(&PlanId::new("p-1"))).unwrap().unwrap();
    let made = PlanFile::of(memory, &plan, "production", "111122223333/us-east-1", now());
    at_once(made).unwrap()
}

#[test]
fn a_plan_is_the_same_after_its_file() {
    let (_, memory) = stage();
    let file = file(&memory);
    let text = file.to_text();
    insta::assert_snapshot!(text);
    let read = PlanFile::parse(&text).unwrap();
    assert_eq!(read, file);
    let other = MemoryItems::default();
    for _ in 0..2 {
        at_once(read.load_into(&other, now())).unwrap();
    }
    let plans = Plans::new(other.clone());
    let plan = at_once(plans.find_by_name("SHOP")).unwrap().unwrap();
    assert_eq!(plan.runs, 0);
    let again = PlanFile::of(&other, &plan, "production", "111122223333/us-east-1", now());
    assert_eq!(at_once(again).unwrap(), file);
}

#[test]
fn target_accounts_of_the_groups_go_with_the_plan() {
    let (_, memory) = stage();
    let config = TargetConfig {
        name: Some("shop".to_owned()),
        description: None,
        regions: BTreeSet::from(["us-east-1".to_owned()]),
        role_arn: "arn:aws:iam::111122223333:role/dr".to_owned(),
        session_name: None,
        session_duration_seconds: None,
    };
    let targets = Targets::new(memory.clone());
    let external_id = ExternalId::new("c0ffee-c0ffee");
    let made = targets.create("111122223333", config, external_id, now());
    let made = at_once(made).unwrap();
    let file = file(&memory);
    assert!(!format!("{file:?}").contains("c0ffee"));
    let other = MemoryItems::default();
    for _ in 0..2 {
        at_once(file.load_into(&other, now())).unwrap();
    }
    let found = at_once(Targets::new(other).find("111122223333")).unwrap();
    assert_eq!(found, Some(made));
}

#[test]
fn what_is_no_whole_file_as_it_was_written_is_refused() {
    let (_, memory) = stage();
    let text = file(&memory).to_text();
    let refused = |text: &str| PlanFile::parse(text).unwrap_err().to_string();
    let told = [
        refused("{}"),
        refused(&text[..text.len() / 2]),
        refused(&text.replace("drs-plan-file", "drsctl-export")),
        refused(&text.replace("\"format_version\": 1", "\"format_version\": 2")),
        refused(&text.replace("\"next_run\": 1", "\"next_run\": 7")),
        refused(&text.replace("\"web\"", "\"database\"")),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_store_with_another_form_of_the_plan_is_not_touched() {
    let (_, memory) = stage();
    let file = file(&memory);
    let plans = Plans::new(memory.clone());
    let id = PlanId::new("p-1");
    let mut spec = at_once(plans.find(&id)).unwrap().unwrap().spec;
    spec.description = Some("changed since".to_owned());
    at_once(plans.update(&id, spec, BTreeMap::new(), now())).unwrap();
    let before = memory.all();
    let refused = at_once(file.load_into(&memory, now())).unwrap_err();
    let what = "plan \"shop\"".to_owned();
    assert_eq!(refused, PlanFileError::Different { what });
    assert_eq!(memory.all(), before);
}
