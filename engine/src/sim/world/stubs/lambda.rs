//! Lambda: `Invoke`.
//!
//! The answer has the members of the API's answer, with the payload as a value, and `EndsAt`: when the function has
//! ended. Whoever stands in front holds the answer of a `RequestResponse` invocation back until then.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::call::{Scene, Stage};
use super::super::error::ApiError;
use super::super::model::Site;
use super::super::{Caller, chance, wire};
use super::{Begun, Outcome, Step, StubKind, USUAL_DELAY_SECONDS, end_of, read, reason, unfit};

/// Longest that Lambda lets a function run.
const LONGEST_SECONDS: f64 = 900.0;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    function_name: String,
    #[serde(default)]
    qualifier: Option<String>,
    #[serde(default)]
    invocation_type: Option<String>,
}

/// A function as a call names it.
#[derive(Debug, PartialEq, Eq)]
struct Named<'a> {
    account_id: Option<&'a str>,
    region: Option<&'a str>,
    name: &'a str,
    qualifier: Option<&'a str>,
}

/// Answers `Invoke`.
pub(super) fn invoke(
    stage: &mut Stage<'_>,
    caller: &Caller,
    input: &Value,
) -> Result<Begun, ApiError> {
    let input: Input = read(input)?;
    let is_waited_for = match input.invocation_type.as_deref() {
        None | Some("RequestResponse") => true,
        Some("Event" | "DryRun") => false,
        Some(other) => {
            let constraint = "satisfy enum value set: [Event, RequestResponse, DryRun]";
            return Err(unfit(other, "invocationType", constraint));
        }
    };
    let named = Named::parse(&input.function_name)?;
    let here = (stage.site.account_id.as_str(), stage.site.region.as_str());
    let arn = named.check_place(here, caller, "lambda:InvokeFunction")?;
    let qualifier = named.qualifier.map(ToOwned::to_owned).or(input.qualifier);
    let missing = not_found(&arn, qualifier.as_deref());
    let why = "ReservedFunctionConcurrentInvocationLimitExceeded";
    let throttled = user_error("TooManyRequestsException", 429, "Rate Exceeded.".to_owned())
        .with("Reason", json!(why));
    let stubs = &mut stage.site.stubs;
    let step = stubs.answer(StubKind::Function, named.name, missing, throttled)?;
    let number = stage.site.stubs.next_number();
    let id = chance::uuid(stage.seed, &["invocation", &stage.site.key(), &number]);
    let status = match input.invocation_type.as_deref() {
        Some("Event") => 202,
        Some("DryRun") => 204,
        _ => 200,
    };
    let mut body = json!({"StatusCode": status});
    if is_waited_for {
        answer(&mut body, stage, &step, &id);
        body["ExecutedVersion"] = json!(executed(qualifier.as_deref()));
    }
    Ok(Begun { id, status, body })
}

/// Answers `GetFunctionConfiguration`. Every version and alias of a function that is there exists.
pub(in crate::sim::world) fn configuration(
    scene: &Scene<'_>,
    caller: &Caller,
    input: &Value,
) -> Result<Value, ApiError> {
    let input: Input = read(input)?;
    let named = Named::parse(&input.function_name)?;
    let here = (scene.account_id, scene.region);
    let arn = named.check_place(here, caller, "lambda:GetFunctionConfiguration")?;
    let qualifier = named.qualifier.map(ToOwned::to_owned).or(input.qualifier);
    let is_there = |site: &Site| site.stubs.has(StubKind::Function, named.name);
    if !scene.site.is_some_and(is_there) {
        return Err(not_found(&arn, qualifier.as_deref()));
    }
    Ok(json!({
        "FunctionName": named.name,
        "FunctionArn": arn,
        "Version": executed(qualifier.as_deref()),
        "State": "Active",
        "PackageType": "Zip",
        "Timeout": LONGEST_SECONDS as i64,
    }))
}

fn not_found(arn: &str, qualifier: Option<&str>) -> ApiError {
    let qualified =
        qualifier.map_or_else(|| arn.to_owned(), |qualifier| format!("{arn}:{qualifier}"));
    let message = format!("Function not found: {qualified}");
    user_error("ResourceNotFoundException", 404, message)
}

/// What a function that was waited for answers, and when.
fn answer(body: &mut Value, stage: &Stage<'_>, step: &Step, id: &str) {
    let seconds = step.delay_seconds.unwrap_or(USUAL_DELAY_SECONDS);
    let outcome = if seconds > LONGEST_SECONDS {
        Outcome::TimeOut
    } else {
        step.outcome
    };
    let kept = Step {
        delay_seconds: Some(seconds.min(LONGEST_SECONDS)),
        ..step.clone()
    };
    let ends_at = end_of(&kept, USUAL_DELAY_SECONDS, stage);
    body["EndsAt"] = json!(ends_at);
    body["Payload"] = match outcome {
        Outcome::Fail => json!({
            "errorMessage": reason(step, "the function failed, as its script says"),
            "errorType": "Error",
        }),
        Outcome::TimeOut => json!({
            "errorMessage": format!(
                "RequestId: {id} Error: Task timed out after {:.2} seconds",
                kept.delay_seconds.unwrap_or(seconds)
            ),
            "errorType": "Sandbox.Timedout",
        }),
        _ => step.output.clone().unwrap_or(Value::Null),
    };
    if matches!(outcome, Outcome::Fail | Outcome::TimeOut) {
        body["FunctionError"] = json!("Unhandled");
    }
}

/// The version that a qualifier stands for. An alias has no version of its own here.
fn executed(qualifier: Option<&str>) -> &str {
    qualifier
        .filter(|qualifier| qualifier.bytes().all(|byte| byte.is_ascii_digit()))
        .unwrap_or("$LATEST")
}

impl<'a> Named<'a> {
    fn parse(text: &'a str) -> Result<Self, ApiError> {
        Self::read(text).ok_or_else(|| {
            let pattern = "satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)\
                           ?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?";
            unfit(text, "functionName", pattern)
        })
    }

    fn read(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (account_id, region, rest) = match parts[..] {
            [
                "arn",
                partition,
                "lambda",
                region,
                account_id,
                "function",
                ref rest @ ..,
            ] if partition.starts_with("aws") => (Some(account_id), Some(region), rest),
            [account_id, "function", ref rest @ ..] if is_account(account_id) => {
                (Some(account_id), None, rest)
            }
            ["function", ref rest @ ..] => (None, None, rest),
            ref rest => (None, None, rest),
        };
        let (name, qualifier) = match *rest {
            [name] => (name, None),
            [name, qualifier] => (name, Some(qualifier)),
            _ => return None,
        };
        let fits = is_word(name) && qualifier.is_none_or(|text| text == "$LATEST" || is_word(text));
        fits.then_some(Self {
            account_id,
            region,
            name,
            qualifier,
        })
    }

    /// Refuses a function of another Region or account. The function's ARN without a qualifier.
    fn check_place(
        &self,
        (own, here): (&str, &str),
        caller: &Caller,
        action: &str,
    ) -> Result<String, ApiError> {
        let region = self.region.unwrap_or(here);
        let account_id = self.account_id.unwrap_or(own);
        let partition = wire::partition(region);
        let name = self.name;
        let arn = format!("arn:{partition}:lambda:{region}:{account_id}:function:{name}");
        if region != here {
            let message =
                format!("Functions from '{region}' are not reachable in this region ('{here}')");
            return Err(user_error("ResourceNotFoundException", 404, message));
        }
        if account_id != own {
            let message = format!(
                "User: {} is not authorized to perform: {action} on resource: {arn} because no resource-based policy \
                 allows the {action} action",
                caller.arn
            );
            return Err(ApiError::new("AccessDeniedException", 403, message));
        }
        Ok(arn)
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_word(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(is_plain)
}

fn user_error(code: &str, status: u16, message: String) -> ApiError {
    ApiError::new(code, status, message).with("Type", json!("User"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_in_all_the_ways_that_lambda_knows() {
        let account = "111122223333";
        let named = |account_id, region, qualifier| Named {
            account_id,
            region,
            name: "check",
            qualifier,
        };
        for (text, expected) in [
            ("check", named(None, None, None)),
            ("check:live", named(None, None, Some("live"))),
            ("check:$LATEST", named(None, None, Some("$LATEST"))),
            ("function:check", named(None, None, None)),
            (
                "111122223333:function:check",
                named(Some(account), None, None),
            ),
            (
                "arn:aws:lambda:us-east-1:111122223333:function:check",
                named(Some(account), Some("us-east-1"), None),
            ),
            (
                "arn:aws:lambda:us-east-1:111122223333:function:check:7",
                named(Some(account), Some("us-east-1"), Some("7")),
            ),
        ] {
            assert_eq!(Named::read(text), Some(expected), "{text}");
        }
        for bad in [
            "",
            "a b",
            "check:",
            "a:b:c",
            "arn:aws:sns:us-east-1:1:topic",
            "é",
        ] {
            assert_eq!(Named::read(bad), None, "{bad}");
        }
    }
}
