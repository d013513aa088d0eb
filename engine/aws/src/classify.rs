//! What is known after a failed call: refused, busy, or unknown.
//!
//! | what happened | a call that changes the world | a call that only looks | a call to the store |
//! |---|---|---|---|
//! | throttled: 429, or a throttling code | busy | busy | busy |
//! | `ConflictException` 409, `ServiceQuotaExceededException` 402 | busy | busy | busy |
//! | the session's token has expired | busy: a launch must not fail for it | busy | refused |
//! | the signature is too old, or this machine's clock is wrong | busy | busy | busy |
//! | other 4xx with an error code of AWS | refused | refused | refused |
//! | 4xx without one: from a proxy, perhaps on the way back | **unknown** | busy | unknown, reads busy |
//! | 5xx, 408 | **unknown** | busy | unknown, reads busy |
//! | an answer that makes no sense, or breaks off | **unknown** | busy | unknown, reads busy |
//! | no answer: timeout, connection lost | **unknown** | busy | unknown, reads busy |
//! | no connection: refused, DNS, TLS, proxy's tunnel | busy: not one byte of the call was sent | busy | busy |
//! | no credentials could be obtained | busy: nothing was sent | busy | refused |
//! | the request could not be built | refused | refused | refused |
//!
//! Codes are read from the answer, not from the SDK's variants: DRS sends codes that its model does not list for an
//! operation, e.g. `AccessDeniedException` for StartRecovery. A call counts as not sent only when the HTTP client says
//! that it failed while connecting.

use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use drs_engine::ports::{CallError, Kind};
use hyper_util::client::legacy::Error as HyperError;
use jiff::SignedDuration;

/// Our word for a connection that could not be made.
pub const UNREACHABLE: &str = "Unreachable";
/// Our word for a connection that ended before an answer.
pub const CONNECTION_LOST: &str = "ConnectionLost";
/// Our word for no answer in time.
pub const TIMEOUT: &str = "Timeout";
/// Our word for an answer that makes no sense.
pub const UNREADABLE_ANSWER: &str = "UnreadableAnswer";
/// Our word for credentials that could not be obtained.
pub const NO_CREDENTIALS: &str = "NoCredentials";
/// Our word for a request that could not be built.
pub const INVALID_REQUEST: &str = "InvalidRequest";

/// A call, for classification.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// Its name, e.g. `drs:StartRecovery`.
    pub(crate) name: &'static str,
    /// Whether it changes something.
    pub(crate) changes: bool,
    /// Whether it goes to the store.
    pub(crate) stores: bool,
}

impl Call {
    /// A call that only looks.
    pub(crate) const fn reads(name: &'static str) -> Self {
        Self {
            name,
            changes: false,
            stores: false,
        }
    }

    /// A call that changes the world.
    pub(crate) const fn changes(name: &'static str) -> Self {
        Self {
            name,
            changes: true,
            stores: false,
        }
    }

    /// The same call, to the store.
    pub(crate) const fn of_store(self) -> Self {
        Self {
            stores: true,
            ..self
        }
    }

    /// What is known when the call may or may not have been carried out.
    fn in_doubt(self) -> Kind {
        if self.changes {
            Kind::Unknown
        } else {
            Kind::Busy
        }
    }

    /// What follows from credentials that ran out. A wave must not fail for them; the store's caller must be told.
    fn unauthenticated(self) -> Kind {
        if self.stores {
            Kind::Refused
        } else {
            Kind::Busy
        }
    }

    /// An error of our own about this call.
    pub(crate) fn error(self, kind: Kind, code: &str, message: impl Into<String>) -> CallError {
        CallError {
            kind,
            call: self.name,
            code: code.to_owned(),
            message: message.into(),
            retry_after: None,
        }
    }

    /// Classifies what the SDK reports.
    pub(crate) fn failed<E>(self, error: &SdkError<E, HttpResponse>) -> CallError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        if find::<CredentialsError>(error).is_some() {
            return self.error(self.unauthenticated(), NO_CREDENTIALS, causes(error));
        }
        match error {
            SdkError::ConstructionFailure(_) => {
                self.error(Kind::Refused, INVALID_REQUEST, causes(error))
            }
            SdkError::TimeoutError(_) => self.error(self.in_doubt(), TIMEOUT, causes(error)),
            SdkError::DispatchFailure(failure) => {
                let (kind, code) = if never_sent(error) {
                    (Kind::Busy, UNREACHABLE)
                } else if failure.is_timeout() {
                    (self.in_doubt(), TIMEOUT)
                } else {
                    (self.in_doubt(), CONNECTION_LOST)
                };
                self.error(kind, code, causes(error))
            }
            SdkError::ServiceError(answer) => self.answered(answer.err(), answer.raw()),
            _ => {
                let mut failed = self.error(self.in_doubt(), UNREADABLE_ANSWER, causes(error));
                if let Some(answer) = error.raw_response() {
                    failed.message = format!("HTTP {}: {}", answer.status(), failed.message);
                    failed.retry_after = retry_after(answer);
                }
                failed
            }
        }
    }

    /// Classifies an answer that says no.
    fn answered(self, error: &impl ProvideErrorMetadata, answer: &HttpResponse) -> CallError {
        let status = answer.status().as_u16();
        let code = error.code().filter(|code| !code.is_empty());
        let message = error.message().unwrap_or("AWS sent no message");
        let kind = self.kind_of(status, code, message);
        let mut failed = match code {
            Some(code) => self.error(kind, code, message),
            None => self.error(
                kind,
                &format!("HTTP {status}"),
                "the answer has no error code of AWS; it may come from something on the way",
            ),
        };
        if code.is_some_and(|code| is_stale_signature(code, message)) {
            failed.message = format!(
                "{message} (the request was too long on its way, or the clock of this machine is wrong)"
            );
        }
        failed.retry_after = retry_after(answer);
        failed
    }

    fn kind_of(self, status: u16, code: Option<&str>, message: &str) -> Kind {
        match code {
            Some(code) if THROTTLES.contains(&code) => Kind::Busy,
            Some("ConflictException" | "ServiceQuotaExceededException") => Kind::Busy,
            Some(code) if EXPIRED.contains(&code) => self.unauthenticated(),
            Some(code) if is_stale_signature(code, message) => Kind::Busy,
            _ if status == 429 => Kind::Busy,
            Some(_) if (400..500).contains(&status) && status != 408 => Kind::Refused,
            _ => self.in_doubt(),
        }
    }
}

/// Codes that ask for patience.
const THROTTLES: [&str; 11] = [
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "BandwidthLimitExceeded",
    "SlowDown",
    "EC2ThrottledException",
];

/// Codes of a session that has ended.
pub(crate) const EXPIRED: [&str; 3] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "TokenRefreshRequired",
];

/// Whether AWS refused a request for its time. The same code also stands for a wrong key, so the message decides.
fn is_stale_signature(code: &str, message: &str) -> bool {
    match code {
        "RequestTimeTooSkewed" | "RequestExpired" => true,
        "InvalidSignatureException" | "SignatureDoesNotMatch" => {
            let message = message.to_ascii_lowercase();
            message.contains("expired") || message.contains("not yet current")
        }
        _ => false,
    }
}

/// Whether not one byte of the request left this machine: the connection was never made.
pub(crate) fn never_sent(error: &(dyn Error + 'static)) -> bool {
    find::<HyperError>(error).is_some_and(HyperError::is_connect)
}

/// The wait that an answer asks for: seconds, or a date.
fn retry_after(answer: &HttpResponse) -> Option<SignedDuration> {
    let text = answer.headers().get("retry-after")?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(SignedDuration::from_secs(i64::from(seconds)));
    }
    let at = DateTime::from_str(text, Format::HttpDate).ok()?;
    let wait = SystemTime::try_from(at)
        .ok()?
        .duration_since(SystemTime::now())
        .unwrap_or(Duration::ZERO);
    SignedDuration::try_from(wait).ok()
}

/// The first error of a type among an error and its causes.
pub(crate) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|error| error.downcast_ref::<T>())
}

/// An error and its causes. The cause inside an I/O error is visited, too, which `source` skips.
pub(crate) fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<std::io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
    .take(CHAIN)
}

/// Causes of one error.
const CHAIN: usize = 32;

/// What an error says with all its causes, each once. The SDK's own words for the outermost error say nothing.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for error in chain(error).skip(1) {
        let text = error.to_string();
        let is_said = texts.iter().any(|said| said.contains(&text));
        if !is_said && !text.is_empty() && !HOLLOW.contains(&text.as_str()) {
            texts.push(text);
        }
    }
    if texts.is_empty() {
        error.to_string()
    } else {
        texts.join(": ")
    }
}

/// Words of the SDK that a person learns nothing from.
const HOLLOW: [&str; 5] = [
    "io error",
    "dispatch failure",
    "service error",
    "unhandled error",
    "other",
];
