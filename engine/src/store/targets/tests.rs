//! Targets in a store: one per account, changed under their version, kept while groups need them.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::ids::{GroupId, Target};
use crate::store::group::{GroupConfig, Selection};
use crate::store::memory::MemoryItems;
use crate::testing::{at_once, start};

const ACCOUNT: &str = "444455556666";

fn now() -> Now {
    Now {
        world: start(),
        wall: start(),
    }
}

fn config() -> TargetConfig {
    TargetConfig {
        name: None,
        description: None,
        regions: BTreeSet::from(["eu-west-1".to_owned()]),
        role_arn: format!("arn:aws:iam::{ACCOUNT}:role/dr"),
        session_name: None,
        session_duration_seconds: None,
    }
}

fn add(targets: &Targets<MemoryItems>, external_id: &str) -> Result<TargetAccount, TargetError> {
    at_once(targets.create(ACCOUNT, config(), ExternalId::new(external_id), now()))
}

#[test]
fn an_account_has_one_target_and_its_external_id_stays() {
    let targets = Targets::new(MemoryItems::default());
    assert_eq!(at_once(targets.find(ACCOUNT)).unwrap(), None);
    let made = add(&targets, "drs-1").unwrap();
    assert_eq!(
        add(&targets, "drs-2"),
        Err(TargetError::Exists(ACCOUNT.to_owned()))
    );
    assert_eq!(at_once(targets.find(ACCOUNT)).unwrap(), Some(made));
    let more = TargetConfig {
        name: Some("shop".to_owned()),
        ..config()
    };
    let changed = at_once(targets.update(ACCOUNT, more.clone(), now())).unwrap();
    assert_eq!((changed.version, &changed.config), (2, &more));
    assert_eq!(changed.external_id.as_str(), "drs-1");
    assert_eq!(at_once(targets.list()).unwrap(), [changed]);
    at_once(targets.delete(ACCOUNT, Instances::Keep)).unwrap();
    at_once(targets.delete(ACCOUNT, Instances::Keep)).unwrap();
    assert_eq!(at_once(targets.list()).unwrap(), []);
    assert_eq!(
        at_once(targets.update(ACCOUNT, config(), now())),
        Err(TargetError::Missing(ACCOUNT.to_owned()))
    );
}

#[test]
fn what_makes_no_sense_is_not_written() {
    let memory = MemoryItems::default();
    let targets = Targets::new(memory.clone());
    let error = add(&targets, "white space").unwrap_err();
    assert!(error.to_string().contains("external_id"), "{error}");
    let foreign = TargetConfig {
        role_arn: "arn:aws:iam::111122223333:role/dr".to_owned(),
        ..config()
    };
    let error = at_once(targets.create(ACCOUNT, foreign.clone(), ExternalId::new("drs-1"), now()));
    let error = error.unwrap_err();
    assert!(
        error.to_string().contains("a role of account 111122223333"),
        "{error}"
    );
    assert_eq!(memory.all(), []);
    let made = add(&targets, "drs-1").unwrap();
    assert!(matches!(
        at_once(targets.update(ACCOUNT, foreign, now())),
        Err(TargetError::Invalid(_))
    ));
    assert_eq!(at_once(targets.find(ACCOUNT)).unwrap(), Some(made));
}

#[test]
fn a_target_stays_while_a_group_has_servers_in_its_account() {
    let memory = MemoryItems::default();
    let targets = Targets::new(memory.clone());
    let groups = Groups::new(memory);
    add(&targets, "drs-1").unwrap();
    let id = GroupId::new("g-1");
    let of = |account: &str| GroupConfig {
        name: "Databases".to_owned(),
        description: None,
        target: Target {
            account_id: account.to_owned(),
            region: "eu-west-1".to_owned(),
        },
        selection: Selection::Tags(BTreeMap::from([("Tier".to_owned(), "db".to_owned())])),
        tags: BTreeMap::new(),
    };
    at_once(groups.create(id.clone(), of(ACCOUNT), now())).unwrap();
    let error = at_once(targets.delete(ACCOUNT, Instances::Keep)).unwrap_err();
    assert!(error.to_string().contains("Databases"), "{error}");
    assert!(at_once(targets.find(ACCOUNT)).unwrap().is_some());
    at_once(groups.update(&id, of("111122223333"), now())).unwrap();
    at_once(targets.delete(ACCOUNT, Instances::Keep)).unwrap();
    assert_eq!(at_once(targets.find(ACCOUNT)).unwrap(), None);
}
