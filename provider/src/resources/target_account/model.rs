//! The model of a target account, and its way to and from the engine's.

use std::collections::BTreeSet;

use drs_engine::store::target::{ExternalId, TargetAccount as Stored, TargetConfig, TargetProblem};
use serde::{Deserialize, Serialize};
use tfplugin::Attr;

use crate::client::Client;

/// A target account in configuration, plan and state.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    pub(crate) id: Attr<String>,
    pub(crate) account_id: Attr<String>,
    pub(crate) regions: Attr<BTreeSet<Attr<String>>>,
    pub(crate) role_arn: Attr<String>,
    pub(crate) external_id: Attr<String>,
    pub(crate) trust_policy: Attr<String>,
    pub(crate) name: Attr<String>,
    pub(crate) description: Attr<String>,
    pub(crate) session_name: Attr<String>,
    pub(crate) session_duration_seconds: Attr<i64>,
}

impl Model {
    /// What the engine stores, as far as it is known.
    pub(crate) fn to_config(&self) -> TargetConfig {
        TargetConfig {
            name: self.name.known().cloned(),
            description: self.description.known().cloned(),
            regions: self.known_regions().into_known().unwrap_or_default(),
            role_arn: self.role_arn.known().cloned().unwrap_or_default(),
            session_name: self.session_name.known().cloned(),
            session_duration_seconds: self.session_duration_seconds.known().copied(),
        }
    }

    /// The Regions; unknown while any of them is. One that is null is left out, and refused by [`Self::problems`].
    pub(crate) fn known_regions(&self) -> Attr<BTreeSet<String>> {
        let regions = match &self.regions {
            Attr::Known(regions) => regions,
            Attr::Null => return Attr::Null,
            Attr::Unknown => return Attr::Unknown,
        };
        if regions.iter().any(Attr::is_unknown) {
            return Attr::Unknown;
        }
        let known = regions.iter().filter_map(|region| region.known().cloned());
        Attr::Known(known.collect())
    }

    /// What is wrong with it as far as it is known.
    pub(crate) fn problems(&self) -> Vec<TargetProblem> {
        let config = self.to_config();
        // While the account is not known, a role of any account may be the right one.
        let of_role = || config.role_arn.split(':').nth(4).unwrap_or_default();
        let account = self.account_id.known().map_or_else(of_role, String::as_str);
        let mut found = config.problems(account);
        found.extend(
            self.external_id
                .known()
                .and_then(|id| ExternalId::new(id).problem()),
        );
        found.retain(|problem| !self.is_unknown(problem.attribute));
        if self
            .regions
            .known()
            .is_some_and(|regions| regions.contains(&Attr::Null))
        {
            found.push(TargetProblem {
                attribute: "regions",
                problem: "an element of the set is null; remove it, or set it".to_owned(),
            });
        }
        found
    }

    fn is_unknown(&self, attribute: &str) -> bool {
        match attribute {
            "account_id" => self.account_id.is_unknown(),
            "regions" => self.known_regions().is_unknown(),
            "role_arn" => self.role_arn.is_unknown(),
            _ => false,
        }
    }

    /// The state as the store has it.
    pub(crate) fn of(client: &Client, target: &Stored) -> Self {
        let config = &target.config;
        Self {
            id: target.account_id.clone().into(),
            account_id: target.account_id.clone().into(),
            regions: Attr::Known(config.regions.iter().cloned().map(Attr::Known).collect()),
            role_arn: config.role_arn.clone().into(),
            external_id: target.external_id.as_str().into(),
            trust_policy: trust_policy(client, &target.external_id).into(),
            name: config.name.clone().into(),
            description: config.description.clone().into(),
            session_name: config.session_name.clone().into(),
            session_duration_seconds: config.session_duration_seconds.into(),
        }
    }
}

/// The trust policy as `drsctl target show` prints it.
pub(crate) fn trust_policy(client: &Client, external_id: &ExternalId) -> String {
    format!("{:#}", client.session().trust_policy(external_id))
}
