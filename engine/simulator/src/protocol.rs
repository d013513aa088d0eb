//! How each service words a refusal: the same condition has another code, status and shape in each protocol.

use drs_engine::sim::world::ApiError;
use serde_json::{Value, json};

use crate::auth::Refusal;
use crate::http::Answer;
use crate::xml;

/// The wire protocols of the services served here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// DRS: the error's code is in a header.
    RestJson,
    /// DynamoDB and Step Functions.
    Json10,
    /// Service Quotas.
    Json11,
    /// STS.
    Query,
    /// Lambda: REST-JSON as DRS has it, with other codes.
    Lambda,
    /// Systems Manager: JSON 1.1, with other codes.
    Ssm,
    /// SNS: the query protocol, with other codes.
    Sns,
    /// EC2.
    Ec2,
}

impl Protocol {
    /// The protocol of a service by the name that requests are signed for; that of DRS for any other.
    pub(crate) fn of(service: &str) -> Self {
        match service {
            "dynamodb" | "states" => Self::Json10,
            "servicequotas" => Self::Json11,
            "sts" => Self::Query,
            "ec2" => Self::Ec2,
            "lambda" => Self::Lambda,
            "ssm" => Self::Ssm,
            "sns" => Self::Sns,
            _ => Self::RestJson,
        }
    }

    /// The content type of its answers.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::RestJson | Self::Lambda => "application/json",
            Self::Json10 => "application/x-amz-json-1.0",
            Self::Json11 | Self::Ssm => "application/x-amz-json-1.1",
            Self::Query | Self::Sns | Self::Ec2 => "text/xml;charset=UTF-8",
        }
    }

    /// A successful answer in JSON.
    pub(crate) fn json(self, status: u16, body: &Value) -> Answer {
        Answer::new(status, self.content_type(), body.to_string())
    }

    /// An error.
    pub(crate) fn error(self, error: &ApiError, request_id: &str) -> Answer {
        let body = match self {
            Self::RestJson => rest_json_body(error).to_string(),
            Self::Lambda => {
                let mut body = json!({"message": error.message});
                merge(&mut body, error);
                body.to_string()
            }
            Self::Json10 | Self::Json11 | Self::Ssm => {
                let mut body = json!({"__type": error.code, "message": error.message});
                merge(&mut body, error);
                body.to_string()
            }
            Self::Query => xml::query_error(&error.code, &error.message, error.status, request_id),
            Self::Sns => xml::sns_error(&error.code, &error.message, error.status, request_id),
            Self::Ec2 => xml::ec2_error(&error.code, &error.message, request_id),
        };
        let answer = Answer::new(error.status, self.content_type(), body)
            .with("x-amzn-errortype", error.code.clone());
        match error.retry_after_seconds {
            Some(seconds) => answer.with("retry-after", seconds.to_string()),
            None => answer,
        }
    }

    /// The error for a call that is not let in.
    pub(crate) fn refusal(self, refusal: &Refusal) -> ApiError {
        let is_rest = matches!(self, Self::RestJson | Self::Lambda);
        let json_status = if is_rest { 403 } else { 400 };
        let (json_code, query_code, ec2, message) = match refusal {
            Refusal::Missing => (
                "MissingAuthenticationTokenException",
                "MissingAuthenticationToken",
                ("MissingAuthenticationToken", 403),
                "Missing Authentication Token",
            ),
            Refusal::Incomplete(message) => (
                "IncompleteSignatureException",
                "IncompleteSignature",
                ("AuthFailure", 401),
                *message,
            ),
            Refusal::UnknownToken => (
                "UnrecognizedClientException",
                "InvalidClientTokenId",
                ("AuthFailure", 401),
                "The security token included in the request is invalid.",
            ),
            Refusal::ExpiredToken => (
                "ExpiredTokenException",
                "ExpiredToken",
                ("RequestExpired", 400),
                "The security token included in the request is expired",
            ),
            Refusal::SignatureAge(message) => (
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                ("RequestExpired", 400),
                message.as_str(),
            ),
        };
        match self {
            Self::RestJson | Self::Lambda | Self::Json10 | Self::Json11 | Self::Ssm => {
                ApiError::new(json_code, json_status, message)
            }
            Self::Query | Self::Sns => ApiError::new(query_code, 403, message),
            Self::Ec2 => ApiError::new(ec2.0, ec2.1, message),
        }
    }

    /// The error for a denied call: nobody allows it, or a policy denies it.
    pub(crate) fn denied(
        self,
        arn: &str,
        action: &str,
        resource: &str,
        is_explicit: bool,
    ) -> ApiError {
        let why = if is_explicit {
            "with an explicit deny in an identity-based policy".to_owned()
        } else {
            format!("because no identity-based policy allows the {action} action")
        };
        let message = format!(
            "User: {arn} is not authorized to perform: {action} on resource: {resource} {why}"
        );
        match self {
            Self::RestJson | Self::Lambda => ApiError::new("AccessDeniedException", 403, message),
            Self::Json10 | Self::Json11 | Self::Ssm => {
                ApiError::new("AccessDeniedException", 400, message)
            }
            Self::Sns => ApiError::new("AuthorizationError", 403, message),
            Self::Query => ApiError::new("AccessDenied", 403, message),
            Self::Ec2 => ApiError::new("UnauthorizedOperation", 403, message),
        }
    }

    /// The error for too many requests.
    pub(crate) fn throttled(self, retry_after_seconds: Option<u32>) -> ApiError {
        let error = match self {
            Self::RestJson => ApiError::throttled(None),
            Self::Lambda => ApiError::new("TooManyRequestsException", 429, "Rate Exceeded.")
                .with("Type", json!("User"))
                .with("Reason", json!("CallerRateLimitExceeded")),
            Self::Json10 | Self::Ssm => ApiError::new("ThrottlingException", 400, "Rate exceeded"),
            Self::Json11 => ApiError::new("TooManyRequestsException", 400, "Rate exceeded"),
            Self::Query | Self::Sns => ApiError::new("Throttling", 400, "Rate exceeded"),
            Self::Ec2 => ApiError::new("RequestLimitExceeded", 503, "Request limit exceeded."),
        };
        ApiError {
            retry_after_seconds,
            ..error
        }
    }

    /// The error for a fault of the service.
    pub(crate) fn internal(self, message: &str) -> ApiError {
        match self {
            Self::RestJson => ApiError::new("InternalServerException", 500, message),
            Self::Json10 | Self::Ssm => ApiError::new("InternalServerError", 500, message),
            Self::Json11 | Self::Lambda => ApiError::new("ServiceException", 500, message),
            Self::Sns => ApiError::new("InternalError", 500, message),
            Self::Query => ApiError::new("InternalFailure", 500, message),
            Self::Ec2 => ApiError::new("InternalError", 500, message),
        }
    }

    /// The error for an operation that is not served.
    pub(crate) fn unknown_operation(self, name: &str) -> ApiError {
        let message = format!("The simulator does not serve the operation {name}");
        match self {
            Self::RestJson | Self::Lambda => {
                ApiError::new("UnknownOperationException", 404, message)
            }
            Self::Json10 | Self::Json11 | Self::Ssm => {
                ApiError::new("UnknownOperationException", 400, message)
            }
            Self::Query | Self::Sns | Self::Ec2 => ApiError::new("InvalidAction", 400, message),
        }
    }
}

/// DRS repeats the code in the body of the errors whose model has such a member.
fn rest_json_body(error: &ApiError) -> Value {
    let mut body = json!({"message": error.message});
    let coded = !matches!(
        error.code.as_str(),
        "InternalServerException" | "ThrottlingException" | "UnknownOperationException"
    );
    if coded {
        body["code"] = json!(error.code);
    }
    merge(&mut body, error);
    body
}

fn merge(body: &mut Value, error: &ApiError) {
    for (name, value) in &error.members {
        body[name] = value.clone();
    }
}
