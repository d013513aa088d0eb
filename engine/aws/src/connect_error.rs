//! Why no session could be had, for the person who must do something about it.

use std::error::Error;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio_rustls::rustls::Error as TlsError;

use crate::classify::{self, EXPIRED};
use crate::http::{Network, NetworkError};
use crate::settings::Settings;

/// Why no session could be had. Its text says what happened, and what to do next.
#[derive(Debug)]
pub struct ConnectError {
    kind: ConnectErrorKind,
    text: String,
}

/// What kept the session from being had; the predicates of [`ConnectError`] tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectErrorKind {
    Settings,
    Region,
    Profile,
    MissingCredentials,
    ExpiredCredentials,
    RefusedCredentials,
    AssumeRole,
    Account,
    Unreachable,
    Other,
}

impl ConnectError {
    /// Whether a setting makes no sense: a proxy, a bundle of authorities, the name of the environment.
    pub fn is_settings(&self) -> bool {
        self.kind == ConnectErrorKind::Settings
    }

    /// Whether no Region was named.
    pub fn is_missing_region(&self) -> bool {
        self.kind == ConnectErrorKind::Region
    }

    /// Whether the profile does not exist, or holds no credentials.
    pub fn is_profile(&self) -> bool {
        self.kind == ConnectErrorKind::Profile
    }

    /// Whether there were no credentials.
    pub fn is_missing_credentials(&self) -> bool {
        self.kind == ConnectErrorKind::MissingCredentials
    }

    /// Whether the credentials have expired.
    pub fn is_expired_credentials(&self) -> bool {
        self.kind == ConnectErrorKind::ExpiredCredentials
    }

    /// Whether AWS does not know the credentials, or they are wrong.
    pub fn is_refused_credentials(&self) -> bool {
        self.kind == ConnectErrorKind::RefusedCredentials
    }

    /// Whether the role could not be assumed.
    pub fn is_assume_role(&self) -> bool {
        self.kind == ConnectErrorKind::AssumeRole
    }

    /// Whether the credentials belong to an account that is not allowed.
    pub fn is_account(&self) -> bool {
        self.kind == ConnectErrorKind::Account
    }

    /// Whether AWS, or a proxy on the way, could not be reached.
    pub fn is_unreachable(&self) -> bool {
        self.kind == ConnectErrorKind::Unreachable
    }

    pub(crate) fn new(kind: ConnectErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }

    pub(crate) fn missing_region() -> Self {
        Self::new(
            ConnectErrorKind::Region,
            "No AWS Region is configured. Set region (DRS_REGION or AWS_REGION does the same), or a region in the \
             profile of the shared AWS configuration.",
        )
    }

    pub(crate) fn account(account: &str, arn: &str, allowed: &[String]) -> Self {
        let allowed = allowed.join(", ");
        Self::new(
            ConnectErrorKind::Account,
            format!(
                "The credentials belong to account {account} ({arn}), which allowed_account_ids does not list \
                 ({allowed}). Nothing was read or changed. Use credentials of an account that is listed, or list this \
                 one."
            ),
        )
    }

    pub(crate) fn no_credentials_in_profile(profile: &str, problem: &str) -> Self {
        Self::new(
            ConnectErrorKind::Profile,
            format!(
                "The profile {profile:?} gives no credentials: {problem}. Look at it with \
                 `aws configure list --profile {profile}`, or name another profile. A profile that is named is used \
                 alone: credentials in environment variables are then not looked at."
            ),
        )
    }

    pub(crate) fn missing_profile(profile: &str) -> Self {
        Self::new(
            ConnectErrorKind::Profile,
            format!(
                "There is no profile {profile:?} in the shared AWS configuration (AWS_CONFIG_FILE and \
                 AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/config and ~/.aws/credentials). Name one of `aws configure \
                 list-profiles`, or unset profile and AWS_PROFILE."
            ),
        )
    }
}

/// What is known of the connection that failed.
pub(crate) struct Attempt<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) network: &'a Network,
    /// The STS endpoint that was called.
    pub(crate) endpoint: &'a str,
}

impl Attempt<'_> {
    /// Says why the identity could not be had.
    pub(crate) fn failed<E>(&self, error: &SdkError<E, HttpResponse>) -> ConnectError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let causes = classify::causes(error);
        if let Some(role) = classify::find::<SdkError<AssumeRoleError, HttpResponse>>(error)
            .filter(|role| role.as_service_error().is_some())
        {
            return self.assume_role(role);
        }
        if classify::never_sent(error) {
            return self.unreachable(error, &causes);
        }
        if let Some(credentials) = classify::find::<CredentialsError>(error) {
            return self.credentials(credentials, &causes);
        }
        match error.as_service_error() {
            Some(answer) => self.answered(answer),
            None => self.unreachable(error, &causes),
        }
    }

    fn answered(&self, answer: &impl ProvideErrorMetadata) -> ConnectError {
        let code = answer.code().unwrap_or("an unknown code");
        let message = answer.message().unwrap_or("no message");
        if EXPIRED.contains(&code) {
            return expired(&format!("AWS says {code}: {message}"));
        }
        match code {
            "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "AuthFailure"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException"
            | "IncompleteSignature" => ConnectError::new(
                ConnectErrorKind::RefusedCredentials,
                format!(
                    "AWS refused the credentials ({code}: {message}). The access key does not exist (any more), the \
                         secret key does not belong to it, or the clock of this machine is wrong. Try `aws sts \
                         get-caller-identity` with the same credentials."
                ),
            ),
            "AccessDenied" | "AccessDeniedException" => ConnectError::new(
                ConnectErrorKind::RefusedCredentials,
                format!(
                    "sts:GetCallerIdentity at {} was denied ({code}: {message}). The call needs no permission of its own, so \
                     a policy on the way denies it: allow it in the policy of the VPC endpoint, or in the service control \
                     policy. `aws sts get-caller-identity` with the same credentials shows the same.",
                    self.endpoint
                ),
            ),
            _ => ConnectError::new(
                ConnectErrorKind::Other,
                format!(
                    "AWS did not say whose credentials these are: sts:GetCallerIdentity at {} answered {code}: \
                     {message}.",
                    self.endpoint
                ),
            ),
        }
    }

    fn assume_role(&self, error: &SdkError<AssumeRoleError, HttpResponse>) -> ConnectError {
        let answer = error.as_service_error();
        let code = answer
            .and_then(ProvideErrorMetadata::code)
            .unwrap_or("an unknown code");
        let message = answer
            .and_then(ProvideErrorMetadata::message)
            .unwrap_or("no message");
        if EXPIRED.contains(&code) {
            return expired(&format!("AWS says {code}: {message}"));
        }
        let role = match &self.settings.assume_role {
            Some(role) => format!("The role {} could not be assumed", role.role_arn),
            None => "The role of the profile could not be assumed".to_owned(),
        };
        let external_id = match &self.settings.assume_role {
            Some(role) if role.external_id.is_none() => {
                " If the trust policy asks for an sts:ExternalId, set assume_role.external_id: none was sent."
            }
            Some(_) => {
                " The trust policy may ask for another sts:ExternalId than the one that was sent."
            }
            None => {
                " If the trust policy asks for an sts:ExternalId, set external_id in the profile."
            }
        };
        ConnectError::new(
            ConnectErrorKind::AssumeRole,
            format!(
                "{role}: {code}: {message}. Its trust policy must name the caller, and the caller needs sts:AssumeRole \
                 on it.{external_id}"
            ),
        )
    }

    fn credentials(&self, error: &CredentialsError, causes: &str) -> ConnectError {
        let lower = causes.to_ascii_lowercase();
        // The portal of IAM Identity Center says of an old token that it does not know it.
        if lower.contains("expired") || lower.contains("session token not found or invalid") {
            return expired(&format!("The credentials could not be renewed: {causes}"));
        }
        match (error, &self.settings.profile) {
            (CredentialsError::CredentialsNotLoaded(_), Some(profile)) => {
                ConnectError::no_credentials_in_profile(profile, causes)
            }
            (CredentialsError::CredentialsNotLoaded(_), None) => ConnectError::new(
                ConnectErrorKind::MissingCredentials,
                format!(
                    "There are no AWS credentials. Tried, in this order: the variables AWS_ACCESS_KEY_ID and \
                     AWS_SECRET_ACCESS_KEY; the profile{} of the shared AWS configuration; a web identity token \
                     (AWS_WEB_IDENTITY_TOKEN_FILE); the container's and the instance's metadata. Sign in, e.g. with \
                     `aws sso login`, or set profile. ({causes})",
                    std::env::var("AWS_PROFILE")
                        .map_or_else(|_| " default".to_owned(), |profile| format!(" {profile:?}"))
                ),
            ),
            (CredentialsError::InvalidConfiguration(_), Some(profile)) => {
                ConnectError::no_credentials_in_profile(profile, causes)
            }
            _ => ConnectError::new(
                ConnectErrorKind::MissingCredentials,
                format!(
                    "The AWS credentials could not be obtained: {causes}. If they come from AWS IAM Identity Center, \
                     sign in with `aws sso login`; if a process or a metadata service gives them, look there."
                ),
            ),
        }
    }

    fn unreachable(&self, error: &(dyn Error + 'static), causes: &str) -> ConnectError {
        let endpoint = self.endpoint;
        let way = self
            .network
            .way_to(endpoint)
            .map_or_else(String::new, |way| format!(" {way}"));
        let advice = if classify::find::<TlsError>(error).is_some() {
            match self.network.ca_bundle() {
                Some(path) => format!(
                    "The other side's certificate is not issued by an authority in {}: if a proxy opens TLS on the \
                     way, its authority must be in that file.",
                    path.display()
                ),
                None => "The other side's certificate is not trusted: if a proxy opens TLS on the way, name a file \
                         with its authority in custom_ca_bundle or AWS_CA_BUNDLE."
                    .to_owned(),
            }
        } else if way.is_empty() {
            "Check the network and the name of the Region. If a proxy leads out, set HTTPS_PROXY or http_proxy; if \
             endpoints or AWS_ENDPOINT_URL name this endpoint, check them."
                .to_owned()
        } else {
            "Check that the proxy runs and lets this host through, and its user and password."
                .to_owned()
        };
        ConnectError::new(
            ConnectErrorKind::Unreachable,
            format!("AWS STS cannot be reached at {endpoint}{way}: {causes}. {advice}"),
        )
    }
}

fn expired(what: &str) -> ConnectError {
    ConnectError::new(
        ConnectErrorKind::ExpiredCredentials,
        format!(
            "The AWS credentials have expired. {what}. Renew them, e.g. with `aws sso login`, and run the same command \
             again: nothing was changed."
        ),
    )
}

impl From<NetworkError> for ConnectError {
    fn from(error: NetworkError) -> Self {
        Self::new(ConnectErrorKind::Settings, error.to_string())
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for ConnectError {}
