//! What a person configures. Which value counts: explicit, then the environment, then the file.
//!
//! *Explicit* is what a caller sets, e.g. the provider block or a flag. The environment is `DRS_ENVIRONMENT`,
//! `DRS_REGION`, `DRS_HISTORY_REGION`, `DRS_STATE_MACHINE` (the ARN of the state machine that drives executions where one is
//! asked to), `DRS_SIMULATOR` (the directory of a simulator's store), and the variables of the AWS SDKs (`AWS_REGION`,
//! `AWS_PROFILE`, `AWS_CA_BUNDLE`, `AWS_ENDPOINT_URL_DRS`, ...). The file is the one that
//! `DRS_CONFIG` names, else `drs.yaml` in the working directory where there is one:
//!
//! ```yaml
//! environment: production
//! region: eu-central-1
//! history_region: eu-west-1
//! profile: dr-operator
//! assume_role: { role_arn: "arn:aws:iam::111122223333:role/dr", external_id: "..." }
//! allowed_account_ids: ["111122223333"]
//! ```
//!
//! Flags (`use_fips_endpoint`, `use_dualstack_endpoint`, `create_tables`) are on when any of the three says so.
//! No secret has a place here: credentials come from where the AWS SDKs look for them.

use std::path::PathBuf;

use serde::Deserialize;

mod file;

pub use file::SettingsError;

/// The environment when nobody names one.
pub const DEFAULT_ENVIRONMENT: &str = "default";

/// What a person configures. What is left out is looked for where the AWS SDKs look.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The Region.
    pub region: Option<String>,
    /// The Region of the tables; where it is left out, that of the session.
    pub history_region: Option<String>,
    /// The ARN of the state machine that drives executions, where one is asked to.
    pub state_machine: Option<String>,
    /// The profile of the shared AWS configuration. An explicit one is used alone: credentials in the environment are
    /// then not looked at.
    pub profile: Option<String>,
    /// Names the tables; empty means not set. See [`Settings::environment_name`].
    pub environment: String,
    /// A role to work as.
    pub assume_role: Option<AssumeRole>,
    /// The accounts that may be worked in; none means any.
    pub allowed_account_ids: Vec<String>,
    /// Endpoints in place of AWS's own.
    pub endpoints: Endpoints,
    /// Whether to use FIPS endpoints.
    pub use_fips_endpoint: bool,
    /// Whether to use dual-stack endpoints.
    pub use_dualstack_endpoint: bool,
    /// A file of certificate authorities (PEM) to trust in place of the machine's.
    pub custom_ca_bundle: Option<PathBuf>,
    /// A proxy for every call, in place of `HTTPS_PROXY` and `HTTP_PROXY`; `NO_PROXY` still counts.
    pub http_proxy: Option<String>,
    /// Whether to make tables that are missing.
    pub create_tables: bool,
    /// A simulator in place of AWS.
    pub simulator: Option<SimulatorSettings>,
}

/// A role to work as.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AssumeRole {
    /// The role.
    pub role_arn: String,
    /// The external id that the role's trust policy asks for.
    pub external_id: Option<String>,
    /// The name of the session, seen in CloudTrail.
    pub session_name: Option<String>,
}

/// Endpoints in place of AWS's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Endpoints {
    /// Elastic Disaster Recovery.
    pub drs: Option<String>,
    /// DynamoDB.
    pub dynamodb: Option<String>,
    /// EC2.
    pub ec2: Option<String>,
    /// STS.
    pub sts: Option<String>,
    /// Service Quotas.
    pub servicequotas: Option<String>,
    /// Lambda, for hooks and checks.
    pub lambda: Option<String>,
    /// Systems Manager, for hooks and checks.
    pub ssm: Option<String>,
    /// Simple Notification Service, for notifications.
    pub sns: Option<String>,
    /// Step Functions, for executions that a state machine drives.
    pub stepfunctions: Option<String>,
}

/// A simulator in place of AWS.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatorSettings {
    /// The directory of its store.
    pub path: PathBuf,
    /// The file that describes its servers.
    pub fleet: Option<PathBuf>,
    /// How many times faster than life its world runs.
    pub speed: Option<f64>,
    /// What everything random in it comes from.
    pub seed: Option<u64>,
}

impl Settings {
    /// The settings of the environment over those of the file.
    ///
    /// # Errors
    ///
    /// When a file was named and cannot be read, or a file does not make sense.
    pub fn from_environment() -> Result<Self, SettingsError> {
        let variable = |name: &str| std::env::var(name).ok();
        Ok(Self::from_variables(&variable, file::load(&variable)?))
    }

    /// The settings of the environment over those of a file that was named by hand.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or does not make sense.
    pub fn from_environment_and_file(path: &std::path::Path) -> Result<Self, SettingsError> {
        let variable = |name: &str| std::env::var(name).ok();
        let file = file::from_file(path.to_owned(), "--config")?;
        Ok(Self::from_variables(&variable, file))
    }

    /// These settings where they are set, else those of `base`.
    #[must_use]
    pub fn merged_over(self, base: Self) -> Self {
        Self {
            region: self.region.or(base.region),
            history_region: self.history_region.or(base.history_region),
            state_machine: self.state_machine.or(base.state_machine),
            profile: self.profile.or(base.profile),
            environment: if self.environment.is_empty() {
                base.environment
            } else {
                self.environment
            },
            assume_role: self.assume_role.or(base.assume_role),
            allowed_account_ids: if self.allowed_account_ids.is_empty() {
                base.allowed_account_ids
            } else {
                self.allowed_account_ids
            },
            endpoints: Endpoints {
                drs: self.endpoints.drs.or(base.endpoints.drs),
                dynamodb: self.endpoints.dynamodb.or(base.endpoints.dynamodb),
                ec2: self.endpoints.ec2.or(base.endpoints.ec2),
                sts: self.endpoints.sts.or(base.endpoints.sts),
                servicequotas: self
                    .endpoints
                    .servicequotas
                    .or(base.endpoints.servicequotas),
                lambda: self.endpoints.lambda.or(base.endpoints.lambda),
                ssm: self.endpoints.ssm.or(base.endpoints.ssm),
                sns: self.endpoints.sns.or(base.endpoints.sns),
                stepfunctions: self
                    .endpoints
                    .stepfunctions
                    .or(base.endpoints.stepfunctions),
            },
            use_fips_endpoint: self.use_fips_endpoint || base.use_fips_endpoint,
            use_dualstack_endpoint: self.use_dualstack_endpoint || base.use_dualstack_endpoint,
            custom_ca_bundle: self.custom_ca_bundle.or(base.custom_ca_bundle),
            http_proxy: self.http_proxy.or(base.http_proxy),
            create_tables: self.create_tables || base.create_tables,
            simulator: self.simulator.or(base.simulator),
        }
    }

    /// The environment: the one that is set, else [`DEFAULT_ENVIRONMENT`].
    pub fn environment_name(&self) -> &str {
        if self.environment.is_empty() {
            DEFAULT_ENVIRONMENT
        } else {
            &self.environment
        }
    }

    /// What the environment says, over a file. Where an AWS variable says it, the file's value is dropped and the SDK
    /// reads the variable.
    fn from_variables(variable: &dyn Fn(&str) -> Option<String>, file: Self) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let any = |names: &[&str]| names.iter().any(|name| set(name).is_some());
        let endpoint =
            |own: &str, file: Option<String>| file.filter(|_| !any(&["AWS_ENDPOINT_URL", own]));
        let simulator = match (set("DRS_SIMULATOR"), file.simulator) {
            (None, file) => file,
            (Some(path), file) => Some(SimulatorSettings {
                path: PathBuf::from(path),
                ..file.unwrap_or_default()
            }),
        };
        Self {
            region: ["DRS_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"]
                .iter()
                .find_map(|name| set(name))
                .or(file.region),
            history_region: set("DRS_HISTORY_REGION").or(file.history_region),
            state_machine: set("DRS_STATE_MACHINE").or(file.state_machine),
            profile: file.profile.filter(|_| !any(&CREDENTIAL_VARIABLES)),
            environment: set("DRS_ENVIRONMENT").unwrap_or(file.environment),
            endpoints: Endpoints {
                drs: endpoint("AWS_ENDPOINT_URL_DRS", file.endpoints.drs),
                dynamodb: endpoint("AWS_ENDPOINT_URL_DYNAMODB", file.endpoints.dynamodb),
                ec2: endpoint("AWS_ENDPOINT_URL_EC2", file.endpoints.ec2),
                sts: endpoint("AWS_ENDPOINT_URL_STS", file.endpoints.sts),
                servicequotas: endpoint(
                    "AWS_ENDPOINT_URL_SERVICE_QUOTAS",
                    file.endpoints.servicequotas,
                ),
                lambda: endpoint("AWS_ENDPOINT_URL_LAMBDA", file.endpoints.lambda),
                ssm: endpoint("AWS_ENDPOINT_URL_SSM", file.endpoints.ssm),
                sns: endpoint("AWS_ENDPOINT_URL_SNS", file.endpoints.sns),
                stepfunctions: endpoint("AWS_ENDPOINT_URL_SFN", file.endpoints.stepfunctions),
            },
            custom_ca_bundle: set("AWS_CA_BUNDLE")
                .map(PathBuf::from)
                .or(file.custom_ca_bundle),
            http_proxy: file.http_proxy.filter(|_| !any(&PROXY_VARIABLES)),
            simulator,
            ..file
        }
    }
}

/// Variables that say whose credentials to use.
const CREDENTIAL_VARIABLES: [&str; 3] = [
    "AWS_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];

/// Variables that name a proxy.
const PROXY_VARIABLES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Settings {
        file::parse(
            r#"
            environment: staging
            region: eu-west-1
            profile: of-file
            http_proxy: http://proxy.of.file:3128
            custom_ca_bundle: /of/file.pem
            endpoints: { drs: "http://drs.of.file", sts: "http://sts.of.file" }
            create_tables: true
            simulator: { path: /of/file, speed: 60 }
            "#,
        )
        .expect("the file makes sense")
    }

    fn from(variables: &[(&str, &str)]) -> Settings {
        let variable = |name: &str| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Settings::from_variables(&variable, file())
    }

    #[test]
    fn the_environment_counts_more_than_the_file() {
        assert_eq!(from(&[]), file());
        assert_eq!(
            from(&[("AWS_REGION", "")]).region.as_deref(),
            Some("eu-west-1")
        );
        let settings = from(&[
            ("DRS_ENVIRONMENT", "production"),
            ("DRS_HISTORY_REGION", "us-west-2"),
            ("AWS_DEFAULT_REGION", "us-east-2"),
            ("AWS_PROFILE", "of-variable"),
            ("https_proxy", "http://proxy.of.variable"),
            ("AWS_CA_BUNDLE", "/of/variable.pem"),
            ("AWS_ENDPOINT_URL_DRS", "http://drs.of.variable"),
            ("DRS_SIMULATOR", "/of/variable"),
        ]);
        assert_eq!(settings.environment_name(), "production");
        assert_eq!(settings.region.as_deref(), Some("us-east-2"));
        assert_eq!(settings.history_region.as_deref(), Some("us-west-2"));
        assert_eq!(settings.profile, None);
        assert_eq!(settings.http_proxy, None);
        assert_eq!(settings.custom_ca_bundle, Some("/of/variable.pem".into()));
        assert_eq!(settings.endpoints.drs, None);
        assert_eq!(
            settings.endpoints.sts.as_deref(),
            Some("http://sts.of.file")
        );
        let simulator = settings.simulator.expect("a simulator is named");
        assert_eq!(simulator.path, PathBuf::from("/of/variable"));
        assert_eq!(simulator.speed, Some(60.0));
    }

    #[test]
    fn drs_region_counts_more_than_aws_region() {
        let settings = from(&[("AWS_REGION", "us-east-1"), ("DRS_REGION", "us-west-2")]);
        assert_eq!(settings.region.as_deref(), Some("us-west-2"));
    }

    #[test]
    fn explicit_values_count_more_than_anything() {
        let explicit = Settings {
            environment: "default".to_owned(),
            region: Some("ap-south-1".to_owned()),
            ..Settings::default()
        };
        let settings = explicit.merged_over(from(&[("DRS_ENVIRONMENT", "production")]));
        assert_eq!(settings.environment_name(), "default");
        assert_eq!(settings.region.as_deref(), Some("ap-south-1"));
        assert_eq!(settings.profile.as_deref(), Some("of-file"));
        assert!(settings.create_tables);
        assert_eq!(Settings::default().environment_name(), "default");
    }
}
