//! The one way into another account: the role that its target names.
//!
//! A session of the role is shared by every client of the account and renewed before it ends. Whose it is, STS is asked
//! once for each role. Everything that fails here failed before a request was made for the account; so it is *busy* for
//! the caller, who may try again when somebody has repaired it, and *refused* only where a person must configure
//! something first.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::error::SdkError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use drs_engine::ports::{CallError, Kind, ROLE_NOT_ASSUMABLE, TARGET_NOT_CONFIGURED};
use drs_engine::store::codec::ReadError;
use drs_engine::store::target::{TargetAccount, TargetConfig};
use drs_engine::store::targets::Targets;
use tokio::sync::Mutex;

use crate::classify::Call;
use crate::credentials::SESSION_NAME;
use crate::items::DynamoItems;
use crate::limits;
use crate::session::Identity;

const ASSUME: Call = Call::reads("sts:AssumeRole");
const IDENTIFY: Call = Call::reads("sts:GetCallerIdentity");
const READ_TARGET: Call = Call::reads("dynamodb:BatchGetItem");

/// The way into one account.
pub(crate) struct Spoke {
    account_id: String,
    hub: Identity,
    /// With the hub's credentials, which sign AssumeRole and nothing else of this account.
    sts: SdkConfig,
    targets: Targets<DynamoItems>,
    state: Mutex<State>,
}

/// Held while STS is asked, so that any number of calls at once assume the role once.
#[derive(Default)]
struct State {
    /// The account's target, and until when it counts as read.
    target: Option<(Instant, TargetAccount)>,
    session: Option<Assumption>,
}

/// A session of the role.
struct Assumption {
    /// What it was assumed with: with another configuration, another session is needed.
    config: TargetConfig,
    credentials: Credentials,
    renew_at: SystemTime,
    ends_at: SystemTime,
}

/// Gives the credentials of the role to clients of the account.
#[derive(Clone)]
pub(crate) struct Assumed(pub(crate) Arc<Spoke>);

impl Spoke {
    pub(crate) fn new(
        account_id: &str,
        hub: &Identity,
        sts: SdkConfig,
        targets: Targets<DynamoItems>,
    ) -> Self {
        Self {
            account_id: account_id.to_owned(),
            hub: hub.clone(),
            sts,
            targets,
            state: Mutex::default(),
        }
    }

    /// Checks that the account may be worked in, in this Region, and has credentials at hand.
    pub(crate) async fn prepare(&self, call: Call, region: &str) -> Result<(), CallError> {
        let mut state = self.state.lock().await;
        let target = self.target(&mut state, call).await?;
        if !target.config.regions.contains(region) {
            return Err(self.region_not_listed(call, &target, region));
        }
        self.renewed(&mut state, &target).await.map(drop)
    }

    /// The target of the account, and a session of its role.
    pub(super) async fn enter(&self, call: Call) -> Result<TargetAccount, CallError> {
        let mut state = self.state.lock().await;
        let target = self.target(&mut state, call).await?;
        self.renewed(&mut state, &target).await?;
        Ok(target)
    }

    async fn credentials(&self) -> Result<Credentials, CallError> {
        let mut state = self.state.lock().await;
        let target = self.target(&mut state, ASSUME).await?;
        self.renewed(&mut state, &target).await
    }

    /// The target as it was read a moment ago, or is read now. Where the store cannot be read, the last one counts on: a
    /// recovery does not end because its store is slow.
    async fn target(&self, state: &mut State, call: Call) -> Result<TargetAccount, CallError> {
        if let Some((until, target)) = &state.target
            && Instant::now() < *until
        {
            return Ok(target.clone());
        }
        match self.targets.find(&self.account_id).await {
            Ok(Some(target)) => {
                self.check(call, &target)?;
                let until = Instant::now() + limits::TARGET_MAX_AGE;
                state.target = Some((until, target.clone()));
                Ok(target)
            }
            Ok(None) => {
                *state = State::default();
                Err(self.not_configured(call))
            }
            Err(ReadError::Call(error)) => match &state.target {
                Some((_, target)) => {
                    tracing::warn!(
                        "the target of {} is used as last read: {error}",
                        self.account_id
                    );
                    Ok(target.clone())
                }
                // Whatever kept the store from being read, nothing is known about the account, and nothing was sent.
                None => Err(CallError {
                    kind: Kind::Busy,
                    message: format!(
                        "the target of account {} cannot be read, so nothing was sent there: {}",
                        self.account_id, error.message
                    ),
                    ..error
                }),
            },
            Err(error) => {
                Err(READ_TARGET.error(Kind::Refused, TARGET_NOT_CONFIGURED, error.to_string()))
            }
        }
    }

    /// What is checked when a target is written counts when it is used, too: above all whose role it is.
    fn check(&self, call: Call, target: &TargetAccount) -> Result<(), CallError> {
        let problems = target.config.problems(&self.account_id);
        if problems.is_empty() {
            return Ok(());
        }
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let account = &self.account_id;
        let message = format!(
            "the target of account {account} makes no sense ({}), so nothing was sent there; look at it with `drsctl \
             target show {account}`, and change it with its drs_target_account, or with `drsctl target add {account} \
             --replace --regions REGION --role-arn ARN`",
            texts.join("; ")
        );
        Err(call.error(Kind::Refused, TARGET_NOT_CONFIGURED, message))
    }

    /// A session that lasts: the one that is there, or a new one. One that has not ended is used on when it cannot be
    /// renewed now.
    async fn renewed(
        &self,
        state: &mut State,
        target: &TargetAccount,
    ) -> Result<Credentials, CallError> {
        let now = SystemTime::now();
        let session = state.session.take();
        let session = session.filter(|held| held.config == target.config && now < held.ends_at);
        let is_known = session.is_some();
        match session {
            Some(held) if now < held.renew_at => {
                let credentials = held.credentials.clone();
                state.session = Some(held);
                Ok(credentials)
            }
            session => match self.assume(target, is_known).await {
                Ok(fresh) => {
                    let credentials = fresh.credentials.clone();
                    state.session = Some(fresh);
                    Ok(credentials)
                }
                Err(error) => {
                    let Some(mut held) = session else {
                        return Err(error);
                    };
                    tracing::warn!("a session that ends soon is used on: {error}");
                    held.renew_at = now + limits::RENEWAL_RETRY;
                    let credentials = held.credentials.clone();
                    state.session = Some(held);
                    Ok(credentials)
                }
            },
        }
    }

    async fn assume(
        &self,
        target: &TargetAccount,
        is_known: bool,
    ) -> Result<Assumption, CallError> {
        let config = &target.config;
        let seconds = config
            .session_duration_seconds
            .and_then(|seconds| i32::try_from(seconds).ok());
        let answer = aws_sdk_sts::Client::new(&self.sts)
            .assume_role()
            .role_arn(&config.role_arn)
            .role_session_name(config.session_name.as_deref().unwrap_or(SESSION_NAME))
            .external_id(target.external_id.as_str())
            .set_duration_seconds(seconds)
            .send()
            .await
            .map_err(|error| self.not_assumed(target, &error))?;
        let granted = answer
            .credentials
            .ok_or_else(|| ASSUME.error(Kind::Busy, ROLE_NOT_ASSUMABLE, "STS gave no session"))?;
        let now = SystemTime::now();
        let ends_at = SystemTime::try_from(granted.expiration).unwrap_or(now);
        let lasts = ends_at.duration_since(now).unwrap_or(Duration::ZERO);
        let credentials = Credentials::new(
            granted.access_key_id,
            granted.secret_access_key,
            Some(granted.session_token),
            Some(ends_at),
            "target role",
        );
        if !is_known {
            self.identify(target, &credentials).await?;
        }
        Ok(Assumption {
            config: config.clone(),
            credentials,
            renew_at: ends_at - limits::RENEWAL_MARGIN.min(lasts / 4),
            ends_at,
        })
    }

    /// Asks STS whose the session is. A session of another account would act on the wrong servers.
    async fn identify(
        &self,
        target: &TargetAccount,
        credentials: &Credentials,
    ) -> Result<(), CallError> {
        let sts = self
            .sts
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(credentials.clone()))
            .build();
        let answer = aws_sdk_sts::Client::new(&sts)
            .get_caller_identity()
            .send()
            .await
            .map_err(|error| CallError {
                kind: Kind::Busy,
                ..IDENTIFY.failed(&error)
            })?;
        let found = answer.account.unwrap_or_default();
        if found == self.account_id {
            return Ok(());
        }
        let message = format!(
            "the session of {} belongs to account {found:?} and not to {}, so nothing was sent with it; look at the \
             endpoint of STS",
            target.config.role_arn, self.account_id
        );
        Err(IDENTIFY.error(Kind::Refused, WRONG_ACCOUNT, message))
    }

    fn not_configured(&self, call: Call) -> CallError {
        let account = &self.account_id;
        let message = format!(
            "account {account} is not a target of this environment, and the credentials of {} are never used in another \
             account; nothing was sent. A drs_target_account, or `drsctl target add {account} --regions REGION --role-arn \
             ARN`, makes it one",
            self.hub.account_id
        );
        call.error(Kind::Refused, TARGET_NOT_CONFIGURED, message)
    }

    fn region_not_listed(&self, call: Call, target: &TargetAccount, region: &str) -> CallError {
        let account = &self.account_id;
        let listed: Vec<&str> = target.config.regions.iter().map(String::as_str).collect();
        let message = format!(
            "the target of account {account} does not list the Region {region} (it lists {}); nothing was sent there. \
             Its drs_target_account, or `drsctl target add {account} --replace --regions REGION --role-arn ARN`, with that \
             Region lists it",
            listed.join(", ")
        );
        call.error(Kind::Refused, TARGET_NOT_CONFIGURED, message)
    }

    /// Says why a role was not assumed. Nothing was sent to the account, so the call may be made again.
    fn not_assumed(
        &self,
        target: &TargetAccount,
        error: &SdkError<AssumeRoleError, HttpResponse>,
    ) -> CallError {
        let failed = ASSUME.failed(error);
        let role = &target.config.role_arn;
        if failed.kind != Kind::Refused {
            let message = format!("the role {role} was not assumed: {}", failed.message);
            return CallError { message, ..failed };
        }
        let account = &self.account_id;
        let message = format!(
            "the role {role} could not be assumed by {}: {}: {}. Nothing was sent to account {account}. Either the role \
             does not exist, or its trust policy does not allow account {} with this target's ExternalId, or the caller \
             lacks sts:AssumeRole on it. `drsctl target show {account}`, and trust_policy of its drs_target_account, have \
             the trust policy to write; `drsctl target check {account}` tries again",
            self.hub.arn, failed.code, failed.message, self.hub.account_id
        );
        ASSUME.error(Kind::Busy, ROLE_NOT_ASSUMABLE, message)
    }
}

/// Our word for a session of a role that belongs to another account than its target.
pub(crate) const WRONG_ACCOUNT: &str = "WrongAccount";

impl ProvideCredentials for Assumed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            self.0
                .credentials()
                .await
                .map_err(CredentialsError::provider_error)
        })
    }
}

/// Shows whose it is, and nothing of what it holds.
impl fmt::Debug for Spoke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spoke")
            .field("account_id", &self.account_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Assumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
