//! The model of a protection group, and its way to and from the engine's group.

use std::collections::BTreeMap;

use drs_engine::ids::{ServerId, Target};
use drs_engine::store::group::{Group, GroupConfig, Selection};
use serde::{Deserialize, Serialize};
use tfplugin::{Attr, Diagnostic};

use crate::convert;
use crate::tags::{self, Tags};

/// A protection group in configuration, plan and state.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Model {
    pub(crate) id: Attr<String>,
    pub(crate) name: Attr<String>,
    pub(crate) description: Attr<String>,
    pub(crate) account_id: Attr<String>,
    pub(crate) region: Attr<String>,
    pub(crate) source_server_ids: Attr<Vec<Attr<String>>>,
    pub(crate) server_selection_tags: Attr<BTreeMap<String, String>>,
    pub(crate) tags: Attr<Tags>,
    pub(crate) tags_all: Attr<Tags>,
    pub(crate) digest: Attr<String>,
}

impl Model {
    /// How servers are selected. Unknown while any part of it is; null when there is no way or there are two.
    pub(crate) fn selection(&self) -> Attr<Selection> {
        match (
            convert::whole(&self.source_server_ids),
            &self.server_selection_tags,
        ) {
            (Attr::Unknown, _) | (_, Attr::Unknown) => Attr::Unknown,
            (Attr::Known(ids), Attr::Null) => Attr::Known(Selection::Servers(
                ids.into_iter().map(ServerId::new).collect(),
            )),
            (Attr::Null, Attr::Known(tags)) => Attr::Known(Selection::Tags(tags.clone())),
            (Attr::Null, Attr::Null) | (Attr::Known(_), Attr::Known(_)) => Attr::Null,
        }
    }

    /// Where the servers live.
    pub(crate) fn target(&self) -> Option<Target> {
        Some(Target {
            account_id: self.account_id.known()?.clone(),
            region: self.region.known()?.clone(),
        })
    }

    /// The digest, as far as the configuration is known.
    pub(crate) fn digest(&self) -> Attr<String> {
        let (Attr::Known(selection), Some(target)) = (self.selection(), self.target()) else {
            return Attr::Unknown;
        };
        Attr::Known(of_servers(target, selection).digest())
    }

    /// What the engine stores, once everything is known.
    pub(crate) fn to_config(&self, defaults: &Attr<Tags>) -> Result<GroupConfig, Diagnostic> {
        Ok(GroupConfig {
            name: self.name.require("name")?.clone(),
            description: self.description.known().cloned(),
            target: Target {
                account_id: self.account_id.require("account_id")?.clone(),
                region: self.region.require("region")?.clone(),
            },
            selection: self.selection().require("source_server_ids")?.clone(),
            tags: tags::all(defaults, &self.tags).require("tags")?.clone(),
        })
    }

    /// The plan with what is known after writing.
    pub(crate) fn with(mut self, group: &Group) -> Self {
        self.id = group.id.to_string().into();
        self.tags_all = group.config.tags.clone().into();
        self.digest = group.config.digest().into();
        self
    }

    /// The state as the store has it.
    pub(crate) fn read(&self, group: &Group, defaults: &Attr<Tags>) -> Self {
        let config = &group.config;
        let (servers, selected) = match &config.selection {
            Selection::Servers(servers) => (convert::list(servers), Attr::Null),
            Selection::Tags(tags) => (Attr::Null, tags.clone().into()),
        };
        Self {
            id: group.id.to_string().into(),
            name: config.name.clone().into(),
            description: config.description.clone().into(),
            account_id: config.target.account_id.clone().into(),
            region: config.target.region.clone().into(),
            source_server_ids: servers,
            server_selection_tags: selected,
            tags: tags::own(defaults, &self.tags, &config.tags),
            tags_all: config.tags.clone().into(),
            digest: config.digest().into(),
        }
    }
}

/// A group as far as its servers go.
pub(super) fn of_servers(target: Target, selection: Selection) -> GroupConfig {
    GroupConfig {
        name: String::new(),
        description: None,
        target,
        selection,
        tags: Tags::new(),
    }
}
