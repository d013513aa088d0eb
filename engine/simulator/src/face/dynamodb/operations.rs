//! The operations of DynamoDB that are served: how each is read, carried out and answered.

use drs_engine::sim::world::ApiError;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Why a call was refused.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// By what is in front of the database.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// By the database.
    #[error(transparent)]
    Database(#[from] DynoxideError),
}

/// Declares the operations once: their names, and what the database has for each.
macro_rules! operations {
    ($($name:ident => $method:ident,)*) => {
        /// An operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Operation {
            $($name,)*
            UpdateContinuousBackups,
            DescribeContinuousBackups,
        }

        impl Operation {
            /// The operation with a name.
            pub(super) fn named(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)*
                    "UpdateContinuousBackups" => Some(Self::UpdateContinuousBackups),
                    "DescribeContinuousBackups" => Some(Self::DescribeContinuousBackups),
                    _ => None,
                }
            }

            /// Has a database carry it out.
            pub(super) fn carry_out(self, database: &Database, input: &str) -> Result<String, Failure> {
                match self {
                    $(Self::$name => answered(database.$method(read(input)?)?),)*
                    Self::UpdateContinuousBackups | Self::DescribeContinuousBackups => {
                        unreachable!("they are answered in front of the database")
                    }
                }
            }
        }
    };
}

operations! {
    BatchGetItem => batch_get_item,
    BatchWriteItem => batch_write_item,
    CreateTable => create_table,
    DeleteItem => delete_item,
    DeleteTable => delete_table,
    DescribeTable => describe_table,
    DescribeTimeToLive => describe_time_to_live,
    GetItem => get_item,
    ListTables => list_tables,
    ListTagsOfResource => list_tags_of_resource,
    PutItem => put_item,
    Query => query,
    Scan => scan,
    TagResource => tag_resource,
    TransactGetItems => transact_get_items,
    TransactWriteItems => transact_write_items,
    UntagResource => untag_resource,
    UpdateItem => update_item,
    UpdateTable => update_table,
    UpdateTimeToLive => update_time_to_live,
}

impl Operation {
    /// Whether it changes what a table is, and not only what is in it.
    pub(super) fn changes_tables(self) -> bool {
        matches!(
            self,
            Self::CreateTable
                | Self::DeleteTable
                | Self::UpdateTable
                | Self::UpdateTimeToLive
                | Self::TagResource
                | Self::UntagResource
        )
    }

    /// Whether it is about items only: its request and its answer are the user's data, and pass as they are.
    pub(super) fn is_about_items(self) -> bool {
        matches!(
            self,
            Self::BatchGetItem
                | Self::BatchWriteItem
                | Self::DeleteItem
                | Self::GetItem
                | Self::PutItem
                | Self::Query
                | Self::Scan
                | Self::TransactGetItems
                | Self::TransactWriteItems
                | Self::UpdateItem
        )
    }
}

/// Words before the message of an error that the database raises while it reads a request: the value has a wrong type.
const UNREADABLE_MARKERS: [&str; 2] = ["SERIALIZATION_AS_READ:", "SERIALIZATION:"];

/// The same: the value is not allowed.
const INVALID_MARKERS: [&str; 3] = ["VALIDATION_AS_READ:", "VALIDATION_REQUEST:", "VALIDATION:"];

/// What is in the message of an error about a value that is absent or unknown, rather than of another type.
const INVALID: [&str; 5] = [
    "missing field",
    "unknown variant",
    "invalid type: null",
    "empty AttributeValue",
    "Supplied AttributeValue",
];

fn read<T: DeserializeOwned>(input: &str) -> Result<T, DynoxideError> {
    serde_json::from_str(input).map_err(|error| {
        let message = error.to_string();
        let plain = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(plain, _)| plain);
        let after_marker = |markers: &[&str]| {
            let rest = markers.iter().find_map(|marker| plain.strip_prefix(marker));
            rest.map(str::to_owned)
        };
        if let Some(rest) = after_marker(&UNREADABLE_MARKERS) {
            return DynoxideError::SerializationException(rest);
        }
        if let Some(rest) = after_marker(&INVALID_MARKERS) {
            return DynoxideError::ValidationException(rest);
        }
        if INVALID.iter().any(|words| plain.contains(words)) {
            DynoxideError::ValidationException(plain.to_owned())
        } else {
            DynoxideError::SerializationException(plain.to_owned())
        }
    })
}

fn answered<T: Serialize>(answer: T) -> Result<String, Failure> {
    serde_json::to_string(&answer).map_err(|error| {
        let message = error.to_string();
        Failure::Database(DynoxideError::InternalServerError(message))
    })
}
