//! Whether a table that exists is fit to hold the history.

use aws_sdk_dynamodb::types::{
    KeySchemaElement, KeyType, ProjectionType, ScalarAttributeType, TableDescription,
};
use drs_engine::store::items::Table;

use super::{INDEXES, TableError, definition_of_index, keys_of};

pub(super) fn check(
    table: Table,
    name: &str,
    description: &TableDescription,
) -> Result<(), TableError> {
    if !description.replicas().is_empty() || description.global_table_version.is_some() {
        return Err(TableError::Replicated {
            table: name.to_owned(),
        });
    }
    match problem(table, description) {
        None => Ok(()),
        Some(problem) => Err(TableError::Shape {
            table: name.to_owned(),
            problem,
        }),
    }
}

fn problem(table: Table, description: &TableDescription) -> Option<String> {
    let type_of = |name: &str| {
        description
            .attribute_definitions()
            .iter()
            .find(|attribute| attribute.attribute_name == name)
            .map(|attribute| attribute.attribute_type.clone())
    };
    let (partition, sort) = keys_of(table);
    let wanted: Vec<&str> = [Some(partition), sort].into_iter().flatten().collect();
    if !has_keys(description.key_schema(), &wanted) {
        return Some(format!("its key is not {}", wanted.join(" and ")));
    }
    if let Some(name) = wanted
        .iter()
        .find(|name| type_of(name) != Some(ScalarAttributeType::S))
    {
        return Some(format!("its key {name} is not a text"));
    }
    for index in INDEXES.into_iter().map(definition_of_index) {
        if index.table != table {
            continue;
        }
        let found = description
            .global_secondary_indexes()
            .iter()
            .find(|found| found.index_name.as_deref() == Some(index.name));
        let Some(found) = found else {
            return Some(format!("it has no index {}", index.name));
        };
        let projects_all = found
            .projection
            .as_ref()
            .and_then(|projection| projection.projection_type.as_ref())
            == Some(&ProjectionType::All);
        let order = if index.order_is_number {
            ScalarAttributeType::N
        } else {
            ScalarAttributeType::S
        };
        let fits = has_keys(found.key_schema(), &[index.partition, index.order])
            && type_of(index.order) == Some(order)
            && projects_all;
        if !fits {
            return Some(format!(
                "its index {} is not over {} and {} with all attributes",
                index.name, index.partition, index.order
            ));
        }
    }
    None
}

fn has_keys(schema: &[KeySchemaElement], wanted: &[&str]) -> bool {
    let name_of = |kind: &KeyType| {
        schema
            .iter()
            .find(|element| element.key_type == *kind)
            .map(|element| element.attribute_name.as_str())
    };
    schema.len() == wanted.len()
        && name_of(&KeyType::Hash) == wanted.first().copied()
        && name_of(&KeyType::Range) == wanted.get(1).copied()
}
