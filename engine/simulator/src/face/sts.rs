//! Security Token Service: who am I, and sessions of roles in other accounts.

use drs_engine::sim::world::ApiError;
use drs_engine::time::after;
use jiff::SignedDuration;
use serde_json::json;

use crate::auth::{SessionClaim, is_account_id, session_credentials};
use crate::face::form::Form;
use crate::http::Answer;
use crate::needs;
use crate::service::{Planned, Visit};
use crate::xml;

/// Sessions last as long as this when the call does not say.
const DEFAULT_SESSION_SECONDS: i64 = 3600;

/// Plans a call of STS.
pub(crate) fn plan<'p>(visit: &Visit<'_, '_>) -> Result<Planned<'p>, ApiError> {
    let form = Form::read(visit)?;
    let action = form.value("Action").unwrap_or_default().to_owned();
    let planned = |needs, perform| Planned {
        fault_name: format!("sts:{action}"),
        action: format!("sts:{action}"),
        needs,
        perform,
    };
    match action.as_str() {
        // Nobody needs a right to ask who it is; not even a deny keeps anybody from it.
        "GetCallerIdentity" => Ok(planned(
            Vec::new(),
            Box::new(|visit: &mut Visit<'_, '_>| Ok(caller_identity(visit))),
        )),
        "AssumeRole" => Ok(planned(
            needs::of_role(visit, form.value("RoleArn")),
            Box::new(move |visit: &mut Visit<'_, '_>| assume_role(visit, &form)),
        )),
        _ => Err(visit.protocol.unknown_operation(&action)),
    }
}

fn caller_identity(visit: &Visit<'_, '_>) -> Answer {
    let who = visit.identity;
    let result = json!({"Arn": who.arn, "UserId": who.user_id, "Account": who.account_id});
    let body = xml::query_answer("GetCallerIdentity", &result, visit.request_id);
    Answer::new(200, visit.protocol.content_type(), body)
}

fn assume_role(visit: &mut Visit<'_, '_>, form: &Form) -> Result<Answer, ApiError> {
    let role_arn = form.value("RoleArn").unwrap_or_default();
    let session_name = form.value("RoleSessionName").unwrap_or_default();
    let (account_id, role_name) =
        role_of(role_arn).ok_or_else(|| invalid(&format!("{role_arn} is invalid")))?;
    if !is_session_name(session_name) {
        return Err(invalid(
            "1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [\\w+=,.@-]{2,64}",
        ));
    }
    let asked = duration(form)?;
    let world = &visit.session.state().world;
    let seconds = world.settings().session_seconds.map_or(asked, i64::from);
    if !world.lets_in(account_id, form.value("ExternalId")) {
        // AWS does not tell a missing role from a forbidden one.
        let arn = &visit.identity.arn;
        let message = format!(
            "User: {arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        );
        return Err(ApiError::new("AccessDenied", 403, message));
    }
    let session = SessionClaim {
        account_id: account_id.to_owned(),
        role_name: role_name.to_owned(),
        session_name: session_name.to_owned(),
        expires: after(visit.wall, SignedDuration::from_secs(seconds)),
    };
    let credentials = session_credentials(&session);
    let result = json!({
        "Credentials": {
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "SessionToken": credentials.session_token,
            "Expiration": session.expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("AROASIM0{account_id}:{session_name}"),
            "Arn": format!("arn:aws:sts::{account_id}:assumed-role/{role_name}/{session_name}"),
        },
    });
    let body = xml::query_answer("AssumeRole", &result, visit.request_id);
    Ok(Answer::new(200, visit.protocol.content_type(), body))
}

/// The account and the name of a role, without its path.
fn role_of(arn: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts[..] else {
        return None;
    };
    let name = resource.strip_prefix("role/")?.rsplit('/').next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    let named = !name.is_empty() && name.len() <= 64 && name.chars().all(plain);
    (partition.starts_with("aws") && is_account_id(account) && named).then_some((account, name))
}

fn is_session_name(name: &str) -> bool {
    (2..=64).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))
}

fn duration(form: &Form) -> Result<i64, ApiError> {
    let Some(text) = form.value("DurationSeconds") else {
        return Ok(DEFAULT_SESSION_SECONDS);
    };
    match text.parse() {
        Ok(seconds) if (900..=43_200).contains(&seconds) => Ok(seconds),
        _ => Err(invalid(
            "1 validation error detected: Value at 'durationSeconds' failed to satisfy constraint: \
             Member must have value between 900 and 43200",
        )),
    }
}

fn invalid(message: &str) -> ApiError {
    ApiError::new("ValidationError", 400, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_from_its_arn() {
        assert_eq!(
            role_of("arn:aws:iam::444455556666:role/dr"),
            Some(("444455556666", "dr"))
        );
        assert_eq!(
            role_of("arn:aws:iam::444455556666:role/ops/dr"),
            Some(("444455556666", "dr"))
        );
        for bad in [
            "",
            "arn:aws:iam::1:role/dr",
            "arn:aws:iam::444455556666:user/dr",
            "arn:aws:iam::444455556666:role/",
        ] {
            assert_eq!(role_of(bad), None, "{bad}");
        }
    }
}
