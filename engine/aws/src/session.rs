//! One connection to one account and Region.

use std::fmt;
use std::sync::Arc;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use drs_engine::decide;
use drs_engine::drive::Driver;
use drs_engine::ids::Target;
use drs_engine::store::executions::Executions;
use drs_engine::store::groups::Groups;
use drs_engine::store::plans::Plans;
use drs_engine::store::target::ExternalId;
use drs_engine::store::targets::Targets;
use drs_engine::time::WorldTime;

use crate::clock::SystemClock;
use crate::connect_error::{Attempt, ConnectError, ConnectErrorKind};
use crate::drs::AwsDrs;
use crate::http::Network;
use crate::items::DynamoItems;
use crate::machines::StateMachines;
use crate::reach::check::TargetCheck;
use crate::reach::{Reach, Services, policy};
use crate::settings::Settings;
use crate::tables::{self, TableError};
use crate::{credentials, fresh, limits, topics, version};

/// A simulator that the caller has started; every call goes there.
#[derive(Clone)]
pub struct Embedded {
    /// Where it listens, e.g. `http://127.0.0.1:40961`.
    pub endpoint: String,
    /// Its access key.
    pub access_key_id: String,
    /// Its secret key.
    pub secret_access_key: String,
    /// Its session token, where it has one.
    pub session_token: Option<String>,
    /// Its clock.
    pub world: Arc<dyn WorldTime>,
}

/// Tables elsewhere than everything else: an item store of this machine, for when no table can be reached.
#[derive(Clone)]
pub struct TablesAt {
    /// Where it listens, on loopback.
    pub endpoint: String,
    /// Its access key.
    pub access_key_id: String,
    /// Its secret key.
    pub secret_access_key: String,
    /// The Region that its tables are kept under.
    pub region: String,
    /// The environment whose tables it has.
    pub environment: String,
}

/// Whose credentials these are, as STS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account_id: String,
    /// The user or the role's session.
    pub arn: String,
    /// The partition, e.g. `aws` or `aws-us-gov`.
    pub partition: String,
}

/// One connection to one account and Region. Clones share it.
#[derive(Clone)]
pub struct Session(Arc<Connected>);

struct Connected {
    identity: Identity,
    region: String,
    history_region: String,
    environment: String,
    create_tables: bool,
    drs: AwsDrs,
    state_machines: StateMachines,
    items: DynamoItems,
    dynamodb: aws_sdk_dynamodb::Client,
    clock: SystemClock,
}

impl Session {
    /// Connects: finds credentials, asks STS once whose they are, and checks that this account is allowed.
    ///
    /// With a simulator, every call goes there and credentials of AWS are not looked for.
    ///
    /// # Errors
    ///
    /// When that fails; the error says what to do.
    pub async fn connect(
        settings: &Settings,
        embedded: Option<Embedded>,
    ) -> Result<Self, ConnectError> {
        Self::connect_with(settings, embedded, None).await
    }

    /// The same, with the tables elsewhere than the settings say. What is elsewhere is made where it is missing.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    pub async fn connect_with(
        settings: &Settings,
        embedded: Option<Embedded>,
        tables: Option<TablesAt>,
    ) -> Result<Self, ConnectError> {
        let environment = tables.as_ref().map_or_else(
            || settings.environment_name().to_owned(),
            |tables| tables.environment.clone(),
        );
        check_environment(&environment)?;
        let network = Network::from_environment(settings)?;
        let http = network.client()?;
        let sdk = match &embedded {
            Some(embedded) => of_simulator(settings, embedded, http),
            None => of_aws(settings, http).await?,
        };
        let sdk = version::in_user_agent(sdk);
        let region = sdk
            .region()
            .map(ToString::to_string)
            .filter(|region| !region.is_empty())
            .ok_or_else(ConnectError::missing_region)?;
        let endpoints = if embedded.is_some() {
            Default::default()
        } else {
            settings.endpoints.clone()
        };
        let sts = with_endpoint(&sdk, endpoints.sts.as_deref());
        let (sdk, sts) = in_own_role(settings, sdk, sts).await;
        let identity = identify(settings, &network, &sts, &region).await?;
        let service = |endpoint: &Option<String>| with_endpoint(&sdk, endpoint.as_deref());
        let history_region = settings.history_region.clone();
        let history_region = history_region.unwrap_or_else(|| region.clone());
        let dynamodb = match &tables {
            None => of_history(service(&endpoints.dynamodb), &history_region),
            Some(tables) => of_tables(&sdk, tables),
        };
        // What is on this machine fails with no Region.
        let items = DynamoItems::new(dynamodb.clone(), &environment);
        let items = match &tables {
            None => items.in_region(&history_region),
            Some(_) => items,
        };
        let services = Services {
            drs: service(&endpoints.drs),
            ec2: service(&endpoints.ec2),
            quotas: service(&endpoints.servicequotas),
            lambda: service(&endpoints.lambda),
            ssm: service(&endpoints.ssm),
            sts,
        };
        let reach = Reach::new(identity.clone(), &services, Targets::new(items.clone()));
        Ok(Self(Arc::new(Connected {
            drs: AwsDrs::new(reach, topics::client(&service(&endpoints.sns))),
            state_machines: StateMachines::new(&service(&endpoints.stepfunctions)),
            items,
            dynamodb,
            clock: embedded.map_or_else(SystemClock::new, |simulator| {
                SystemClock::with_world(simulator.world)
            }),
            create_tables: settings.create_tables || tables.is_some(),
            identity,
            history_region: tables.map_or(history_region, |tables| tables.region),
            region,
            environment,
        })))
    }

    /// State machines, by these credentials.
    pub fn state_machines(&self) -> StateMachines {
        self.0.state_machines.clone()
    }

    /// Whose credentials these are.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// The account and Region of this session.
    pub fn target(&self) -> Target {
        Target {
            account_id: self.0.identity.account_id.clone(),
            region: self.0.region.clone(),
        }
    }

    /// The Region of this session.
    pub fn region(&self) -> &str {
        &self.0.region
    }

    /// The Region of the tables.
    pub fn history_region(&self) -> &str {
        &self.0.history_region
    }

    /// The environment whose tables are used.
    pub fn environment(&self) -> &str {
        &self.0.environment
    }

    /// DRS.
    pub fn drs(&self) -> AwsDrs {
        self.0.drs.clone()
    }

    /// The item store.
    pub fn items(&self) -> DynamoItems {
        self.0.items.clone()
    }

    /// The clock. Every clock of a session shares one alarm, see [`SystemClock::notify`].
    pub fn clock(&self) -> SystemClock {
        self.0.clock.clone()
    }

    /// Checks the tables, and makes those that are missing when the settings say so.
    ///
    /// # Errors
    ///
    /// When a table is missing and must not be made, or is not fit to hold the history.
    pub async fn ensure_tables(&self) -> Result<(), TableError> {
        tables::ensure(&self.0.dynamodb, &self.0.environment, self.0.create_tables).await
    }

    /// A driver for this process, under a new owner.
    pub fn driver(&self, host: String) -> Driver<AwsDrs, DynamoItems, SystemClock> {
        Driver {
            drs: self.drs(),
            executions: self.executions(),
            clock: self.clock(),
            settings: decide::Settings::default(),
            owner: fresh::owner(),
            host,
        }
    }

    /// The protection groups.
    pub fn groups(&self) -> Groups<DynamoItems> {
        Groups::new(self.items())
    }

    /// The recovery plans.
    pub fn plans(&self) -> Plans<DynamoItems> {
        Plans::new(self.items())
    }

    /// The target accounts.
    pub fn targets(&self) -> Targets<DynamoItems> {
        Targets::new(self.items())
    }

    /// Whether a target can be worked in: assumes its role, and tries the calls that only look, in each of its Regions.
    /// Of the session's own account, its own Region is tried.
    pub async fn check_target(&self, account_id: &str) -> TargetCheck {
        self.0.drs.reach().check(account_id, &self.0.region).await
    }

    /// The trust policy that the role of a target must have, so that this account may assume it, and only with the
    /// target's external id.
    pub fn trust_policy(&self, external_id: &ExternalId) -> serde_json::Value {
        policy::trust(&self.0.identity, external_id)
    }

    /// The executions.
    pub fn executions(&self) -> Executions<DynamoItems> {
        Executions::new(self.items())
    }
}

/// The same under the role that the settings name, where they name one; STS is then asked under it, too.
async fn in_own_role(
    settings: &Settings,
    sdk: SdkConfig,
    sts: SdkConfig,
) -> (SdkConfig, SdkConfig) {
    match &settings.assume_role {
        None => (sdk, sts),
        Some(role) => {
            let credentials = credentials::of_role(role, &sts).await;
            let of_role = |config: SdkConfig| {
                config
                    .into_builder()
                    .credentials_provider(credentials.clone())
                    .build()
            };
            (of_role(sdk), of_role(sts))
        }
    }
}

/// Shows whose session it is, and no more.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("identity", &self.0.identity)
            .field("region", &self.0.region)
            .field("environment", &self.0.environment)
            .finish_non_exhaustive()
    }
}

/// The name of an environment becomes part of the names of tables.
fn check_environment(name: &str) -> Result<(), ConnectError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !name.is_empty() && name.len() <= limits::ENVIRONMENT_CHARS && name.chars().all(fits) {
        return Ok(());
    }
    Err(ConnectError::new(
        ConnectErrorKind::Settings,
        format!(
            "The environment {name:?} cannot be part of the name of a table. Use up to {} letters, digits, hyphens, \
             dots and underscores.",
            limits::ENVIRONMENT_CHARS
        ),
    ))
}

/// The configuration of a simulator: nothing of the machine's AWS configuration counts.
fn of_simulator(settings: &Settings, embedded: &Embedded, http: SharedHttpClient) -> SdkConfig {
    let credentials = Credentials::new(
        &embedded.access_key_id,
        &embedded.secret_access_key,
        embedded.session_token.clone(),
        None,
        "simulator",
    );
    let region = settings.region.as_deref().unwrap_or(SIMULATED_REGION);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(&embedded.endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .identity_cache(IdentityCache::lazy().build())
        .http_client(http)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SystemTimeSource::new())
        .retry_config(RetryConfig::standard().with_max_attempts(limits::READ_ATTEMPTS))
        .timeout_config(timeouts())
        .build()
}

/// The Region of a simulator when none is named.
const SIMULATED_REGION: &str = "us-east-1";

/// The configuration of AWS, as the SDKs find it, under the settings.
async fn of_aws(settings: &Settings, http: SharedHttpClient) -> Result<SdkConfig, ConnectError> {
    credentials::check_profile(settings)?;
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        .retry_config(RetryConfig::standard().with_max_attempts(limits::READ_ATTEMPTS))
        .timeout_config(timeouts())
        .identity_cache(
            IdentityCache::lazy()
                .load_timeout(limits::CREDENTIALS_TIMEOUT)
                .build(),
        );
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    // Off is not said: then the SDK's own variables and the profile count.
    if settings.use_fips_endpoint {
        loader = loader.use_fips(true);
    }
    if settings.use_dualstack_endpoint {
        loader = loader.use_dual_stack(true);
    }
    let sdk = loader.load().await;
    let Some(profile) = &settings.profile else {
        return Ok(sdk);
    };
    let credentials = credentials::of_profile(profile, settings, &http, sdk.region().cloned());
    Ok(sdk.into_builder().credentials_provider(credentials).build())
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(limits::CONNECT_TIMEOUT)
        .read_timeout(limits::READ_TIMEOUT)
        .operation_timeout(limits::OPERATION_TIMEOUT)
        .build()
}

/// The configuration for one service. An endpoint of its own cannot be FIPS or dual-stack as well: the SDK refuses it.
fn with_endpoint(sdk: &SdkConfig, endpoint: Option<&str>) -> SdkConfig {
    match endpoint {
        None => sdk.clone(),
        Some(url) => sdk
            .to_builder()
            .endpoint_url(url)
            .use_fips(false)
            .use_dual_stack(false)
            .build(),
    }
}

/// The same in another Region. An endpoint of its own stays, and is told the Region by the signature.
fn in_region(sdk: SdkConfig, region: &str) -> SdkConfig {
    let region = Region::new(region.to_owned());
    sdk.into_builder().region(region).build()
}

/// The tables of AWS, in their Region.
fn of_history(sdk: SdkConfig, region: &str) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&in_region(sdk, region))
}

/// Tables on this machine. Nothing of the account's credentials goes there, and no variable leads elsewhere.
fn of_tables(sdk: &SdkConfig, tables: &TablesAt) -> aws_sdk_dynamodb::Client {
    let credentials = Credentials::new(
        &tables.access_key_id,
        &tables.secret_access_key,
        None,
        None,
        "tables on this machine",
    );
    let local = with_endpoint(sdk, Some(&tables.endpoint))
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .identity_cache(IdentityCache::lazy().build())
        .build();
    let config = aws_sdk_dynamodb::config::Builder::from(&in_region(local, &tables.region))
        .endpoint_url(&tables.endpoint)
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

/// Asks STS whose credentials these are.
async fn identify(
    settings: &Settings,
    network: &Network,
    sts: &SdkConfig,
    region: &str,
) -> Result<Identity, ConnectError> {
    let endpoint = match sts.endpoint_url() {
        Some(url) => url.to_owned(),
        None => format!("https://sts.{region}.amazonaws.com"),
    };
    let attempt = Attempt {
        settings,
        network,
        endpoint: &endpoint,
    };
    let answer = aws_sdk_sts::Client::new(sts)
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| attempt.failed(&error))?;
    let account_id = answer.account.unwrap_or_default();
    let arn = answer.arn.unwrap_or_default();
    if account_id.is_empty() || arn.is_empty() {
        return Err(ConnectError::new(
            ConnectErrorKind::Other,
            format!("AWS STS at {endpoint} did not say whose credentials these are."),
        ));
    }
    if !settings.allowed_account_ids.is_empty()
        && !settings.allowed_account_ids.contains(&account_id)
    {
        return Err(ConnectError::account(
            &account_id,
            &arn,
            &settings.allowed_account_ids,
        ));
    }
    let partition = arn.split(':').nth(1).unwrap_or("aws").to_owned();
    Ok(Identity {
        account_id,
        arn,
        partition,
    })
}
