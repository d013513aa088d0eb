//! Making a table.

use std::time::Instant;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    PointInTimeRecoverySpecification, Projection, ProjectionType, ScalarAttributeType,
    SseSpecification, SseType, Tag,
};
use drs_engine::ports::Kind;
use drs_engine::store::items::Table;

use super::{BACKUPS, CREATE, INDEXES, IndexDefinition, TableError, definition_of_index, keys_of};
use crate::classify::INVALID_REQUEST;
use crate::limits;

/// Makes a table; when somebody else makes it at the same time, that is as good.
pub(super) async fn create(
    client: &Client,
    environment: &str,
    table: Table,
    name: &str,
) -> Result<(), TableError> {
    let definition = Definition::of(table, environment).map_err(|error| {
        TableError::Call(CREATE.error(Kind::Refused, INVALID_REQUEST, error.to_string()))
    })?;
    let sent = client
        .create_table()
        .table_name(name)
        .set_key_schema(Some(definition.keys))
        .set_attribute_definitions(Some(definition.attributes))
        .set_global_secondary_indexes(Some(definition.indexes))
        .billing_mode(BillingMode::PayPerRequest)
        .sse_specification(
            SseSpecification::builder()
                .enabled(true)
                .sse_type(SseType::Kms)
                .build(),
        )
        .deletion_protection_enabled(true)
        .set_tags(Some(definition.tags))
        .send()
        .await;
    match sent.map_err(|error| CREATE.failed(&error)) {
        Ok(_) => Ok(()),
        Err(error) if error.code == "ResourceInUseException" => Ok(()),
        // Whether it was made shows when it is waited for.
        Err(error) if error.kind == Kind::Unknown => Ok(()),
        Err(error) => Err(TableError::Call(error)),
    }
}

/// Turns point-in-time recovery on. A table that was just made may not be ready for it.
pub(super) async fn enable_backups(client: &Client, name: &str) -> Result<(), TableError> {
    let until = Instant::now() + limits::TABLE_ACTIVE_TIMEOUT;
    loop {
        let specification = PointInTimeRecoverySpecification::builder()
            .point_in_time_recovery_enabled(true)
            .build()
            .map_err(|error| {
                TableError::Call(BACKUPS.error(Kind::Refused, INVALID_REQUEST, error.to_string()))
            })?;
        let sent = client
            .update_continuous_backups()
            .table_name(name)
            .point_in_time_recovery_specification(specification)
            .send()
            .await;
        let Err(error) = sent.map_err(|error| BACKUPS.failed(&error)) else {
            return Ok(());
        };
        let may_pass =
            error.is_retryable() || error.code == "ContinuousBackupsUnavailableException";
        if !may_pass || Instant::now() >= until {
            return Err(TableError::Backups {
                table: name.to_owned(),
                error,
            });
        }
        tokio::time::sleep(limits::TABLE_POLL).await;
    }
}

struct Definition {
    keys: Vec<KeySchemaElement>,
    attributes: Vec<AttributeDefinition>,
    indexes: Vec<GlobalSecondaryIndex>,
    tags: Vec<Tag>,
}

impl Definition {
    fn of(table: Table, environment: &str) -> Result<Self, BuildError> {
        let (partition, sort) = keys_of(table);
        let indexes: Vec<IndexDefinition> = INDEXES
            .into_iter()
            .map(definition_of_index)
            .filter(|index| index.table == table)
            .collect();
        let mut named = vec![(partition, ScalarAttributeType::S)];
        named.extend(sort.map(|sort| (sort, ScalarAttributeType::S)));
        for index in &indexes {
            let order = if index.order_is_number {
                ScalarAttributeType::N
            } else {
                ScalarAttributeType::S
            };
            for attribute in [
                (index.partition, ScalarAttributeType::S),
                (index.order, order),
            ] {
                if !named.contains(&attribute) {
                    named.push(attribute);
                }
            }
        }
        let attributes = named.into_iter().map(|(name, kind)| {
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(kind)
                .build()
        });
        let tags = [
            ("ManagedBy", "terraform-provider-drs"),
            ("drs-orchestration:environment", environment),
        ];
        Ok(Self {
            keys: keys(partition, sort)?,
            attributes: attributes.collect::<Result<_, _>>()?,
            indexes: indexes.iter().map(index).collect::<Result<_, _>>()?,
            tags: tags
                .into_iter()
                .map(|(key, value)| Tag::builder().key(key).value(value).build())
                .collect::<Result<_, _>>()?,
        })
    }
}

fn keys(partition: &str, sort: Option<&str>) -> Result<Vec<KeySchemaElement>, BuildError> {
    let key = |name: &str, kind: KeyType| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
    };
    let mut keys = vec![key(partition, KeyType::Hash)?];
    if let Some(sort) = sort {
        keys.push(key(sort, KeyType::Range)?);
    }
    Ok(keys)
}

fn index(index: &IndexDefinition) -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name(index.name)
        .set_key_schema(Some(keys(index.partition, Some(index.order))?))
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::All)
                .build(),
        )
        .build()
}
