//! Plans and applies of a small provider, through the whole server.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Action, Host, Instance, UNKNOWN};
use crate::{
    Attr, Attribute, Catalog, Configure, Configured, Context, Create, DataSource, Delete,
    Diagnostic, Diagnostics, Outcome, Plan, Provider, Read, Resource, Schema, Type, Update,
    async_trait, schema::validator,
};

struct Demo;

#[derive(Deserialize)]
struct Config {
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
        Catalog::new().resource(Thing).data_source(Source)
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
    by_name: Attr<std::collections::BTreeMap<String, Part>>,
    group: Attr<std::collections::BTreeSet<Member>>,
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
            part.serial = Attr::Known(format!("serial of {:?}", part.kind));
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

async fn host() -> Host<Demo> {
    let host = Host::new(Demo);
    let found = host.configure(json!({ "mode": "fast" })).await;
    assert_eq!(
        super::text(&found),
        "Warning: Simulator: Nothing here is real.\n"
    );
    host
}

fn thing() -> Instance {
    Instance::new("demo_thing")
}

#[tokio::test]
async fn the_whole_life_of_a_resource() {
    let host = host().await;
    let mut thing = thing();
    let mut config = json!({
        "name": "a", "labels": ["y", "x", "y"], "secret": "s",
        "parts": [{ "kind": "p" }, { "kind": "q", "count": 7 }],
        "by_name": { "k": { "kind": "m" } },
        "group": [{ "who": "b" }, { "who": "a", "role": "writer" }],
    });
    let report = host.apply(&mut thing, &config).await;
    assert_eq!(report.action, Action::Create);
    assert!(report.diagnostics.is_empty(), "{}", report.text());
    let planned = report.json();
    assert_eq!(planned["size"], 3);
    assert_eq!(planned["id"], UNKNOWN);
    assert_eq!(
        planned["parts"][1],
        json!({ "kind": "q", "count": 7, "serial": UNKNOWN })
    );
    assert_eq!(planned["group"][0], json!({ "who": "b", "role": "reader" }));
    assert_eq!(planned["secret"], json!(null));
    assert_eq!(thing.json()["labels"], json!(["x", "y"]));
    assert_eq!(thing.private, b"s");
    assert_eq!(
        host.plan(&mut thing, &config).await.action,
        Action::NoOp,
        "the second plan is empty"
    );

    config["size"] = json!(4);
    config["parts"][0]["count"] = json!(2);
    let report = host.apply(&mut thing, &config).await;
    assert_eq!(report.action, Action::Update);
    assert_eq!(report.json()["id"], "1", "kept by use_state_for_unknown");
    assert_eq!(report.json()["stamp"], UNKNOWN);
    assert!(
        report.json()["parts"][0]["serial"]
            .as_str()
            .unwrap()
            .contains("serial of")
    );
    assert_eq!(host.plan(&mut thing, &config).await.action, Action::NoOp);

    config["name"] = json!("b");
    let report = host.apply(&mut thing, &config).await;
    assert_eq!(report.action, Action::Replace);
    assert_eq!(report.json()["id"], UNKNOWN);
    assert_eq!(host.plan(&mut thing, &config).await.action, Action::NoOp);
    assert_eq!(host.destroy(&mut thing).await.action, Action::Delete);
    assert!(!thing.exists());
}

#[tokio::test]
async fn unknown_values_are_planned_and_become_known() {
    let host = host().await;
    let mut thing = thing();
    let planned =
        json!({ "name": UNKNOWN, "labels": ["a", UNKNOWN], "parts": [{ "kind": UNKNOWN }] });
    let applied = json!({ "name": "n", "labels": ["a", "b"], "parts": [{ "kind": "k" }] });
    let report = host.apply_with(&mut thing, &planned, &applied).await;
    assert_eq!(report.json()["parts"][0]["kind"], UNKNOWN);
    assert!(report.diagnostics.is_empty(), "{}", report.text());
    assert_eq!(thing.json()["labels"], json!(["a", "b"]));
    assert_eq!(host.plan(&mut thing, &applied).await.action, Action::NoOp);
}

#[tokio::test]
async fn bad_configurations_are_refused_with_their_place() {
    let host = host().await;
    let cases = [
        (json!({}), "(name)"),
        (
            json!({ "name": "much too long" }),
            "between 1 and 9; it is \"much too long\". (name)",
        ),
        (json!({ "name": "a", "id": "x" }), "Read-Only Attribute"),
        (
            json!({ "name": "a", "parts": [{ "kind": "k", "serial": "x" }] }),
            "(parts[0].serial)",
        ),
        (
            json!({ "name": "a", "by_name": { "k": {} } }),
            "(by_name[\"k\"].kind)",
        ),
        (
            json!({ "name": "a", "old": "x" }),
            "Warning: Argument is deprecated: use name (old)",
        ),
        (
            json!({ "name": "refused" }),
            "Error: Refused: Choose another name. (name)",
        ),
        (
            json!({ "name": "panic" }),
            "PlanResourceChange ended with a panic: the plan panicked",
        ),
    ];
    for (config, expected) in cases {
        let report = host.plan(&mut thing(), &config).await;
        assert!(
            report.text().contains(expected),
            "{config}: {}",
            report.text()
        );
    }
}

#[tokio::test]
async fn failures_keep_what_exists() {
    let host = host().await;
    let mut thing = thing();
    let report = host.apply(&mut thing, &json!({ "name": "nothing" })).await;
    assert!(!thing.exists(), "{}", report.text());
    let report = host.apply(&mut thing, &json!({ "name": "explodes" })).await;
    assert!(
        !thing.exists() && report.text().contains("create panicked"),
        "{}",
        report.text()
    );
    let report = host.apply(&mut thing, &json!({ "name": "forgets" })).await;
    assert!(
        report.text().contains("Provider Returned an Unknown Value"),
        "{}",
        report.text()
    );

    let mut thing = Instance::new("demo_thing");
    host.apply(&mut thing, &json!({ "name": "half" })).await;
    assert!(thing.tainted && thing.json()["id"] == "h" && thing.json()["stamp"].is_null());
    assert_eq!(
        host.plan(&mut thing, &json!({ "name": "half" }))
            .await
            .action,
        Action::Replace
    );
    host.apply(&mut thing, &json!({ "name": "whole" })).await;
    assert!(!thing.tainted);

    let before = thing.state.clone();
    let report = host
        .apply(&mut thing, &json!({ "name": "whole", "size": 13 }))
        .await;
    assert!(report.text().contains("Unlucky") && thing.state == before);
    assert!(!thing.tainted);
}

#[tokio::test]
async fn removals_can_be_refused_and_can_fail() {
    let host = host().await;
    for (name, message) in [("keep", "Kept"), ("sticky", "Stuck")] {
        let mut thing = thing();
        host.apply(&mut thing, &json!({ "name": name })).await;
        let report = host.destroy(&mut thing).await;
        assert!(
            report.text().contains(message) && thing.exists(),
            "{}",
            report.text()
        );
    }
    let mut thing = thing();
    host.apply(&mut thing, &json!({ "name": "vanishes" })).await;
    assert_eq!(
        host.plan(&mut thing, &json!({ "name": "vanishes" }))
            .await
            .action,
        Action::Create
    );
}

#[tokio::test]
async fn removing_an_optional_argument_keeps_or_resets_it() {
    let host = host().await;
    let mut thing = thing();
    host.apply(
        &mut thing,
        &json!({ "name": "a", "zone": "z9", "size": 5, "old": "o" }),
    )
    .await;
    let report = host.apply(&mut thing, &json!({ "name": "a" })).await;
    assert_eq!(report.action, Action::Update);
    assert_eq!(
        thing.json()["zone"],
        "z9",
        "computed: the stored value stays"
    );
    assert_eq!(thing.json()["size"], 3, "the default is back");
    assert_eq!(thing.json()["old"], json!(null));
}

#[tokio::test]
async fn imports_and_upgrades() {
    let host = host().await;
    let thing = host.import("demo_thing", "42").await.unwrap();
    assert_eq!(thing.json()["id"], "42");
    let missing = host.import("demo_thing", "none").await.unwrap_err();
    assert!(super::text(&missing).contains("Object Not Found"));
    let (state, found) = host
        .upgrade("demo_thing", 1, &json!({ "title": "t", "gone": true }))
        .await;
    assert!(found.is_empty() && state.attribute("name").as_str() == Some("t"));
}

#[tokio::test]
async fn an_unknown_provider_configuration_only_fails_what_needs_it() {
    let host = Host::new(Demo);
    assert!(host.configure(json!({ "mode": UNKNOWN })).await.is_empty());
    let mut thing = thing();
    assert_eq!(
        host.plan(&mut thing, &json!({ "name": "a" })).await.action,
        Action::Create
    );
    let report = host.apply(&mut thing, &json!({ "name": "a" })).await;
    assert!(
        report.text().contains("Provider Not Configured"),
        "{}",
        report.text()
    );
    host.configure(json!({ "mode": "slow" })).await;
    let (data, found) = host.data("demo_mode", &json!({ "name": "x" })).await;
    assert!(found.is_empty() && data == json!({ "name": "x", "mode": "slow" }));
}

#[tokio::test]
#[should_panic(expected = "old: planned, but neither configured nor computed")]
async fn a_plan_that_breaks_a_rule_fails_the_test() {
    host()
        .await
        .plan(&mut thing(), &json!({ "name": "bad-plan" }))
        .await;
}
