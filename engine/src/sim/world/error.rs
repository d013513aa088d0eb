//! Errors as DRS sends them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use thiserror::Error;

/// An error answer.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// The error code, sent as `X-Amzn-ErrorType`.
    pub code: String,
    /// The HTTP status.
    pub status: u16,
    /// The message.
    pub message: String,
    /// Other members of the body.
    pub members: BTreeMap<String, Value>,
    /// The `Retry-After` header.
    pub retry_after_seconds: Option<u32>,
}

impl ApiError {
    /// An error without other members.
    pub fn new(code: &str, status: u16, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            status,
            message: message.into(),
            members: BTreeMap::new(),
            retry_after_seconds: None,
        }
    }

    /// A caller who lacks the action, in the words that DRS was seen to use.
    pub fn access_denied(caller_arn: &str, operation: &str) -> Self {
        Self::new(
            "AccessDeniedException",
            403,
            format!(
                "User: {caller_arn} is not authorized to perform: drs:{operation} on resource: * because no \
                 identity-based policy allows the drs:{operation} action"
            ),
        )
    }

    /// Input of a wrong shape, with the members that are wrong.
    pub fn validation(fields: &[(String, String)]) -> Self {
        let list: Vec<Value> = fields
            .iter()
            .map(|(name, message)| json!({"name": name, "message": message}))
            .collect();
        let named: Vec<String> = fields
            .iter()
            .map(|(name, message)| format!("{name}: {message}"))
            .collect();
        Self::new(
            "ValidationException",
            400,
            format!("Validation failed: {}", named.join("; ")),
        )
        .with("reason", json!("fieldValidationFailed"))
        .with("fieldList", Value::Array(list))
    }

    /// A state that does not allow the call.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new("ConflictException", 409, message)
    }

    /// A state that one resource is in and that does not allow the call.
    pub fn conflict_of(kind: &str, id: &str, message: impl Into<String>) -> Self {
        Self::conflict(message)
            .with("resourceId", json!(id))
            .with("resourceType", json!(kind))
    }

    /// An id that does not exist.
    pub fn not_found(kind: &str, id: &str) -> Self {
        Self::new(
            "ResourceNotFoundException",
            404,
            format!("{kind} {id} does not exist."),
        )
        .with("resourceId", json!(id))
        .with("resourceType", json!(kind))
    }

    /// A quota that is used up.
    pub fn quota(code: &str, message: impl Into<String>) -> Self {
        Self::new("ServiceQuotaExceededException", 402, message)
            .with("quotaCode", json!(code))
            .with("serviceCode", json!("drs"))
    }

    /// DRS was not initialised in this account and Region.
    pub fn uninitialized() -> Self {
        Self::new(
            "UninitializedAccountException",
            400,
            "Account not initialized",
        )
    }

    /// Too many requests.
    pub fn throttled(retry_after_seconds: Option<u32>) -> Self {
        let error = Self::new("ThrottlingException", 429, "Rate exceeded");
        Self {
            retry_after_seconds,
            ..error
        }
    }

    /// A fault of the service.
    pub fn internal() -> Self {
        Self::new("InternalServerException", 500, "An internal error occurred")
    }

    /// An operation that the simulator does not have.
    pub fn unknown_operation(operation: &str) -> Self {
        Self::new(
            "ValidationException",
            400,
            format!("The simulator does not implement {operation}"),
        )
        .with("reason", json!("unknownOperation"))
    }

    /// The same error with one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// The body.
    pub fn body(&self) -> Value {
        let mut body = serde_json::Map::new();
        body.insert("message".to_owned(), json!(self.message));
        body.insert("code".to_owned(), json!(self.code));
        body.extend(self.members.clone());
        Value::Object(body)
    }
}
