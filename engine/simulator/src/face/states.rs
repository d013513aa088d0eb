//! Step Functions: JSON 1.0. The world keeps the runs of its state machines; nothing is run.

use drs_engine::sim::world::ApiError;

use crate::face::json;
use crate::needs;
use crate::service::{Planned, Visit};

/// Before the operation in `X-Amz-Target`.
const TARGET_PREFIX: &str = "AWSStepFunctions.";

/// Plans a call of Step Functions.
pub(crate) fn plan<'p>(visit: &Visit<'_, '_>) -> Result<Planned<'p>, ApiError> {
    let target = visit.request.header("x-amz-target").unwrap_or_default();
    let operation = target.strip_prefix(TARGET_PREFIX).unwrap_or_default();
    let is_served = matches!(
        operation,
        "DescribeExecution" | "DescribeStateMachine" | "SendTaskSuccess" | "StartExecution"
    );
    if !is_served {
        return Err(visit.protocol.unknown_operation(target));
    }
    let input = json::object(&visit.request.body)?;
    let needs = needs::of_states(visit, operation, &input);
    Ok(json::of_world(format!("states:{operation}"), input, needs))
}
