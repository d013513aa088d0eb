//! Items of schema version 1 as files, one for every kind and every event. They stay for ever: what was once written must
//! be read by every later version, and written back as it was.
//!
//! A new kind gets its file with `GOLDEN=new cargo test -p drs-engine store::tests`; a file that exists is never written over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use self::json::{from_text, to_text};
use self::samples::{execution, group_config, kinds, now};
use super::codec::{ReadError, SCHEMA_VERSION};
use super::items::{Item, Value};
use super::{keys, memory};
use crate::ids::GroupId;

mod events;
mod json;
mod points;
mod samples;
mod verified;

/// Attributes that no decoder reads.
const UNREAD: [&str; 5] = ["Kind", "Name", "At", "Sequence", "ServerIds"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/store/golden/v1")
}

#[test]
fn golden_items_of_version_1_are_read_and_written_back_as_they_were() {
    let may_write = std::env::var_os("GOLDEN").is_some_and(|word| word == "new");
    for (name, item, again) in kinds() {
        let path = folder().join(format!("{name}.json"));
        if may_write && !path.exists() {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&path, to_text(&item)).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!("{}: {error}; write it with GOLDEN=new", path.display())
        });
        let read = from_text(&golden);
        assert_eq!(
            to_text(&again(&read).unwrap()),
            golden,
            "{name} is written back otherwise"
        );
        assert_eq!(
            to_text(&item),
            golden,
            "{name} is written otherwise than it was"
        );
    }
}

#[test]
fn golden_files_have_a_kind_each() {
    let known: BTreeSet<String> = kinds()
        .into_iter()
        .map(|(name, ..)| format!("{name}.json"))
        .collect();
    let found: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, known, "a golden file is never deleted");
}

#[test]
fn an_item_of_a_newer_version_is_refused() {
    for (name, mut item, again) in kinds() {
        let version = SCHEMA_VERSION + 1;
        item.attributes
            .insert("SchemaVersion".to_owned(), Value::Number(version));
        let key = item.key.clone();
        assert_eq!(
            again(&item),
            Err(ReadError::Newer { key, version }),
            "{name}"
        );
    }
    let error = ReadError::Newer {
        key: keys::group(&GroupId::new("pg-01")),
        version: 2,
    };
    insta::assert_snapshot!(error.to_string());
}

#[test]
fn a_foreign_item_is_refused_whatever_is_wrong_with_it() {
    for (name, item, again) in kinds() {
        for attribute in item.attributes.keys() {
            let mut broken = item.clone();
            let other = Value::List(vec![Value::Flag(true)]);
            broken.attributes.insert(attribute.clone(), other);
            match again(&broken) {
                Err(ReadError::Foreign { .. }) => {}
                // Attributes that only indexes and people read are not looked at.
                Ok(_) => assert!(
                    UNREAD.contains(&attribute.as_str()) || name.starts_with("plan"),
                    "{name}: {attribute}"
                ),
                Err(other) => panic!("{name}: {other}"),
            }
        }
        let mut foreign = item.clone();
        foreign.attributes.remove("SchemaVersion");
        assert!(matches!(again(&foreign), Err(ReadError::Foreign { .. })));
    }
    let error = ReadError::Foreign {
        key: keys::summary(&execution()),
        attribute: "SchemaVersion".to_owned(),
    };
    insta::assert_snapshot!(error.to_string());
}

#[test]
fn an_item_that_is_not_ours_is_never_written_over() {
    let items = memory::MemoryItems::default();
    let foreign = Item {
        key: keys::group(&GroupId::new("pg-01")),
        attributes: BTreeMap::from([("Owner".to_owned(), Value::Text("else".to_owned()))]),
    };
    let put = super::items::Write::Put {
        item: foreign.clone(),
        condition: super::items::Condition::Absent,
    };
    items.write_now(&[put]).unwrap();
    let groups = super::groups::Groups::new(items.clone());
    let config = group_config();
    let id = GroupId::new("pg-01");
    assert!(crate::testing::at_once(groups.create(id.clone(), config.clone(), now())).is_err());
    assert!(crate::testing::at_once(groups.update(&id, config, now())).is_err());
    assert!(crate::testing::at_once(groups.delete(&id)).is_err());
    assert_eq!(items.all(), [foreign]);
}
