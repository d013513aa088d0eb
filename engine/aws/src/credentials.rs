//! Where credentials come from.
//!
//! The order is that of the AWS SDKs, with two differences that a typing error would make dangerous: a profile that is
//! named in the settings is used alone, and a profile that is named but does not exist is an error, where the SDK would
//! go on to the credentials of the machine.

use std::collections::BTreeSet;
use std::path::PathBuf;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::connect_error::ConnectError;
use crate::settings::{AssumeRole, Settings};

/// The name of a role's sessions where no other is configured, seen in CloudTrail.
pub(crate) const SESSION_NAME: &str = "drs-orchestration";

/// Credentials of one profile and nothing else.
pub(crate) fn of_profile(
    profile: &str,
    settings: &Settings,
    http: &SharedHttpClient,
    region: Option<Region>,
) -> SharedCredentialsProvider {
    let config = ProviderConfig::without_region()
        .with_http_client(http.clone())
        .with_region(region)
        .with_use_fips(settings.use_fips_endpoint.then_some(true))
        .with_use_dual_stack(settings.use_dualstack_endpoint.then_some(true))
        .with_behavior_version(Some(BehaviorVersion::latest()));
    SharedCredentialsProvider::new(
        ProfileFileCredentialsProvider::builder()
            .profile_name(profile)
            .configure(&config)
            .build(),
    )
}

/// Credentials of a role, by the credentials of a configuration.
pub(crate) async fn of_role(role: &AssumeRole, sts: &SdkConfig) -> SharedCredentialsProvider {
    let mut builder = AssumeRoleProvider::builder(&role.role_arn)
        .session_name(role.session_name.as_deref().unwrap_or(SESSION_NAME))
        .configure(sts);
    if let Some(external_id) = &role.external_id {
        builder = builder.external_id(external_id);
    }
    SharedCredentialsProvider::new(builder.build().await)
}

/// Refuses a profile that is named but does not exist. What else may be wrong with the files, the SDK finds.
pub(crate) fn check_profile(settings: &Settings) -> Result<(), ConnectError> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let Some(profile) = settings.profile.clone().or_else(|| set("AWS_PROFILE")) else {
        return Ok(());
    };
    let home = set("HOME")
        .or_else(|| set("USERPROFILE"))
        .map(PathBuf::from);
    let file = |variable: &str, default: &str| match set(variable) {
        Some(path) => Some(PathBuf::from(path)),
        None => home.as_ref().map(|home| home.join(".aws").join(default)),
    };
    let config = file("AWS_CONFIG_FILE", "config");
    let credentials = file("AWS_SHARED_CREDENTIALS_FILE", "credentials");
    let names: BTreeSet<String> = config
        .into_iter()
        .chain(credentials)
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .flat_map(|text| profiles(&text))
        .collect();
    if names.contains(&profile) {
        Ok(())
    } else {
        Err(ConnectError::missing_profile(&profile))
    }
}

/// The names of profiles in a shared configuration or credentials file.
fn profiles(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix('[')?.split(']').next())
        .map(|name| {
            let name = name.trim();
            name.strip_prefix("profile")
                .filter(|rest| rest.starts_with(char::is_whitespace))
                .unwrap_or(name)
                .trim()
                .to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn profiles_are_found_in_both_forms() {
        let text = "[default]\nregion = x\n[profile  dr]\n# [profile not]\n [ other ] ; remark\n[profiler]\n";
        assert_eq!(
            super::profiles(text),
            ["default", "dr", "other", "profiler"]
        );
    }
}
