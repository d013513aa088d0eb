//! Templates of launch and replication settings: at most one of each per account and Region.
//!
//! They can be read; the settings of servers were made from them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::{Scene, read_input};
use super::configuration::default_replication;
use super::error::ApiError;
use super::model::Site;
use super::page::Page;
use super::tags::Tags;
use super::wire;

const LAUNCH: &str = "DescribeLaunchConfigurationTemplates";
const REPLICATION: &str = "DescribeReplicationConfigurationTemplates";

/// A template, with the members that only one of the kinds has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Template {
    pub(super) id: String,
    pub(super) tags: Tags,
    settings: BTreeMap<String, Value>,
}

impl Template {
    /// The launch settings that new servers begin with.
    pub(super) fn of_launches(id: String) -> Self {
        let settings = [
            ("launchDisposition", json!("STARTED")),
            ("targetInstanceTypeRightSizingMethod", json!("NONE")),
            ("copyPrivateIp", json!(false)),
            ("copyTags", json!(true)),
            ("licensing", json!({"osByol": false})),
            ("postLaunchEnabled", json!(false)),
            ("launchIntoSourceInstance", json!(false)),
            ("recoveryMode", json!("OPTIMAL")),
        ];
        let settings = settings
            .map(|(name, value)| (name.to_owned(), value))
            .into();
        Self {
            id,
            tags: Tags::new(),
            settings,
        }
    }

    /// The replication settings that new servers begin with.
    pub(super) fn of_replication(id: String) -> Self {
        Self {
            id,
            tags: Tags::new(),
            settings: default_replication(),
        }
    }

    fn view(&self, site: &Site, kind: &str, id_member: &str) -> Value {
        let mut view = json!({
            id_member: self.id,
            "arn": wire::arn(&site.region, &site.account_id, kind, &self.id),
            "tags": self.tags,
        });
        for (name, value) in &self.settings {
            view[name] = value.clone();
        }
        view
    }
}

#[derive(Deserialize)]
struct Input {
    #[serde(rename = "launchConfigurationTemplateIDs", default)]
    launch: Vec<String>,
    #[serde(rename = "replicationConfigurationTemplateIDs", default)]
    replication: Vec<String>,
}

/// Answers `DescribeLaunchConfigurationTemplates`.
pub(super) fn describe_launch(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    let site = scene.initialized()?;
    let (page, Input { launch: ids, .. }) = (Page::of(LAUNCH, scene, input)?, read_input(input)?);
    let view = |template: &Template| {
        template.view(
            site,
            "launch-configuration-template",
            "launchConfigurationTemplateID",
        )
    };
    listed(&page, site.launch_template.as_ref(), &ids, view)
}

/// Answers `DescribeReplicationConfigurationTemplates`.
pub(super) fn describe_replication(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    let site = scene.initialized()?;
    let (
        page,
        Input {
            replication: ids, ..
        },
    ) = (Page::of(REPLICATION, scene, input)?, read_input(input)?);
    let view = |template: &Template| {
        template.view(
            site,
            "replication-configuration-template",
            "replicationConfigurationTemplateID",
        )
    };
    listed(&page, site.replication_template.as_ref(), &ids, view)
}

fn listed(
    page: &Page,
    template: Option<&Template>,
    ids: &[String],
    view: impl Fn(&Template) -> Value,
) -> Result<Value, ApiError> {
    let after = page.after()?;
    let wanted = template.filter(|template| ids.is_empty() || ids.contains(&template.id));
    let rest = wanted.filter(|template| after.as_ref().is_none_or(|after| template.id > *after));
    let items = rest
        .into_iter()
        .map(|template| (template.id.clone(), template));
    Ok(page.cut(items, view))
}
