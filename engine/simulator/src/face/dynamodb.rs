//! DynamoDB: the embedded database does the work. Here is what it leaves out: point-in-time recovery, a change of
//! encryption at rest, and the account and Region in ARNs.

use drs_engine::sim::world::ApiError;
use serde_json::{Value, json};

use crate::http::Answer;
use crate::needs;
use crate::service::{Planned, Visit};

mod database;
mod operations;
mod settings;

pub(crate) use database::Databases;
use operations::{Failure, Operation};

/// Before the operation in `X-Amz-Target`.
const TARGET_PREFIX: &str = "DynamoDB_20120810.";

/// Plans a call of DynamoDB.
pub(crate) fn plan<'p>(
    databases: &'p Databases,
    visit: &Visit<'_, '_>,
) -> Result<Planned<'p>, ApiError> {
    let target = visit.request.header("x-amz-target").unwrap_or_default();
    let name = target.strip_prefix(TARGET_PREFIX).unwrap_or_default();
    let Some(operation) = Operation::named(name) else {
        return Err(visit.protocol.unknown_operation(target));
    };
    let label = format!("dynamodb:{name}");
    Ok(Planned {
        fault_name: label.clone(),
        action: label,
        needs: needs::of_dynamodb(visit, name),
        perform: Box::new(move |visit| {
            let call = Call {
                databases,
                operation,
            };
            Ok(match call.perform(visit) {
                Ok(body) => Answer::new(200, visit.protocol.content_type(), body),
                Err(Failure::Api(error)) => visit.protocol.error(&error, visit.request_id),
                Err(Failure::Database(error)) => Answer::new(
                    error.status_code(),
                    visit.protocol.content_type(),
                    error.to_json(),
                ),
            })
        }),
    })
}

/// One call.
struct Call<'p> {
    databases: &'p Databases,
    operation: Operation,
}

impl Call<'_> {
    fn perform(&self, visit: &mut Visit<'_, '_>) -> Result<String, Failure> {
        let body = std::str::from_utf8(&visit.request.body).map_err(|_| unreadable())?;
        if self.operation.is_about_items() {
            return self.databases.run(&Place::of(visit), self.operation, body);
        }
        let input: Value = serde_json::from_str(body).map_err(|_| unreadable())?;
        if !input.is_object() {
            return Err(unreadable().into());
        }
        match self.operation {
            Operation::UpdateContinuousBackups => self.update_recovery(visit, &input),
            Operation::DescribeContinuousBackups => self.describe_recovery(visit, &input),
            Operation::UpdateTable => self.update_table(visit, input),
            Operation::CreateTable | Operation::DeleteTable | Operation::DescribeTable => {
                self.manage_table(visit, &input)
            }
            _ => self.run(visit, self.operation, &input),
        }
    }

    /// Has the database carry out an operation on tables.
    fn run(
        &self,
        visit: &Visit<'_, '_>,
        operation: Operation,
        input: &Value,
    ) -> Result<String, Failure> {
        let place = Place::of(visit);
        let input = place.to_local(&input.to_string());
        let output = self.databases.run(&place, operation, &input)?;
        Ok(place.to_world(&output))
    }

    /// Creates, deletes or describes a table, with what is kept of it outside of the database.
    fn manage_table(&self, visit: &mut Visit<'_, '_>, input: &Value) -> Result<String, Failure> {
        let key = Place::of(visit).table_key(input);
        if self.operation == Operation::CreateTable {
            // What an earlier table of this name left behind when its deletion was cut short.
            settings::forget(visit, &key);
        }
        let output = self.run(visit, self.operation, input)?;
        if self.operation == Operation::DeleteTable {
            settings::forget(visit, &key);
        }
        Ok(settings::described(visit, &key, output))
    }
}

/// An account and a Region: each has a database of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    account_id: String,
    region: String,
}

/// How the embedded database begins the ARNs of its tables and keys; it knows neither accounts nor Regions.
const LOCAL_ARNS: [&str; 2] = [
    "arn:aws:dynamodb:dynoxide:000000000000:",
    "arn:aws:kms:dynoxide:000000000000:",
];

impl Place {
    fn of(visit: &Visit<'_, '_>) -> Self {
        Self {
            account_id: visit.identity.account_id.clone(),
            region: visit.identity.region.clone(),
        }
    }

    /// The name of the database's file, without its ending. Both parts were checked when the call was let in.
    fn file_name(&self) -> String {
        format!("{}-{}", self.account_id, self.region)
    }

    /// How settings of a table are kept in the state. A table may also be named by its ARN.
    fn table_key(&self, input: &Value) -> String {
        let name = input["TableName"].as_str().unwrap_or_default();
        let name = name.rsplit_once(":table/").map_or(name, |(_, name)| name);
        format!("{}/{}/{name}", self.account_id, self.region)
    }

    fn arns(&self) -> [String; 2] {
        let Self { account_id, region } = self;
        [
            format!("arn:aws:dynamodb:{region}:{account_id}:"),
            format!("arn:aws:kms:{region}:{account_id}:"),
        ]
    }

    /// A request with ARNs as the database knows them.
    fn to_local(&self, text: &str) -> String {
        let pairs = self.arns().into_iter().zip(LOCAL_ARNS);
        pairs.fold(text.to_owned(), |text, (world, local)| {
            text.replace(&world, local)
        })
    }

    /// An answer with ARNs as the world knows them.
    fn to_world(&self, text: &str) -> String {
        let pairs = self.arns().into_iter().zip(LOCAL_ARNS);
        pairs.fold(text.to_owned(), |text, (world, local)| {
            text.replace(local, &world)
        })
    }
}

/// A body that is no JSON object. DynamoDB says no more about it either.
fn unreadable() -> ApiError {
    ApiError::new("SerializationException", 400, "")
}

/// A table that is not there, in the words of the operations on backups.
fn table_not_found(input: &Value) -> ApiError {
    let name = input["TableName"].as_str().unwrap_or_default();
    ApiError::new(
        "TableNotFoundException",
        400,
        format!("Table not found: {name}"),
    )
}

/// A member of a request that has to be there.
fn missing(name: &str) -> ApiError {
    let message = format!(
        "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
    );
    ApiError::new("ValidationException", 400, message)
}

/// A body that is answered.
fn text(value: Value) -> String {
    value.to_string()
}

/// The request that describes the table of another request.
fn describe_request(input: &Value) -> Value {
    json!({"TableName": input["TableName"]})
}
