//! What an implementation of the item port must do, as a suite that any of them can be put through.
//!
//! [`violations`] needs an empty corner of a store: every key it uses carries the mark it is given. It says what did not
//! hold; a store that conforms gives an empty list. Every rule of the other modules rests on these statements.

use std::collections::{BTreeMap, BTreeSet};

use crate::limits;
use crate::ports::Kind;

use super::items::{
    Condition, Index, IndexQuery, Item, Items, Key, Query, Table, Value, Write, WriteError,
};

/// Looks at an index before what was written must be seen there: indexes are eventually consistent.
const INDEX_LOOKS: usize = 100;
/// Items of the partition that is read page by page.
const MANY: usize = 230;

type Outcome = Result<(), String>;

/// Every statement that does not hold of a store.
pub async fn violations<I: Items>(items: &I, mark: &str) -> Vec<String> {
    let suite = Suite { items, mark };
    let outcomes = [
        (
            "an item is read as it was written",
            suite.reads_back().await,
        ),
        (
            "several items are read as each is, and no other",
            suite.reads_several().await,
        ),
        ("a put replaces the whole item", suite.replaces().await),
        ("absent means absent", suite.absent().await),
        ("equals means that all are equal", suite.equals().await),
        (
            "a delete removes under its condition",
            suite.deletes().await,
        ),
        ("all writes are made, or none", suite.all_or_none().await),
        (
            "an item appears once in a transaction",
            suite.no_item_twice().await,
        ),
        (
            "a transaction takes as many writes as the limit says",
            suite.whole_transaction().await,
        ),
        (
            "a partition is read in order, page by page",
            suite.pages().await,
        ),
        (
            "an index lists the newest first, page by page",
            suite.indexes().await,
        ),
    ];
    outcomes
        .into_iter()
        .filter_map(|(statement, outcome)| Some(format!("{statement}: {}", outcome.err()?)))
        .collect()
}

struct Suite<'a, I> {
    items: &'a I,
    mark: &'a str,
}

impl<I: Items> Suite<'_, I> {
    async fn reads_back(&self) -> Outcome {
        let map = BTreeMap::from([("Käse".to_owned(), Value::Text("crème brûlée".to_owned()))]);
        let values = [
            (
                "Text",
                Value::Text("two words \u{1f6a2} \"quoted\"".to_owned()),
            ),
            ("EmptyText", Value::Text(String::new())),
            ("Least", Value::Number(i64::MIN)),
            ("Most", Value::Number(i64::MAX)),
            ("Yes", Value::Flag(true)),
            ("No", Value::Flag(false)),
            (
                "Set",
                Value::TextSet(BTreeSet::from(["a".to_owned(), "b".to_owned()])),
            ),
            (
                "List",
                Value::List(vec![Value::Text("z".to_owned()), Value::Number(1)]),
            ),
            ("EmptyList", Value::List(Vec::new())),
            ("Map", Value::Map(map)),
            ("EmptyMap", Value::Map(BTreeMap::new())),
        ];
        for key in [
            self.plain(Table::ProtectionGroups, "read"),
            self.plain(Table::RecoveryPlans, "read"),
            self.sorted("read", "summary"),
        ] {
            expect(self.get(&key).await?.is_none(), "it is there already")?;
            let mut item = Item {
                key: key.clone(),
                attributes: BTreeMap::new(),
            };
            for (name, value) in &values {
                item.attributes.insert((*name).to_owned(), value.clone());
            }
            self.write(vec![put(item.clone(), Condition::Always)])
                .await?;
            let found = self.get(&key).await?;
            expect(
                found.as_ref() == Some(&item),
                &format!("{key}: {found:?} instead of {item:?}"),
            )?;
        }
        Ok(())
    }

    /// More than DynamoDB reads in one call, of several tables; every third is not there.
    async fn reads_several(&self) -> Outcome {
        let key = |number: i64| match number % 2 {
            0 => self.plain(Table::RecoveryPlans, &format!("several-{number}")),
            _ => self.sorted("several", &format!("{number:03}")),
        };
        let there = |number: &i64| number % 3 != 0;
        let mut wanted = BTreeMap::new();
        for number in (0..130).filter(there) {
            let item = numbered(&key(number), &[("Number", number)]);
            self.write(vec![put(item.clone(), Condition::Always)])
                .await?;
            wanted.insert(item.key.clone(), item);
        }
        let keys = (0..130).map(key).collect();
        let found = self.items.get_all(keys).await;
        let found = found.map_err(|error| error.to_string())?;
        expect(found == wanted, &format!("{} were found", found.len()))
    }

    async fn replaces(&self) -> Outcome {
        let key = self.sorted("replace", "one");
        let first = numbered(&key, &[("A", 1), ("B", 2)]);
        let second = numbered(&key, &[("B", 3)]);
        self.write(vec![put(first, Condition::Always)]).await?;
        self.write(vec![put(second.clone(), Condition::Always)])
            .await?;
        expect(
            self.get(&key).await? == Some(second),
            "an attribute of the item before is left",
        )
    }

    async fn absent(&self) -> Outcome {
        let key = self.plain(Table::ProtectionGroups, "absent");
        let first = numbered(&key, &[("A", 1)]);
        let second = numbered(&key, &[("A", 2)]);
        self.write(vec![put(first.clone(), Condition::Absent)])
            .await?;
        self.conflicts(vec![put(second, Condition::Absent)], &[0])
            .await?;
        let check = Write::Check {
            key: key.clone(),
            condition: Condition::Absent,
        };
        self.conflicts(vec![check], &[0]).await?;
        expect(self.get(&key).await? == Some(first), "it was overwritten")
    }

    async fn equals(&self) -> Outcome {
        let key = self.plain(Table::RecoveryPlans, "equals");
        let mut item = numbered(&key, &[("Version", 7)]);
        item.attributes
            .insert("Status".to_owned(), Value::Text("RUNNING".to_owned()));
        let check = |wanted: Vec<(&'static str, Value)>| {
            vec![Write::Check {
                key: key.clone(),
                condition: Condition::Equals(wanted),
            }]
        };
        let version = |number: i64| ("Version", Value::Number(number));
        let status = |word: &str| ("Status", Value::Text(word.to_owned()));
        self.conflicts(check(vec![version(7)]), &[0]).await?;
        self.write(vec![put(item, Condition::Always)]).await?;
        self.write(check(vec![version(7), status("RUNNING")]))
            .await?;
        self.conflicts(check(vec![version(8)]), &[0]).await?;
        self.conflicts(check(vec![version(7), status("FAILED")]), &[0])
            .await?;
        self.conflicts(check(vec![("Missing", Value::Number(1))]), &[0])
            .await?;
        let as_text = ("Version", Value::Text("7".to_owned()));
        self.conflicts(check(vec![as_text]), &[0]).await
    }

    async fn deletes(&self) -> Outcome {
        let key = self.sorted("delete", "one");
        let delete = |condition| {
            vec![Write::Delete {
                key: key.clone(),
                condition,
            }]
        };
        let at = |number| Condition::Equals(vec![("Version", Value::Number(number))]);
        self.write(delete(Condition::Always)).await?;
        let item = numbered(&key, &[("Version", 1)]);
        self.write(vec![put(item, Condition::Always)]).await?;
        self.conflicts(delete(at(2)), &[0]).await?;
        self.write(delete(at(1))).await?;
        expect(self.get(&key).await?.is_none(), "it is still there")?;
        self.conflicts(delete(at(1)), &[0]).await
    }

    async fn all_or_none(&self) -> Outcome {
        let key = |number: usize| self.sorted("all", &format!("{number}"));
        let taken = numbered(&key(1), &[("A", 1)]);
        let other = numbered(&key(3), &[("A", 1)]);
        self.write(vec![
            put(taken, Condition::Always),
            put(other, Condition::Always),
        ])
        .await?;
        let all = (0..5)
            .map(|number| put(numbered(&key(number), &[("A", 2)]), Condition::Absent))
            .collect();
        self.conflicts(all, &[1, 3]).await?;
        for number in [0, 2, 4] {
            let found = self.get(&key(number)).await?;
            expect(found.is_none(), "a write of a refused transaction was made")?;
        }
        let across = vec![
            put(
                numbered(&self.plain(Table::ProtectionGroups, "all"), &[("A", 1)]),
                Condition::Absent,
            ),
            put(
                numbered(&self.plain(Table::RecoveryPlans, "all"), &[("A", 1)]),
                Condition::Absent,
            ),
            put(numbered(&key(0), &[("A", 1)]), Condition::Absent),
        ];
        self.write(across.clone()).await?;
        self.conflicts(across, &[0, 1, 2]).await
    }

    async fn no_item_twice(&self) -> Outcome {
        let key = self.sorted("twice", "one");
        let writes = vec![
            put(numbered(&key, &[("A", 1)]), Condition::Always),
            Write::Check {
                key: key.clone(),
                condition: Condition::Absent,
            },
        ];
        match self.items.transact(writes).await {
            Err(WriteError::Call(error)) if error.kind == Kind::Refused => {}
            other => return Err(format!("{other:?}")),
        }
        expect(self.get(&key).await?.is_none(), "it was made")
    }

    async fn whole_transaction(&self) -> Outcome {
        let key = |number: usize| self.sorted("whole", &format!("{number:03}"));
        let all = (0..limits::ITEMS_PER_TRANSACTION)
            .map(|number| put(numbered(&key(number), &[("A", 1)]), Condition::Absent))
            .collect();
        self.write(all).await?;
        let last = self.get(&key(limits::ITEMS_PER_TRANSACTION - 1)).await?;
        expect(last.is_some(), "the last write is missing")
    }

    async fn pages(&self) -> Outcome {
        let keys: Vec<Key> = (0..MANY)
            .map(|number| self.sorted("pages", &format!("event#{number:012}")))
            .collect();
        let beside = [
            self.sorted("pages", "evens#1"),
            self.sorted("pages", "eventually"),
            self.sorted("pages-of-another", "event#000000000001"),
        ];
        let all: Vec<Write> = keys
            .iter()
            .chain(&beside)
            .map(|key| put(numbered(key, &[("A", 1)]), Condition::Always))
            .collect();
        for batch in all.chunks(limits::ITEMS_PER_TRANSACTION) {
            self.write(batch.to_vec()).await?;
        }
        let everything = self.read_pages("event#", None, 100).await?;
        expect(everything == keys, "other items, or in another order")?;
        let after = keys[99].sort.clone();
        let rest = self.read_pages("event#", after, 40).await?;
        expect(rest == keys[100..], "it does not go on after a key")?;
        let none = self.read_pages("nothing#", None, 10).await?;
        expect(none.is_empty(), "it finds what is not there")
    }

    async fn read_pages(
        &self,
        prefix: &str,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<Key>, String> {
        let mut query = Query {
            table: Table::ExecutionHistory,
            partition: self.name("pages"),
            prefix: prefix.to_owned(),
            after,
            limit,
        };
        let mut found = Vec::new();
        for _ in 0..MANY {
            let page = self.items.query(&query).await.map_err(|e| e.to_string())?;
            expect(page.items.len() <= limit, "a page is too long")?;
            found.extend(page.items.into_iter().map(|item| item.key));
            query.after = found.last().and_then(|key: &Key| key.sort.clone());
            if !page.more {
                return Ok(found);
            }
        }
        Err("the pages never end".to_owned())
    }

    async fn indexes(&self) -> Outcome {
        let partition = self.name("index");
        let mut wanted = Vec::new();
        for number in 0..7_i64 {
            let key = self.sorted(&format!("index-{number}"), "summary");
            let mut item = numbered(&key, &[("StartTime", 1_000 + number)]);
            item.attributes
                .insert("PlanId".to_owned(), Value::Text(partition.clone()));
            self.write(vec![put(item, Condition::Always)]).await?;
            wanted.insert(0, key);
        }
        // Not in the index: it lacks the attribute that the index is ordered by, or belongs to another plan.
        let mut unordered = numbered(&self.sorted("index-u", "summary"), &[]);
        let mut another = numbered(&self.sorted("index-a", "summary"), &[("StartTime", 1)]);
        let plan = Value::Text(partition.clone());
        unordered.attributes.insert("PlanId".to_owned(), plan);
        let other_plan = Value::Text(format!("{partition}-2"));
        another.attributes.insert("PlanId".to_owned(), other_plan);
        self.write(vec![
            put(unordered, Condition::Always),
            put(another, Condition::Always),
        ])
        .await?;
        let mut seen = Vec::new();
        for _ in 0..INDEX_LOOKS {
            seen = self.read_index(&partition).await?;
            if seen == wanted {
                return Ok(());
            }
        }
        Err(format!("{seen:?} instead of {wanted:?}"))
    }

    async fn read_index(&self, partition: &str) -> Result<Vec<Key>, String> {
        let mut query = IndexQuery {
            index: Index::Plan,
            partition: partition.to_owned(),
            start: None,
            limit: 3,
        };
        let mut found = Vec::new();
        for _ in 0..MANY {
            let page = self.items.index(&query).await.map_err(|e| e.to_string())?;
            query.start = page.items.last().cloned();
            found.extend(page.items.into_iter().map(|item| item.key));
            if !page.more {
                return Ok(found);
            }
        }
        Err("the pages never end".to_owned())
    }

    async fn get(&self, key: &Key) -> Result<Option<Item>, String> {
        self.items.get(key).await.map_err(|error| error.to_string())
    }

    async fn write(&self, writes: Vec<Write>) -> Outcome {
        match self.items.transact(writes).await {
            Ok(()) => Ok(()),
            Err(error) => Err(format!("not written: {error:?}")),
        }
    }

    async fn conflicts(&self, writes: Vec<Write>, positions: &[usize]) -> Outcome {
        match self.items.transact(writes).await {
            Err(WriteError::Conflict(found)) if found == positions => Ok(()),
            other => Err(format!("{other:?} instead of a conflict at {positions:?}")),
        }
    }

    fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.mark)
    }

    fn plain(&self, table: Table, name: &str) -> Key {
        Key {
            table,
            partition: self.name(name),
            sort: None,
        }
    }

    fn sorted(&self, name: &str, sort: &str) -> Key {
        Key {
            table: Table::ExecutionHistory,
            partition: self.name(name),
            sort: Some(sort.to_owned()),
        }
    }
}

fn put(item: Item, condition: Condition) -> Write {
    Write::Put { item, condition }
}

fn numbered(key: &Key, numbers: &[(&str, i64)]) -> Item {
    let number = |(name, value): &(&str, i64)| ((*name).to_owned(), Value::Number(*value));
    Item {
        key: key.clone(),
        attributes: numbers.iter().map(number).collect(),
    }
}

fn expect(holds: bool, otherwise: &str) -> Outcome {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryItems;
    use crate::testing::at_once;

    #[test]
    fn the_store_in_memory_conforms() {
        let items = MemoryItems::default();
        assert_eq!(at_once(violations(&items, "one")), [""; 0]);
        assert_eq!(at_once(violations(&items, "another corner")), [""; 0]);
    }
}
