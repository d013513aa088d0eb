//! The version of this build, and where AWS sees it.
//!
//! This is the one place of the workspace that reads a version. A release is stamped from its tag: whoever builds it sets
//! `DRS_VERSION`, and cargo builds again what reads it when it changes. It does not check the text; `make package` does,
//! and asks the finished binaries for it.

use aws_config::{AppName, SdkConfig};

/// The version of this build: `DRS_VERSION` at build time, or that of the workspace.
pub const VERSION: &str = stamped(option_env!("DRS_VERSION"));

/// The name in the user agent of every call, as CloudTrail shows it: `app/terraform-provider-drs-1.2.3`, for drsctl too.
const PRODUCT: &str = "terraform-provider-drs";

const fn stamped(given: Option<&'static str>) -> &'static str {
    match given {
        Some(version) if !version.is_empty() => version,
        _ => env!("CARGO_PKG_VERSION"),
    }
}

/// The same configuration with our name in the user agent, unless a person has given one, by `AWS_SDK_UA_APP_ID` or in a
/// profile.
pub(crate) fn in_user_agent(sdk: SdkConfig) -> SdkConfig {
    if sdk.app_name().is_some() {
        return sdk;
    }
    // A version that cannot be sent is not worth a failure.
    let name = AppName::new(format!("{PRODUCT}-{VERSION}")).ok();
    let mut builder = sdk.into_builder();
    builder.set_app_name(name);
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_a_tag_has_the_version_of_the_workspace() {
        assert_eq!(stamped(None), env!("CARGO_PKG_VERSION"));
        assert_eq!(stamped(Some("")), env!("CARGO_PKG_VERSION"));
        assert_eq!(stamped(Some("1.2.3-rc.1")), "1.2.3-rc.1");
    }

    #[test]
    fn the_user_agent_has_our_name_unless_a_person_gave_one() {
        let ours = in_user_agent(SdkConfig::builder().build());
        let name = ours.app_name().map(ToString::to_string);
        assert_eq!(name, Some(format!("{PRODUCT}-{VERSION}")));

        let given = AppName::new("drill-robot").unwrap();
        let theirs = in_user_agent(SdkConfig::builder().app_name(given.clone()).build());
        assert_eq!(theirs.app_name(), Some(&given));
    }
}
