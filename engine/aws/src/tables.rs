//! The three tables: their names, keys and indexes; making them, and refusing those that are not fit.
//!
//! A table is made with capacity on demand, encryption with the account's key for DynamoDB, point-in-time recovery, and
//! deletion protection: the history is what an operator needs when everything else is gone. Replicated (global) tables
//! are refused: there the last writer wins, and every condition that the engine rests on is void.

use std::fmt;
use std::time::Instant;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{TableDescription, TableStatus};
use drs_engine::ports::CallError;
use drs_engine::store::items::{Index, Table};

use crate::classify::Call;
use crate::limits;

mod create;
mod shape;

const DESCRIBE: Call = Call::reads("dynamodb:DescribeTable").of_store();
const CREATE: Call = Call::changes("dynamodb:CreateTable").of_store();
const BACKUPS: Call = Call::changes("dynamodb:UpdateContinuousBackups").of_store();

/// Every table.
pub(crate) const TABLES: [Table; 3] = [
    Table::ProtectionGroups,
    Table::RecoveryPlans,
    Table::ExecutionHistory,
];

/// Every index.
pub(crate) const INDEXES: [Index; 4] = [Index::Status, Index::Plan, Index::Groups, Index::Plans];

/// The names of an environment's tables.
#[derive(Clone, Debug)]
pub struct Names {
    groups: String,
    plans: String,
    history: String,
}

impl Names {
    /// The names in an environment.
    pub fn new(environment: &str) -> Self {
        Self {
            groups: Table::ProtectionGroups.name_in(environment),
            plans: Table::RecoveryPlans.name_in(environment),
            history: Table::ExecutionHistory.name_in(environment),
        }
    }

    /// The name of a table.
    pub fn of(&self, table: Table) -> &str {
        match table {
            Table::ProtectionGroups => &self.groups,
            Table::RecoveryPlans => &self.plans,
            Table::ExecutionHistory => &self.history,
        }
    }

    /// The table with this name; none where it is not one of this environment's.
    pub fn table(&self, name: &str) -> Option<Table> {
        let all = [
            Table::ProtectionGroups,
            Table::RecoveryPlans,
            Table::ExecutionHistory,
        ];
        all.into_iter().find(|table| self.of(*table) == name)
    }
}

/// An index of a table. Every attribute is projected; items without its attributes are not in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexDefinition {
    pub(crate) table: Table,
    pub(crate) name: &'static str,
    pub(crate) partition: &'static str,
    pub(crate) order: &'static str,
    pub(crate) order_is_number: bool,
}

/// The attributes of a table's key: partition, and sort where it has one. Both are texts.
pub(crate) fn keys_of(table: Table) -> (&'static str, Option<&'static str>) {
    match table {
        Table::ProtectionGroups => ("Id", None),
        Table::RecoveryPlans => ("PlanId", None),
        Table::ExecutionHistory => ("ExecutionId", Some("ItemKey")),
    }
}

/// How an index is defined.
pub(crate) fn definition_of_index(index: Index) -> IndexDefinition {
    let (table, name, partition, order) = match index {
        Index::Status => (
            Table::ExecutionHistory,
            "StatusIndex",
            "Status",
            "StartTime",
        ),
        Index::Plan => (
            Table::ExecutionHistory,
            "PlanIdIndex",
            "PlanId",
            "StartTime",
        ),
        Index::Groups => (Table::ProtectionGroups, "KindIndex", "Kind", "Name"),
        Index::Plans => (Table::RecoveryPlans, "KindIndex", "Kind", "Name"),
    };
    IndexDefinition {
        table,
        name,
        partition,
        order,
        order_is_number: order == "StartTime",
    }
}

/// Why the tables cannot be used. Its text says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableError {
    /// A table does not exist, and must not be made.
    Missing {
        /// The table.
        table: String,
    },
    /// A table of this name has other keys or lacks an index.
    Shape {
        /// The table.
        table: String,
        /// What is wrong.
        problem: String,
    },
    /// A table is replicated to other Regions.
    Replicated {
        /// The table.
        table: String,
    },
    /// A table could not be used in time.
    NotActive {
        /// The table.
        table: String,
        /// Its status in DynamoDB's words.
        status: String,
    },
    /// A table was made, but its backups could not be turned on.
    Backups {
        /// The table.
        table: String,
        /// Why.
        error: CallError,
    },
    /// A call did not succeed.
    Call(CallError),
}

/// Checks the tables of an environment, and makes those that are missing when it may. Several may do so at once.
pub(crate) async fn ensure(
    client: &Client,
    environment: &str,
    may_create: bool,
) -> Result<(), TableError> {
    let names = Names::new(environment);
    let mut made = Vec::new();
    for table in TABLES {
        let name = names.of(table);
        match describe(client, name).await? {
            Some(description) => shape::check(table, name, &description)?,
            None if may_create => {
                create::create(client, environment, table, name).await?;
                made.push(name);
            }
            None => {
                return Err(TableError::Missing {
                    table: name.to_owned(),
                });
            }
        }
    }
    for table in TABLES {
        let name = names.of(table);
        let description = wait_until_active(client, name).await?;
        shape::check(table, name, &description)?;
    }
    for name in made {
        create::enable_backups(client, name).await?;
    }
    Ok(())
}

/// A table as it is, or none.
async fn describe(client: &Client, name: &str) -> Result<Option<TableDescription>, TableError> {
    match client.describe_table().table_name(name).send().await {
        Ok(answer) => Ok(answer.table),
        Err(error) => {
            let failed = DESCRIBE.failed(&error);
            if failed.code == "ResourceNotFoundException" {
                Ok(None)
            } else {
                Err(TableError::Call(failed))
            }
        }
    }
}

async fn wait_until_active(client: &Client, name: &str) -> Result<TableDescription, TableError> {
    let until = Instant::now() + limits::TABLE_ACTIVE_TIMEOUT;
    loop {
        let description = describe(client, name).await?;
        let status = description
            .as_ref()
            .and_then(|description| description.table_status.clone());
        match (description, status) {
            // A table that is being changed can be used.
            (Some(description), Some(TableStatus::Active | TableStatus::Updating)) => {
                return Ok(description);
            }
            (_, status) if Instant::now() >= until => {
                return Err(TableError::NotActive {
                    table: name.to_owned(),
                    status: status
                        .map_or_else(|| "missing".to_owned(), |status| status.as_str().to_owned()),
                });
            }
            _ => tokio::time::sleep(limits::TABLE_POLL).await,
        }
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { table } => write!(
                f,
                "There is no DynamoDB table {table}. Set create_tables = true to have the three tables made, run \
                 `drsctl tables create`, or name the environment whose tables exist."
            ),
            Self::Shape { table, problem } => write!(
                f,
                "The DynamoDB table {table} cannot hold this product's items: {problem}. Nothing was changed. Set \
                 another environment, so that tables of other names are used."
            ),
            Self::Replicated { table } => write!(
                f,
                "The DynamoDB table {table} is replicated to other Regions. There the last writer wins, so two drivers \
                 could launch the same servers twice. Remove its replicas, or set another environment. Nothing was \
                 changed."
            ),
            Self::NotActive { table, status } => write!(
                f,
                "The DynamoDB table {table} could not be used within {} s (its status: {status}). Look at it in the \
                 console, and try again.",
                limits::TABLE_ACTIVE_TIMEOUT.as_secs()
            ),
            Self::Backups { table, error } => write!(
                f,
                "The DynamoDB table {table} was made, but its point-in-time recovery could not be turned on: {error}. \
                 Allow dynamodb:UpdateContinuousBackups or turn it on in the console; then run the same command \
                 again."
            ),
            Self::Call(error) => write!(
                f,
                "The DynamoDB tables cannot be looked at: {error}. The caller needs dynamodb:DescribeTable, and \
                 dynamodb:CreateTable when create_tables is set."
            ),
        }
    }
}

impl std::error::Error for TableError {}
