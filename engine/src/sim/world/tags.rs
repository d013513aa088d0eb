//! Tags of DRS resources.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Scene, Stage, read_input};
use super::error::ApiError;
use super::model::Site;
use super::wire;

/// Tags of one resource.
pub(crate) const TAGS_PER_RESOURCE: usize = 50;
/// Characters of a key or a value.
pub(crate) const TAG_CHARS: usize = 256;

/// Tags by key.
pub(super) type Tags = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    resource_arn: String,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    tag_keys: Vec<String>,
}

/// Answers `ListTagsForResource`.
pub(super) fn list(scene: &Scene<'_>, input: &Value) -> Result<Value, ApiError> {
    let input: Input = read_input(input)?;
    let resource = Resource::of(scene.account_id, scene.region, &input.resource_arn)?;
    let tags = scene.site.and_then(|site| resource.tags(site, scene));
    Ok(json!({"tags": tags.ok_or_else(|| resource.missing())?}))
}

/// Carries out `TagResource`: the given keys are set, others stay.
pub(super) fn tag(stage: &mut Stage<'_>, input: &Value) -> Result<(), ApiError> {
    let input: Input = read_input(input)?;
    check(&input.tags)?;
    let resource = Resource::of(
        &stage.site.account_id,
        &stage.site.region,
        &input.resource_arn,
    )?;
    let tags = resource.tags_mut(stage)?;
    let new = input
        .tags
        .keys()
        .filter(|key| !tags.contains_key(*key))
        .count();
    if tags.len() + new > TAGS_PER_RESOURCE {
        return Err(too_many());
    }
    tags.extend(input.tags);
    Ok(())
}

/// Carries out `UntagResource`. Keys that are not there are not missed.
pub(super) fn untag(stage: &mut Stage<'_>, input: &Value) -> Result<(), ApiError> {
    let input: Input = read_input(input)?;
    let resource = Resource::of(
        &stage.site.account_id,
        &stage.site.region,
        &input.resource_arn,
    )?;
    let tags = resource.tags_mut(stage)?;
    tags.retain(|key, _| !input.tag_keys.contains(key));
    Ok(())
}

/// The refusal of a tag where there is no resource at all.
pub(super) fn nothing_here(input: &Value) -> ApiError {
    let arn = input["resourceArn"].as_str().unwrap_or_default();
    ApiError::not_found("resource", arn)
}

/// Refuses tags that no resource can have.
pub(super) fn check(tags: &Tags) -> Result<(), ApiError> {
    if tags.len() > TAGS_PER_RESOURCE {
        return Err(too_many());
    }
    for (key, value) in tags {
        let wrong = if key.is_empty() {
            "a key must not be empty"
        } else if key.to_lowercase().starts_with("aws:") {
            "keys that begin with aws: are reserved"
        } else if key.chars().count() > TAG_CHARS || value.chars().count() > TAG_CHARS {
            "keys and values have at most 256 characters"
        } else {
            continue;
        };
        return Err(ApiError::validation(&[(
            format!("tags.{key}"),
            wrong.to_owned(),
        )]));
    }
    Ok(())
}

fn too_many() -> ApiError {
    ApiError::validation(&[(
        "tags".to_owned(),
        format!("a resource has at most {TAGS_PER_RESOURCE} tags"),
    )])
}

/// What an ARN names.
struct Resource {
    kind: String,
    id: String,
}

impl Resource {
    /// Reads an ARN. One of another account or Region names nothing here; one with wild cards is not an ARN.
    fn of(account_id: &str, region: &str, arn: &str) -> Result<Self, ApiError> {
        let wrong = |message: String| ApiError::validation(&[("resourceArn".to_owned(), message)]);
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, "drs", its_region, its_account, resource] = parts[..] else {
            return Err(wrong(format!("`{arn}` is not an ARN of DRS")));
        };
        let (kind, id) = resource.split_once('/').unwrap_or((resource, ""));
        if id.is_empty() || arn.contains(['*', '?']) {
            return Err(wrong(format!("`{arn}` does not name one resource")));
        }
        let resource = Self {
            kind: kind.to_owned(),
            id: id.to_owned(),
        };
        let here = partition == wire::partition(region)
            && its_region == region
            && its_account == account_id;
        if here {
            Ok(resource)
        } else {
            Err(resource.missing())
        }
    }

    fn missing(&self) -> ApiError {
        ApiError::not_found(&self.kind, &self.id)
    }

    fn tags<'a>(&self, site: &'a Site, scene: &Scene<'_>) -> Option<&'a Tags> {
        match self.kind.as_str() {
            "source-server" => site.servers.get(&self.id).map(|server| &server.tags),
            "job" => site.job(&self.id).map(|job| &job.tags),
            "recovery-instance" => {
                let record = site.records.get(&self.id)?;
                record.is_listed(scene.now).then_some(&record.tags)
            }
            "launch-configuration-template" => site
                .launch_template
                .as_ref()
                .filter(|own| own.id == self.id)
                .map(|own| &own.tags),
            "replication-configuration-template" => site
                .replication_template
                .as_ref()
                .filter(|own| own.id == self.id)
                .map(|own| &own.tags),
            _ => None,
        }
    }

    fn tags_mut<'a>(&self, stage: &'a mut Stage<'_>) -> Result<&'a mut Tags, ApiError> {
        let now = stage.now;
        let site = &mut *stage.site;
        let tags = match self.kind.as_str() {
            "source-server" => site
                .servers
                .get_mut(&self.id)
                .map(|server| &mut server.tags),
            "job" => site.job_mut(&self.id).map(|job| &mut job.tags),
            "recovery-instance" => {
                let record = site
                    .records
                    .get_mut(&self.id)
                    .filter(|record| record.is_listed(now));
                record.map(|record| &mut record.tags)
            }
            "launch-configuration-template" => site
                .launch_template
                .as_mut()
                .filter(|own| own.id == self.id)
                .map(|own| &mut own.tags),
            "replication-configuration-template" => site
                .replication_template
                .as_mut()
                .filter(|own| own.id == self.id)
                .map(|own| &mut own.tags),
            _ => None,
        };
        tags.ok_or_else(|| self.missing())
    }
}
