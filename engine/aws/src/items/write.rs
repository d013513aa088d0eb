//! Writes of a transaction, with their conditions as expressions.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem};
use drs_engine::store::items::{Condition, Table, Write};

use super::attributes::{key_attributes, to_attribute, to_attributes};
use crate::tables::{Names, keys_of};

/// A condition as DynamoDB takes it. Names and values are always placeholders: many of our names are reserved words.
#[derive(Debug, Default, PartialEq)]
struct Expression {
    text: Option<String>,
    names: Option<HashMap<String, String>>,
    values: Option<HashMap<String, AttributeValue>>,
}

pub(super) fn item(write: &Write, names: &Names) -> Result<TransactWriteItem, BuildError> {
    let builder = TransactWriteItem::builder();
    Ok(match write {
        Write::Put { item, condition } => {
            let condition = expression(item.key.table, condition);
            let put = Put::builder()
                .table_name(names.of(item.key.table))
                .set_item(Some(to_attributes(item)))
                .set_condition_expression(condition.text)
                .set_expression_attribute_names(condition.names)
                .set_expression_attribute_values(condition.values)
                .build()?;
            builder.put(put)
        }
        Write::Delete { key, condition } => {
            let condition = expression(key.table, condition);
            let delete = Delete::builder()
                .table_name(names.of(key.table))
                .set_key(Some(key_attributes(key)))
                .set_condition_expression(condition.text)
                .set_expression_attribute_names(condition.names)
                .set_expression_attribute_values(condition.values)
                .build()?;
            builder.delete(delete)
        }
        Write::Check { key, condition } => {
            let condition = expression(key.table, condition);
            // A check needs a condition; one that always holds is written as one that cannot fail.
            let text = condition.text.unwrap_or_else(|| {
                format!("attribute_exists({KEY}) OR attribute_not_exists({KEY})")
            });
            let names_of_key = HashMap::from([(KEY.to_owned(), keys_of(key.table).0.to_owned())]);
            let check = ConditionCheck::builder()
                .table_name(names.of(key.table))
                .set_key(Some(key_attributes(key)))
                .condition_expression(text)
                .set_expression_attribute_names(condition.names.or(Some(names_of_key)))
                .set_expression_attribute_values(condition.values)
                .build()?;
            builder.condition_check(check)
        }
    }
    .build())
}

/// The placeholder of the partition key.
const KEY: &str = "#key";

fn expression(table: Table, condition: &Condition) -> Expression {
    let key = || HashMap::from([(KEY.to_owned(), keys_of(table).0.to_owned())]);
    match condition {
        Condition::Always => Expression::default(),
        Condition::Absent => Expression {
            text: Some(format!("attribute_not_exists({KEY})")),
            names: Some(key()),
            values: None,
        },
        Condition::Equals(wanted) => {
            let mut terms = vec![format!("attribute_exists({KEY})")];
            let mut names = key();
            let mut values = HashMap::new();
            for (position, (name, value)) in (0..).zip(wanted) {
                terms.push(format!("#a{position} = :a{position}"));
                names.insert(format!("#a{position}"), (*name).to_owned());
                values.insert(format!(":a{position}"), to_attribute(value));
            }
            Expression {
                text: Some(terms.join(" AND ")),
                names: Some(names),
                values: (!values.is_empty()).then_some(values),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use drs_engine::store::items::Value;

    use super::*;

    #[test]
    fn conditions_become_expressions_of_placeholders() {
        assert_eq!(
            expression(Table::RecoveryPlans, &Condition::Always),
            Expression::default()
        );
        let absent = expression(Table::RecoveryPlans, &Condition::Absent);
        assert_eq!(absent.text.as_deref(), Some("attribute_not_exists(#key)"));
        assert_eq!(absent.names.expect("a name")["#key"], "PlanId");
        let equals = Condition::Equals(vec![
            ("Version", Value::Number(3)),
            ("Status", Value::Text("X".to_owned())),
        ]);
        let equals = expression(Table::ExecutionHistory, &equals);
        assert_eq!(
            equals.text.as_deref(),
            Some("attribute_exists(#key) AND #a0 = :a0 AND #a1 = :a1")
        );
        let values = equals.values.expect("values");
        assert_eq!(values[":a0"], AttributeValue::N("3".to_owned()));
        let exists = expression(Table::ExecutionHistory, &Condition::Equals(vec![]));
        assert_eq!(
            (exists.text.as_deref(), exists.values),
            (Some("attribute_exists(#key)"), None)
        );
    }
}
