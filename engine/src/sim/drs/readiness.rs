//! What launches will meet, read from the world.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{SimDrs, unreadable};
use crate::ids::{InstanceId, ServerId, Target};
use crate::ports::{
    Action, CallError, LaunchSettings, LaunchTemplate, Readiness, Subnet, is_standard,
};

impl Readiness for SimDrs {
    async fn launch_settings(
        &self,
        target: &Target,
        server: &ServerId,
    ) -> Result<LaunchSettings, CallError> {
        const CALL: &str = "drs:GetLaunchConfiguration";
        let input = json!({"sourceServerID": server});
        let pages = self.look(target, CALL, input).await?;
        let settings = pages.first().ok_or_else(|| unreadable(CALL))?;
        let into = &settings["launchIntoInstanceProperties"]["launchIntoEC2InstanceID"];
        Ok(LaunchSettings {
            template: text(&settings["ec2LaunchTemplateID"]),
            stopped: settings["launchDisposition"] == "STOPPED",
            into_instance: text(into).map(InstanceId::new),
        })
    }

    async fn launch_templates(
        &self,
        target: &Target,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, LaunchTemplate>, CallError> {
        const CALL: &str = "ec2:DescribeLaunchTemplateVersions";
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let input = json!({"Versions": ["$Default"]});
        let pages = self.look(target, CALL, input).await?;
        let listed = listed(&pages, "launchTemplateVersionSet");
        let known = listed.filter_map(|version| {
            let id = text(&version["launchTemplateId"]).filter(|id| ids.contains(id))?;
            let data = &version["launchTemplateData"];
            let interfaces = data["networkInterfaceSet"].as_array();
            let subnets: Vec<Option<String>> = interfaces
                .into_iter()
                .flatten()
                .map(|interface| text(&interface["subnetId"]))
                .collect();
            let template = LaunchTemplate {
                leaves_subnet_open: subnets.is_empty() || subnets.iter().any(Option::is_none),
                subnets: subnets.into_iter().flatten().collect(),
                instance_type: text(&data["instanceType"]),
            };
            Some((id, template))
        });
        Ok(known.collect())
    }

    async fn subnets(
        &self,
        target: &Target,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Subnet>, CallError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let input = json!({"Filters": [{"Name": "subnet-id", "Values": ids}]});
        let pages = self.look(target, "ec2:DescribeSubnets", input).await?;
        let known = listed(&pages, "subnetSet").filter_map(|subnet| {
            let free = subnet["availableIpAddressCount"].as_u64()?;
            let tags = subnet["tagSet"].as_array();
            let tags = tags
                .into_iter()
                .flatten()
                .filter_map(|tag| Some((text(&tag["key"])?, text(&tag["value"])?)));
            let read = Subnet {
                free_addresses: u32::try_from(free).unwrap_or(u32::MAX),
                tags: tags.collect(),
            };
            Some((text(&subnet["subnetId"])?, read))
        });
        Ok(known.collect())
    }

    async fn vcpus_of(
        &self,
        target: &Target,
        types: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, u32>, CallError> {
        if types.is_empty() {
            return Ok(BTreeMap::new());
        }
        let input = json!({"Filters": [{"Name": "instance-type", "Values": types}]});
        let pages = self
            .look(target, "ec2:DescribeInstanceTypes", input)
            .await?;
        let known = listed(&pages, "instanceTypeSet").filter_map(|one| {
            let vcpus = one["vCpuInfo"]["defaultVCpus"].as_u64()?;
            Some((text(&one["instanceType"])?, u32::try_from(vcpus).ok()?))
        });
        Ok(known.collect())
    }

    async fn vcpu_quota(&self, target: &Target) -> Result<u32, CallError> {
        const CALL: &str = "servicequotas:GetServiceQuota";
        let input = json!({"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"});
        let pages = self.look(target, CALL, input).await?;
        let value = pages
            .first()
            .and_then(|body| body["Quota"]["Value"].as_f64());
        value
            .map(|value| value as u32)
            .ok_or_else(|| unreadable(CALL))
    }

    async fn vcpus_running(&self, target: &Target) -> Result<u32, CallError> {
        let states = json!(["pending", "running"]);
        let input = json!({"Filters": [{"Name": "instance-state-name", "Values": states}]});
        let pages = self.look(target, "ec2:DescribeInstances", input).await?;
        let reservations = listed(&pages, "reservationSet");
        let instances =
            reservations.filter_map(|reservation| reservation["instancesSet"].as_array());
        let standard = instances
            .flatten()
            .filter(|one| is_standard(one["instanceType"].as_str().unwrap_or_default()));
        let vcpus = standard.filter_map(|one| {
            let options = &one["cpuOptions"];
            Some(options["coreCount"].as_u64()? * options["threadsPerCore"].as_u64()?)
        });
        Ok(u32::try_from(vcpus.sum::<u64>()).unwrap_or(u32::MAX))
    }

    async fn is_there(&self, target: &Target, action: &Action) -> Result<bool, CallError> {
        let (call, input) = match action {
            Action::Lambda { function } => (
                "lambda:GetFunctionConfiguration",
                json!({"FunctionName": function}),
            ),
            Action::Automation { document, .. } | Action::Command { document, .. } => {
                ("ssm:DescribeDocument", json!({"Name": document}))
            }
        };
        match self.look(target, call, input).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn listed<'a>(pages: &'a [Value], member: &'a str) -> impl Iterator<Item = &'a Value> {
    let lists = pages.iter().filter_map(move |page| page[member].as_array());
    lists.flatten()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
