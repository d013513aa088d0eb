//! The one door into the world: finds what an operation is, and lets it look or change.
//!
//! An operation that only looks changes nothing, not even a count, so a store need not keep it. Shapes are checked by
//! whoever stands in front; what the world itself cannot read it still refuses.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::ApiError;
use super::model::{Site, site_key};
use super::quotas::{self, Place};
use super::{
    Caller, Reply, World, configuration, ec2, instances, jobs, launch, network, protection,
    servers, stubs, tags, templates, terminate,
};
use crate::sim::fleet::Settings;

/// Operations that change the world, beside those that call a stand-in.
const MUTATING: [&str; 9] = [
    "InitializeService",
    "StartRecovery",
    "StartReplication",
    "StopReplication",
    "TagResource",
    "TerminateRecoveryInstances",
    "UntagResource",
    "UpdateLaunchConfiguration",
    "UpdateReplicationConfiguration",
];

/// What an operation that looks can see.
pub(super) struct Scene<'a> {
    pub(super) account_id: &'a str,
    pub(super) region: &'a str,
    pub(super) site: Option<&'a Site>,
    pub(super) settings: &'a Settings,
    pub(super) seed: u64,
    pub(super) now: Timestamp,
}

impl<'a> Scene<'a> {
    /// The site, when DRS is initialised there.
    pub(super) fn initialized(&self) -> Result<&'a Site, ApiError> {
        self.site
            .filter(|site| site.initialized)
            .ok_or_else(ApiError::uninitialized)
    }
}

/// What an operation that changes something can change.
pub(super) struct Stage<'a> {
    pub(super) site: &'a mut Site,
    pub(super) settings: &'a Settings,
    pub(super) seed: u64,
    pub(super) now: Timestamp,
}

impl World {
    /// Whether an operation changes the world. One that does not can be asked of [`World::read`].
    pub fn is_mutating(operation: &str) -> bool {
        MUTATING.contains(&operation) || stubs::CALLS.contains(&operation)
    }

    /// Carries out an operation at a time; one before the latest change counts as at that.
    ///
    /// DRS operations have their own names and the input of the API's model; those of other services have theirs before
    /// a colon: `ec2:DescribeInstances`, `servicequotas:GetServiceQuota`.
    pub fn call(
        &mut self,
        at: Timestamp,
        caller: &Caller,
        region: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Reply, ApiError> {
        if Self::is_mutating(operation) {
            self.change(at, caller, region, operation, input)
        } else {
            self.read(at, caller, region, operation, input)
        }
    }

    /// Carries out an operation that only looks.
    pub fn read(
        &self,
        at: Timestamp,
        caller: &Caller,
        region: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Reply, ApiError> {
        let account_id = caller.account_id.as_str();
        let scene = Scene {
            account_id,
            region,
            site: self.sites.get(&site_key(account_id, region)),
            settings: &self.settings,
            seed: self.seed,
            now: self.clock.max(at),
        };
        let quotas = &self.settings.quotas;
        let place = Place { account_id, region };
        let body = match operation {
            "DescribeJobLogItems" => jobs::describe_log(&scene, input),
            "DescribeJobs" => jobs::describe(&scene, input),
            "DescribeLaunchConfigurationTemplates" => templates::describe_launch(&scene, input),
            "DescribeRecoveryInstances" => instances::describe(&scene, input),
            "DescribeRecoverySnapshots" => servers::describe_snapshots(&scene, input),
            "DescribeReplicationConfigurationTemplates" => {
                templates::describe_replication(&scene, input)
            }
            "DescribeSourceServers" => servers::describe(&scene, input),
            "GetLaunchConfiguration" => configuration::launch(&scene, input),
            "GetReplicationConfiguration" => configuration::replication(&scene, input),
            "ListTagsForResource" => tags::list(&scene, input),
            "ec2:DescribeInstanceStatus" => ec2::describe_status(&scene, input),
            "ec2:DescribeInstanceTypes" => network::describe_types(input),
            "ec2:DescribeInstances" => ec2::describe(&scene, input),
            "ec2:DescribeLaunchTemplateVersions" => network::describe_templates(&scene, input),
            "ec2:DescribeSubnets" => network::describe_subnets(&scene, input),
            "lambda:GetFunctionConfiguration" => {
                stubs::lambda::configuration(&scene, caller, input)
            }
            "servicequotas:GetServiceQuota" => quotas::one(quotas, place, input),
            "servicequotas:ListServiceQuotas" => quotas::list(quotas, place, input),
            "sns:GetTopicAttributes" => stubs::sns::attributes(&scene, caller, input),
            "ssm:DescribeDocument" => stubs::command::document(&scene, input),
            "ssm:GetAutomationExecution" => stubs::automation::show(&scene, input),
            "ssm:GetCommandInvocation" => stubs::command::invocation(&scene, input),
            "ssm:ListCommandInvocations" => stubs::command::invocations(&scene, input),
            "ssm:ListCommands" => stubs::command::list(&scene, input),
            "states:DescribeExecution" => stubs::states::show(&scene, caller, input),
            "states:DescribeStateMachine" => stubs::states::machine(&scene, caller, input),
            _ => Err(ApiError::unknown_operation(operation)),
        };
        Ok(Reply {
            status: 200,
            body: Some(body?),
        })
    }

    fn change(
        &mut self,
        at: Timestamp,
        caller: &Caller,
        region: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Reply, ApiError> {
        let now = self.advance(at);
        *self.counts.entry(operation.to_owned()).or_default() += 1;
        if stubs::CALLS.contains(&operation) {
            return self.call_stub(now, caller, region, operation, input);
        }
        let reply = |status: u16, body: Value| {
            Ok(Reply {
                status,
                body: Some(body),
            })
        };
        if operation == "InitializeService" {
            self.initialize(&caller.account_id, region);
            return Ok(Reply {
                status: 204,
                body: None,
            });
        }
        let (seed, settings) = (self.seed, &self.settings);
        let site = self.sites.get_mut(&site_key(&caller.account_id, region));
        let site = match (operation, site) {
            // Tags need no initialised account; where nothing is, there is nothing to tag.
            ("TagResource" | "UntagResource", Some(site)) => site,
            ("TagResource" | "UntagResource", None) => return Err(tags::nothing_here(input)),
            (_, Some(site)) if site.initialized => site,
            _ => return Err(ApiError::uninitialized()),
        };
        site.forget(now);
        let mut stage = Stage {
            site,
            settings,
            seed,
            now,
        };
        match operation {
            "StartReplication" => reply(200, protection::start(&mut stage, input)?),
            "StopReplication" => reply(200, protection::stop(&mut stage, input)?),
            "StartRecovery" => {
                let accepted = launch::start(&mut stage, caller, input)?;
                let body = jobs::started(stage.site, settings, &accepted.job_id, now);
                self.accepted.push(accepted);
                reply(202, body)
            }
            "TagResource" => tags::tag(&mut stage, input).and_then(|()| reply(200, json!({}))),
            "TerminateRecoveryInstances" => {
                let job_id = terminate::start(&mut stage, input)?;
                reply(200, jobs::started(stage.site, settings, &job_id, now))
            }
            "UntagResource" => tags::untag(&mut stage, input).and_then(|()| reply(200, json!({}))),
            "UpdateLaunchConfiguration" => {
                reply(200, configuration::update_launch(&mut stage, input)?)
            }
            "UpdateReplicationConfiguration" => {
                reply(200, configuration::update_replication(&mut stage, input)?)
            }
            _ => Err(ApiError::unknown_operation(operation)),
        }
    }
}

/// The filters of a list's input; none given, none set.
pub(super) fn read_filters<F: DeserializeOwned + Default>(input: &Value) -> Result<F, ApiError> {
    #[derive(Deserialize)]
    #[serde(bound = "F: DeserializeOwned")]
    struct Input<F> {
        #[serde(default)]
        filters: Option<F>,
    }
    Ok(read_input::<Input<F>>(input)?.filters.unwrap_or_default())
}

/// An input as an operation reads it.
pub(super) fn read_input<T: DeserializeOwned>(input: &Value) -> Result<T, ApiError> {
    let empty = json!({});
    let input = if input.is_null() { &empty } else { input };
    T::deserialize(input).map_err(|error| {
        ApiError::new("ValidationException", 400, error.to_string())
            .with("reason", json!("cannotParse"))
    })
}
