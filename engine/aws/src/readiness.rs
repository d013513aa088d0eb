//! What launches will meet: launch settings and points in time in DRS, templates, subnets and instance types in EC2, and
//! the vCPU quota.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_drs::types::LaunchDisposition;
use aws_sdk_ec2::types::{
    Filter, Instance, InstanceLifecycleType, LaunchTemplateVersion, ResponseLaunchTemplateData,
};
use drs_engine::ids::{InstanceId, ServerId, Target};
use drs_engine::ports::{
    Action, CallError, Kind, LaunchSettings, LaunchTemplate, Readiness, Subnet, is_standard,
};

use crate::classify::{Call, UNREADABLE_ANSWER};
use crate::drs::{AwsDrs, Clients, FEWEST, all, tried};
use crate::limits;

const LAUNCH_SETTINGS: Call = Call::reads("drs:GetLaunchConfiguration");
const TEMPLATES: Call = Call::reads("ec2:DescribeLaunchTemplateVersions");
const SUBNETS: Call = Call::reads("ec2:DescribeSubnets");
const TYPES: Call = Call::reads("ec2:DescribeInstanceTypes");
const INSTANCES: Call = Call::reads("ec2:DescribeInstances");
const QUOTA: Call = Call::reads("servicequotas:GetServiceQuota");

/// The version of a launch template that DRS launches with.
const DEFAULT_VERSION: &str = "$Default";
/// The code of the quota of vCPUs of running On-Demand Standard instances.
const STANDARD_VCPUS: &str = "L-1216C47A";

impl Clients {
    /// Tries the calls of EC2 that a preflight makes, a few items each.
    pub(crate) async fn try_launch_reads(&self) -> Vec<(Call, Result<(), CallError>)> {
        let templates = self.ec2.describe_launch_template_versions();
        let templates = templates.versions(DEFAULT_VERSION).max_results(FEWEST);
        let subnets = self.ec2.describe_subnets().max_results(FEWEST);
        let types = self.ec2.describe_instance_types().max_results(FEWEST);
        vec![
            (TEMPLATES, tried(TEMPLATES, templates.send().await)),
            (SUBNETS, tried(SUBNETS, subnets.send().await)),
            (TYPES, tried(TYPES, types.send().await)),
        ]
    }
}

impl Readiness for AwsDrs {
    async fn launch_settings(
        &self,
        target: &Target,
        server: &ServerId,
    ) -> Result<LaunchSettings, CallError> {
        let clients = self.clients(LAUNCH_SETTINGS, target).await?;
        let answer = clients
            .reads
            .get_launch_configuration()
            .source_server_id(server.as_str())
            .send()
            .await
            .map_err(|error| LAUNCH_SETTINGS.failed(&error))?;
        let into = answer.launch_into_instance_properties;
        Ok(LaunchSettings {
            template: present(answer.ec2_launch_template_id),
            stopped: answer.launch_disposition == Some(LaunchDisposition::Stopped),
            into_instance: present(into.and_then(|into| into.launch_into_ec2_instance_id))
                .map(InstanceId::new),
        })
    }

    async fn launch_templates(
        &self,
        target: &Target,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, LaunchTemplate>, CallError> {
        let clients = self.clients(TEMPLATES, target).await?;
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        // EC2 takes one id in a call. Without one it lists the default version of every template, a few hundred in a page.
        let call = clients
            .ec2
            .describe_launch_template_versions()
            .versions(DEFAULT_VERSION)
            .max_results(limits::TEMPLATES_PER_PAGE);
        let versions = all(TEMPLATES, |token| {
            let call = call.clone().set_next_token(token);
            async move {
                let page = call
                    .send()
                    .await
                    .map_err(|error| TEMPLATES.failed(&error))?;
                let versions = page.launch_template_versions.unwrap_or_default();
                Ok((versions, page.next_token))
            }
        })
        .await?;
        let wanted = versions.into_iter().filter_map(template);
        Ok(wanted.filter(|(id, _)| ids.contains(id)).collect())
    }

    async fn subnets(
        &self,
        target: &Target,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Subnet>, CallError> {
        let clients = self.clients(SUBNETS, target).await?;
        let mut found = BTreeMap::new();
        // Filters, not lists of ids, here and below: EC2 refuses a whole list for one that does not exist.
        for filter in filters("subnet-id", ids) {
            let call = clients
                .ec2
                .describe_subnets()
                .filters(filter)
                .max_results(limits::PAGE_ITEMS);
            let subnets = all(SUBNETS, |token| {
                let call = call.clone().set_next_token(token);
                async move {
                    let page = call.send().await.map_err(|error| SUBNETS.failed(&error))?;
                    Ok((page.subnets.unwrap_or_default(), page.next_token))
                }
            })
            .await?;
            found.extend(subnets.into_iter().filter_map(subnet));
        }
        Ok(found)
    }

    async fn vcpus_of(
        &self,
        target: &Target,
        types: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, u32>, CallError> {
        let clients = self.clients(TYPES, target).await?;
        let mut found = BTreeMap::new();
        for filter in filters("instance-type", types) {
            let call = clients
                .ec2
                .describe_instance_types()
                .filters(filter)
                .max_results(limits::TYPES_PER_PAGE);
            let types = all(TYPES, |token| {
                let call = call.clone().set_next_token(token);
                async move {
                    let page = call.send().await.map_err(|error| TYPES.failed(&error))?;
                    Ok((page.instance_types.unwrap_or_default(), page.next_token))
                }
            })
            .await?;
            found.extend(types.into_iter().filter_map(|one| {
                let vcpus = one.v_cpu_info.and_then(|info| info.default_v_cpus)?;
                let name = one.instance_type?.as_str().to_owned();
                Some((name, u32::try_from(vcpus).ok()?))
            }));
        }
        Ok(found)
    }

    async fn vcpu_quota(&self, target: &Target) -> Result<u32, CallError> {
        let clients = self.clients(QUOTA, target).await?;
        let answer = clients
            .quotas
            .client()
            .get_service_quota()
            .service_code("ec2")
            .quota_code(STANDARD_VCPUS)
            .send()
            .await
            .map_err(|error| QUOTA.failed(&error))?;
        let value = answer.quota.and_then(|quota| quota.value);
        value
            .filter(|value| (0.0..=f64::from(u32::MAX)).contains(value))
            // In range, so nothing is cut off but a fraction that no quota has.
            .map(|value| value as u32)
            .ok_or_else(|| {
                QUOTA.error(
                    Kind::Refused,
                    UNREADABLE_ANSWER,
                    "the answer names no value of the quota",
                )
            })
    }

    async fn vcpus_running(&self, target: &Target) -> Result<u32, CallError> {
        let clients = self.clients(INSTANCES, target).await?;
        let running = Filter::builder()
            .name("instance-state-name")
            .values("pending")
            .values("running")
            .build();
        let call = clients
            .ec2
            .describe_instances()
            .filters(running)
            .max_results(limits::INSTANCES_PER_PAGE);
        let reservations = all(INSTANCES, |token| {
            let call = call.clone().set_next_token(token);
            async move {
                let page = call
                    .send()
                    .await
                    .map_err(|error| INSTANCES.failed(&error))?;
                Ok((page.reservations.unwrap_or_default(), page.next_token))
            }
        })
        .await?;
        let instances = reservations
            .into_iter()
            .flat_map(|reservation| reservation.instances.unwrap_or_default());
        let vcpus = instances.filter_map(|instance| on_demand_vcpus(&instance));
        Ok(vcpus.fold(0, u32::saturating_add))
    }

    async fn is_there(&self, target: &Target, action: &Action) -> Result<bool, CallError> {
        self.action_is_there(target, action).await
    }
}

/// The vCPUs that an instance takes of the quota; none for a Spot instance and for other families, which have others.
fn on_demand_vcpus(instance: &Instance) -> Option<u32> {
    let is_spot = instance.instance_lifecycle == Some(InstanceLifecycleType::Spot);
    let instance_type = instance.instance_type.as_ref()?;
    if is_spot || !is_standard(instance_type.as_str()) {
        return None;
    }
    let options = instance.cpu_options.as_ref()?;
    let threads = options.threads_per_core.unwrap_or(1);
    u32::try_from(options.core_count?.checked_mul(threads)?).ok()
}

fn template(version: LaunchTemplateVersion) -> Option<(String, LaunchTemplate)> {
    let data = version
        .launch_template_data
        .unwrap_or_else(|| ResponseLaunchTemplateData::builder().build());
    let subnets: Vec<Option<String>> = data
        .network_interfaces
        .unwrap_or_default()
        .into_iter()
        .map(|interface| present(interface.subnet_id))
        .collect();
    let read = LaunchTemplate {
        leaves_subnet_open: subnets.is_empty() || subnets.iter().any(Option::is_none),
        subnets: subnets.into_iter().flatten().collect(),
        instance_type: data.instance_type.map(|one| one.as_str().to_owned()),
    };
    Some((version.launch_template_id?, read))
}

fn subnet(subnet: aws_sdk_ec2::types::Subnet) -> Option<(String, Subnet)> {
    let free = subnet.available_ip_address_count.unwrap_or_default();
    let tags = subnet.tags.unwrap_or_default();
    let tags = tags
        .into_iter()
        .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())));
    let read = Subnet {
        free_addresses: u32::try_from(free).unwrap_or_default(),
        tags: tags.collect(),
    };
    Some((subnet.subnet_id?, read))
}

/// Filters that have these values between them.
fn filters(name: &str, values: &BTreeSet<String>) -> Vec<Filter> {
    let values: Vec<String> = values.iter().cloned().collect();
    let parts = values.chunks(limits::IDS_PER_FILTER);
    parts
        .map(|part| {
            Filter::builder()
                .name(name)
                .set_values(Some(part.to_vec()))
                .build()
        })
        .collect()
}

/// A text that says something.
fn present(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
