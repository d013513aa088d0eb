//! Service Quotas: JSON 1.1. The world knows the quotas.

use drs_engine::sim::world::ApiError;
use serde_json::Value;

use crate::face::json;
use crate::needs;
use crate::service::{Planned, Visit};

/// Before the operation in `X-Amz-Target`.
const TARGET_PREFIX: &str = "ServiceQuotasV20190624.";

/// Plans a call of Service Quotas.
pub(crate) fn plan<'p>(visit: &Visit<'_, '_>) -> Result<Planned<'p>, ApiError> {
    let target = visit.request.header("x-amz-target").unwrap_or_default();
    let required: &[&str] = match target.strip_prefix(TARGET_PREFIX) {
        Some("GetServiceQuota") => &["ServiceCode", "QuotaCode"],
        Some("ListServiceQuotas") => &["ServiceCode"],
        _ => return Err(visit.protocol.unknown_operation(target)),
    };
    let input = read_input(&visit.request.body, required)?;
    let name = format!("servicequotas:{}", &target[TARGET_PREFIX.len()..]);
    let needs = needs::of_quotas(visit, &name);
    Ok(json::of_world(name, input, needs))
}

fn read_input(body: &[u8], required: &[&str]) -> Result<Value, ApiError> {
    let input = json::object(body)?;
    for member in required {
        if input[*member].as_str().is_none_or(str::is_empty) {
            let message = format!("{member} is missing");
            return Err(ApiError::new("IllegalArgumentException", 400, message));
        }
    }
    Ok(input)
}
