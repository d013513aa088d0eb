//! A small provider with one attribute of every kind, for the tests of this crate.

mod action;
mod function;
mod named;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    Attr, Attribute, Catalog, Configure, Configured, Context, Create, DataSource, Delete,
    Diagnostic, Diagnostics, Outcome, Plan, Provider, Read, Resource, Schema, Type, Update,
    async_trait, schema::validator,
};

pub(super) struct Demo;

#[derive(Deserialize)]
pub(super) struct Config {
    mode: Attr<String>,
}

#[async_trait]
impl Provider for Demo {
    type Config = Config;
    type Client = String;

    fn address(&self) -> &str {
        "registry.terraform.io/example/demo"
    }

    fn schema(&self) -> Schema {
        Schema::new("Demo.").attribute("mode", Attribute::string().optional())
    }

    fn catalog(&self) -> Catalog<String> {
        Catalog::new()
            .resource(Thing)
            .resource(named::Named)
            .resource(named::Placed)
            .data_source(Source)
            .action(action::Ring)
            .function(function::Join)
            .function(function::Answer)
    }

    async fn configure(
        &self,
        request: Configure<Config>,
    ) -> Result<Configured<String>, Diagnostics> {
        match request.config.mode {
            Attr::Unknown => Ok(Configured::later()),
            mode => Ok(Configured::ready(mode.into_known().unwrap_or_default())
                .with(Diagnostic::warning("Simulator", "Nothing here is real."))),
        }
    }
}

struct Thing;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Model {
    id: Attr<String>,
    name: Attr<String>,
    zone: Attr<String>,
    size: Attr<i64>,
    secret: Attr<String>,
    labels: Attr<Vec<String>>,
    parts: Attr<Vec<Part>>,
    by_name: Attr<BTreeMap<String, Part>>,
    group: Attr<BTreeSet<Member>>,
    stamp: Attr<String>,
    old: Attr<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Part {
    kind: Attr<String>,
    count: Attr<i64>,
    serial: Attr<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    who: Attr<String>,
    role: Attr<String>,
}

impl Model {
    fn filled(mut self, id: &str) -> Self {
        self.id = id.into();
        self.stamp = Attr::Known(format!("stamp of {:?}", self.size));
        if self.zone.is_unknown() {
            self.zone = "z1".into();
        }
        let lists = [self
            .parts
            .known_mut()
            .map(|p| p.iter_mut().collect::<Vec<_>>())];
        let maps = self
            .by_name
            .known_mut()
            .map(|m| m.values_mut().collect::<Vec<_>>());
        for part in lists.into_iter().flatten().chain(maps).flatten() {
            if part.serial.is_unknown() {
                part.serial = Attr::Known(format!("serial of {:?}", part.kind));
            }
        }
        self
    }
}

#[async_trait]
impl Resource for Thing {
    type Model = Model;
    type Client = String;

    fn type_name(&self) -> &'static str {
        "demo_thing"
    }

    fn schema(&self) -> Schema {
        let part = || {
            [
                ("kind", Attribute::string().required()),
                ("count", Attribute::number().default_value(1_i64)),
                (
                    "serial",
                    Attribute::string().computed().use_state_for_unknown(),
                ),
            ]
        };
        let member = [
            ("who", Attribute::string().required()),
            ("role", Attribute::string().default_value("reader")),
        ];
        Schema::new("Thing.")
            .version(2)
            .attribute("id", Attribute::string().computed().use_state_for_unknown())
            .attribute(
                "name",
                Attribute::string()
                    .required()
                    .requires_replace()
                    .validate(validator::length(1, 9)),
            )
            .attribute(
                "zone",
                Attribute::string()
                    .optional()
                    .computed()
                    .use_state_for_unknown(),
            )
            .attribute("size", Attribute::number().default_value(3_i64))
            .attribute("secret", Attribute::string().optional().write_only())
            .attribute("labels", Attribute::set(Type::String).optional())
            .attribute("parts", Attribute::list_nested(part()).optional())
            .attribute("by_name", Attribute::map_nested(part()).optional())
            .attribute("group", Attribute::set_nested(member).optional())
            .attribute("stamp", Attribute::string().computed())
            .attribute("old", Attribute::string().optional().deprecated("use name"))
    }

    async fn modify_plan(&self, _: &Context<String>, plan: &mut Plan<Model>) {
        let name = plan.planned.as_ref().and_then(|m| m.name.known().cloned());
        match name.as_deref() {
            Some("refused") => plan.refuse("name", "Refused", "Choose another name."),
            Some("bad-plan") => {
                if let Some(planned) = &mut plan.planned {
                    planned.old = "nobody set this".into();
                }
            }
            Some("panic") => panic!("the plan panicked"),
            _ => {}
        }
        if plan.is_destroy()
            && plan
                .prior
                .as_ref()
                .is_some_and(|m| m.name.known().is_some_and(|n| n == "keep"))
        {
            plan.diagnostics
                .push(Diagnostic::error("Kept", "It cannot be removed."));
        }
    }

    async fn create(
        &self,
        cx: &Context<String>,
        request: Create<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        cx.client()?;
        assert!(
            request.planned.secret.is_null(),
            "write-only values are never planned"
        );
        let secret = request.config.secret.into_known().unwrap_or_default();
        let name = request.planned.name.require("name")?.clone();
        match name.as_str() {
            "explodes" => panic!("create panicked"),
            "nothing" => return Err(Diagnostic::error("Failed", "Nothing was made.").into()),
            "half" => {
                let half = Model {
                    id: "h".into(),
                    ..request.planned
                };
                return Ok(
                    Outcome::state(half).with(Diagnostic::error("Half", "Only half was made."))
                );
            }
            "forgets" => return Ok(Outcome::state(request.planned)),
            _ => {}
        }
        Ok(Outcome::state(request.planned.filled("1")).with_private(secret.into_bytes()))
    }

    async fn read(
        &self,
        _: &Context<String>,
        request: Read<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        match request.state.name.known().map(String::as_str) {
            Some("vanishes") => Ok(Outcome::gone()),
            _ => Ok(Outcome::state(request.state)),
        }
    }

    async fn update(
        &self,
        _: &Context<String>,
        request: Update<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        if request.planned.size == Attr::Known(13) {
            return Err(Diagnostic::error("Unlucky", "Nothing was changed.")
                .at("size")
                .into());
        }
        Ok(Outcome::state(request.planned.filled("1")))
    }

    async fn delete(
        &self,
        _: &Context<String>,
        request: Delete<Model>,
    ) -> Result<Outcome<Model>, Diagnostics> {
        match request.prior.name.known().map(String::as_str) {
            Some("sticky") => Err(Diagnostic::error("Stuck", "It is still there.").into()),
            _ => Ok(Outcome::gone()),
        }
    }

    async fn import(&self, _: &Context<String>, id: &str) -> Result<Outcome<Model>, Diagnostics> {
        if id == "none" {
            return Ok(Outcome::gone());
        }
        Ok(Outcome::state(Model {
            id: id.into(),
            name: "imported".into(),
            ..Model::default()
        }))
    }

    async fn upgrade(
        &self,
        version: i64,
        mut state: serde_json::Value,
    ) -> Result<serde_json::Value, Diagnostics> {
        assert_eq!(version, 1);
        let title = state["title"].take();
        state["name"] = title;
        Ok(state)
    }
}

struct Source;

#[derive(Deserialize, Serialize)]
struct SourceModel {
    name: Attr<String>,
    mode: Attr<String>,
}

#[async_trait]
impl DataSource for Source {
    type Model = SourceModel;
    type Client = String;

    fn type_name(&self) -> &'static str {
        "demo_mode"
    }

    fn schema(&self) -> Schema {
        Schema::new("Mode.")
            .attribute("name", Attribute::string().required())
            .attribute("mode", Attribute::string().computed())
    }

    async fn read(
        &self,
        cx: &Context<String>,
        config: SourceModel,
    ) -> Result<Outcome<SourceModel>, Diagnostics> {
        let mode = cx.client()?.as_str().into();
        Ok(Outcome::state(SourceModel { mode, ..config }))
    }
}
