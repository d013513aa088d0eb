//! The provider itself: its block, and what it offers.

use std::collections::{BTreeMap, BTreeSet};

use drs_engine_aws::{AssumeRole, Endpoints, Settings, SimulatorSettings};
use serde::Deserialize;
use tfplugin::{
    Attr, Catalog, Configure, Configured, Diagnostic, Diagnostics, Provider, Schema, async_trait,
};

use crate::client::{Client, Connecting};
use crate::runner::{self, Runner};
use crate::{actions, data_sources, functions, resources};

mod schema;

/// The provider.
pub(crate) struct Drs;

/// The provider block.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Config {
    region: Attr<String>,
    history_region: Attr<String>,
    profile: Attr<String>,
    environment: Attr<String>,
    assume_role: Attr<RoleConfig>,
    allowed_account_ids: Attr<BTreeSet<String>>,
    endpoints: Attr<EndpointsConfig>,
    use_fips_endpoint: Attr<bool>,
    use_dualstack_endpoint: Attr<bool>,
    custom_ca_bundle: Attr<String>,
    http_proxy: Attr<String>,
    create_tables: Attr<bool>,
    default_tags: Attr<BTreeMap<String, String>>,
    simulator: Attr<SimulatorConfig>,
    runner: Attr<runner::Config>,
}

/// A role to work as.
#[derive(Clone, Debug, Deserialize)]
struct RoleConfig {
    role_arn: Attr<String>,
    external_id: Attr<String>,
    session_name: Attr<String>,
}

/// Endpoints in place of AWS's own.
#[derive(Clone, Debug, Deserialize)]
struct EndpointsConfig {
    drs: Attr<String>,
    dynamodb: Attr<String>,
    ec2: Attr<String>,
    sts: Attr<String>,
    servicequotas: Attr<String>,
    lambda: Attr<String>,
    ssm: Attr<String>,
    sns: Attr<String>,
    stepfunctions: Attr<String>,
}

/// A simulator in place of AWS.
#[derive(Clone, Debug, Deserialize)]
struct SimulatorConfig {
    path: Attr<String>,
    fleet: Attr<String>,
    speed: Attr<f64>,
    seed: Attr<u64>,
}

#[async_trait]
impl Provider for Drs {
    type Config = Config;
    type Client = Client;

    fn address(&self) -> &str {
        "registry.terraform.io/drs-orchestration/drs"
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    fn catalog(&self) -> Catalog<Client> {
        Catalog::new()
            .resource(resources::ProtectionGroup)
            .resource(resources::RecoveryPlan)
            .resource(resources::DrillExecution)
            .resource(resources::TargetAccount)
            .data_source(data_sources::Caller)
            .data_source(data_sources::Execution)
            .data_source(data_sources::Executions)
            .data_source(data_sources::IamPolicy)
            .data_source(data_sources::JobLog)
            .data_source(data_sources::LaunchTemplates)
            .data_source(data_sources::Preflight)
            .data_source(data_sources::ProtectionGroup)
            .data_source(data_sources::ProtectionGroups)
            .data_source(data_sources::Quotas)
            .data_source(data_sources::RecoveryInstances)
            .data_source(data_sources::RecoveryPlan)
            .data_source(data_sources::RecoveryPlans)
            .data_source(data_sources::Regions)
            .data_source(data_sources::ServerSelection)
            .data_source(data_sources::SourceServer)
            .data_source(data_sources::SourceServers)
            .data_source(data_sources::StateMachineDefinition)
            .data_source(data_sources::TargetCheck)
            .function(functions::WaveOrder)
            .action(actions::StartDrill)
            .action(actions::StartFailover)
            .action(actions::Pause)
            .action(actions::Resume)
            .action(actions::Cancel)
            .action(actions::RetryWave)
            .action(actions::SkipWave)
            .action(actions::TerminateRecoveryInstances)
    }

    async fn validate(&self, config: Config) -> Diagnostics {
        let mut found = Diagnostics::new();
        if config.simulator.known().is_some() && config.endpoints.known().is_some() {
            found.error_at(
                "simulator",
                "Simulator and Endpoints Exclude Each Other",
                "The simulator brings its own endpoints. Remove endpoints to use it, or remove simulator to use them.",
            );
        }
        found.extend(runner::configuration(&config.runner));
        found
    }

    async fn configure(
        &self,
        request: Configure<Config>,
    ) -> Result<Configured<Client>, Diagnostics> {
        let (Some(settings), Some(runner)) = (request.config.settings(), request.config.runner())
        else {
            return Ok(Configured::later());
        };
        let base = Settings::from_environment().map_err(|error| {
            Diagnostic::error(
                "Invalid Configuration File",
                crate::diagnose::sentence(&error.to_string()),
            )
        })?;
        let connecting = Connecting {
            settings: settings.merged_over(base),
            default_tags: request.config.default_tags,
            runner,
            critical_sections: request.critical_sections,
        };
        let client = connecting.connect().await?;
        let warning = client.simulator_path().map(simulator_in_use);
        let configured = Configured::ready(client);
        Ok(match warning {
            Some(warning) => configured.with(warning),
            None => configured,
        })
    }
}

fn simulator_in_use(path: &std::path::Path) -> Diagnostic {
    Diagnostic::warning(
        "Simulator In Use",
        format!(
            "Nothing here touches AWS: servers, drills and their history live in the simulator in {}. To work on AWS, \
             remove the simulator argument of the provider, and DRS_SIMULATOR from the environment.",
            path.display()
        ),
    )
}

impl Config {
    /// Who drives; none while it is not known yet.
    fn runner(&self) -> Option<Runner> {
        match &self.runner {
            Attr::Null => Some(Runner::InProcess),
            config => Runner::of(config),
        }
    }

    /// The settings that the block makes; none while something in it is not known yet.
    fn settings(&self) -> Option<Settings> {
        Some(Settings {
            region: known(&self.region)?,
            history_region: known(&self.history_region)?,
            // Who drives is said as a whole, by `runner`.
            state_machine: None,
            profile: known(&self.profile)?,
            environment: known(&self.environment)?.unwrap_or_default(),
            assume_role: match known(&self.assume_role)? {
                Some(role) => Some(role.settings()?),
                None => None,
            },
            allowed_account_ids: known(&self.allowed_account_ids)?
                .unwrap_or_default()
                .into_iter()
                .collect(),
            endpoints: match known(&self.endpoints)? {
                Some(endpoints) => endpoints.settings()?,
                None => Endpoints::default(),
            },
            use_fips_endpoint: known(&self.use_fips_endpoint)?.unwrap_or(false),
            use_dualstack_endpoint: known(&self.use_dualstack_endpoint)?.unwrap_or(false),
            custom_ca_bundle: known(&self.custom_ca_bundle)?.map(Into::into),
            http_proxy: known(&self.http_proxy)?,
            create_tables: known(&self.create_tables)?.unwrap_or(false),
            simulator: match known(&self.simulator)? {
                Some(simulator) => Some(simulator.settings()?),
                None => None,
            },
        })
    }
}

impl RoleConfig {
    fn settings(&self) -> Option<AssumeRole> {
        Some(AssumeRole {
            role_arn: known(&self.role_arn)?.unwrap_or_default(),
            external_id: known(&self.external_id)?,
            session_name: known(&self.session_name)?,
        })
    }
}

impl EndpointsConfig {
    fn settings(&self) -> Option<Endpoints> {
        Some(Endpoints {
            drs: known(&self.drs)?,
            dynamodb: known(&self.dynamodb)?,
            ec2: known(&self.ec2)?,
            sts: known(&self.sts)?,
            servicequotas: known(&self.servicequotas)?,
            lambda: known(&self.lambda)?,
            ssm: known(&self.ssm)?,
            sns: known(&self.sns)?,
            stepfunctions: known(&self.stepfunctions)?,
        })
    }
}

impl SimulatorConfig {
    fn settings(&self) -> Option<SimulatorSettings> {
        Some(SimulatorSettings {
            path: known(&self.path)?.unwrap_or_default().into(),
            fleet: known(&self.fleet)?.map(Into::into),
            speed: known(&self.speed)?,
            seed: known(&self.seed)?,
        })
    }
}

/// A value that may have been left out; none while it is not known yet.
fn known<T: Clone>(value: &Attr<T>) -> Option<Option<T>> {
    match value {
        Attr::Known(value) => Some(Some(value.clone())),
        Attr::Null => Some(None),
        Attr::Unknown => None,
    }
}
