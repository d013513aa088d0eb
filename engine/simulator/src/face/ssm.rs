//! Systems Manager: JSON 1.1. The world knows the commands and the automations.

use drs_engine::sim::world::ApiError;

use crate::face::json;
use crate::needs;
use crate::service::{Planned, Visit};

/// Before the operation in `X-Amz-Target`.
const TARGET_PREFIX: &str = "AmazonSSM.";

/// The operations that are served.
const OPERATIONS: [&str; 7] = [
    "DescribeDocument",
    "GetAutomationExecution",
    "GetCommandInvocation",
    "ListCommandInvocations",
    "ListCommands",
    "SendCommand",
    "StartAutomationExecution",
];

/// Plans a call of Systems Manager.
pub(crate) fn plan<'p>(visit: &Visit<'_, '_>) -> Result<Planned<'p>, ApiError> {
    let target = visit.request.header("x-amz-target").unwrap_or_default();
    let operation = target
        .strip_prefix(TARGET_PREFIX)
        .filter(|operation| OPERATIONS.contains(operation));
    let operation = operation.ok_or_else(|| visit.protocol.unknown_operation(target))?;
    let input = json::object(&visit.request.body)?;
    let needs = needs::of_ssm(visit, operation, &input);
    Ok(json::of_world(format!("ssm:{operation}"), input, needs))
}
