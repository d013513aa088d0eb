//! A provider on a simulator of its own, for the tests of this crate.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value as Json, json};
use tfplugin::testing::{Action, Host, Instance};

use crate::provider::Drs;

/// World time against wall time: a drill of a quarter of an hour takes two seconds, and a wave's two hours twelve.
const SPEED: u32 = 600;

/// A provider that works on a simulator in a directory of its own.
pub(crate) struct Fixture {
    pub(crate) host: Host<Drs>,
    directory: PathBuf,
}

impl Fixture {
    /// A provider on a new simulator with the fleet that is built in.
    pub(crate) async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// The same, with more in the provider block.
    pub(crate) async fn with(config: Json) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory =
            std::env::temp_dir().join(format!("drs-provider-{}-{number}", std::process::id()));
        let host = Host::new(Drs);
        let fixture = Self { host, directory };
        let found = fixture.host.configure(fixture.config(config)).await;
        let text = tfplugin::testing::text(&found);
        assert!(text.starts_with("Warning: Simulator In Use"), "{text}");
        assert!(!found.has_errors(), "{text}");
        fixture
    }

    /// Another process on the same simulator.
    pub(crate) async fn again(&self, config: Json) -> Host<Drs> {
        let host = Host::new(Drs);
        let found = host.configure(self.config(config)).await;
        assert!(!found.has_errors(), "{}", tfplugin::testing::text(&found));
        host
    }

    fn config(&self, more: Json) -> Json {
        let mut config = json!({
            "region": "us-east-1",
            "environment": "test",
            "create_tables": true,
            "simulator": { "path": self.directory.display().to_string(), "speed": SPEED, "seed": 7 },
        });
        if let (Some(config), Json::Object(more)) = (config.as_object_mut(), more) {
            config.extend(more);
        }
        config
    }

    /// Applies, and expects no error and an empty second plan.
    pub(crate) async fn apply(&self, instance: &mut Instance, config: &Json) -> Action {
        let report = self.host.apply(instance, config).await;
        assert!(!report.diagnostics.has_errors(), "{}", report.text());
        let again = self.host.plan(instance, config).await;
        assert_eq!(
            again.action,
            Action::NoOp,
            "{:#}\n{:#}",
            again.json(),
            again.text()
        );
        report.action
    }

    /// The ids of servers of the shop by tier, by host name.
    pub(crate) async fn servers(&self, tier: &str) -> Vec<String> {
        let filters = json!({ "filters": { "tags": { "Application": "shop", "Tier": tier } } });
        let (data, found) = self.host.data("drs_source_servers", &filters).await;
        assert!(!found.has_errors(), "{}", tfplugin::testing::text(&found));
        let ids = data["ids"].as_array().unwrap();
        ids.iter()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect()
    }

    /// A group of the servers of a tier, by tags.
    pub(crate) async fn group(&self, tier: &str) -> Instance {
        let mut group = Instance::new("drs_protection_group");
        let config = json!({ "name": tier, "server_selection_tags": { "Application": "shop", "Tier": tier } });
        assert_eq!(self.apply(&mut group, &config).await, Action::Create);
        group
    }

    /// A plan with one wave for each of these groups.
    pub(crate) async fn plan(&self, name: &str, groups: &[&Instance]) -> Instance {
        let mut plan = Instance::new("drs_recovery_plan");
        let wave = |group: &&Instance| json!({ "name": group.json()["name"], "protection_group_ids": [group.json()["id"]] });
        let waves: Vec<Json> = groups.iter().map(wave).collect();
        assert_eq!(
            self.apply(&mut plan, &json!({ "name": name, "waves": waves }))
                .await,
            Action::Create
        );
        plan
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// The messages of a configuration that is validated without a client, as one text.
pub(crate) async fn validated(type_name: &str, config: Json) -> String {
    tfplugin::testing::text(&Host::new(Drs).validate(type_name, &config).await)
}
