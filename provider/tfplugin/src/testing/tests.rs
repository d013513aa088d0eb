//! Plans and applies of a small provider, through the whole server.

mod action;
mod function;
mod identity;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{Action, Host, Instance, UNKNOWN, demo::Demo};

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
            "between 1 and 9 characters; it is \"much too long\". (name)",
        ),
        (json!({ "name": "a", "id": "x" }), "Read-Only Attribute"),
        (
            json!({ "name": "a", "parts": [{ "kind": "k", "serial": "x" }] }),
            "attribute parts[0].serial: the provider decides it. Remove it from the configuration. (parts[0])",
        ),
        (
            json!({ "name": "a", "by_name": { "k": {} } }),
            "The argument by_name[\"k\"].kind is required, but no value was set. (by_name[\"k\"])",
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
    host.configure(json!({ "mode": "fast" })).await;
    host.apply(&mut thing, &json!({ "name": "a" })).await;
    host.configure(json!({ "mode": UNKNOWN })).await;
    let report = host.plan(&mut thing, &json!({ "name": "b" })).await;
    assert_eq!(
        report.action,
        Action::Replace,
        "what exists is planned, too"
    );
    assert!(report.text().contains("Not Refreshed") && !report.diagnostics.has_errors());
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

/// A configuration of a `demo_thing`, wholly known.
fn any_config() -> impl Strategy<Value = Json> {
    let text = || prop::option::of("[ab]{1,2}");
    let part = ("[ab]", prop::option::of(0..3_i64))
        .prop_map(|(kind, count)| json!({ "kind": kind, "count": count }));
    // Members that only a default tells apart from each other would be one member after planning, which Terraform refuses.
    let member = |(who, role): (String, Option<String>)| json!({ "who": who, "role": role });
    let parts = prop::option::of(prop::collection::vec(part.clone(), 0..3));
    let by_name = prop::option::of(prop::collection::btree_map("[xy]", part, 0..3));
    let group = prop::collection::btree_map("[ab]", text(), 0..3)
        .prop_map(move |members| members.into_iter().map(member).collect::<Vec<Json>>());
    let group = prop::option::of(group);
    let labels = prop::option::of(prop::collection::vec("[ab]", 0..3));
    let lists = (parts, by_name, group, labels);
    let rest = ("[ab]", text(), prop::option::of(0..3_i64), text());
    (rest, lists).prop_map(
        |((name, zone, size, secret), (parts, by_name, group, labels))| {
            json!({
                "name": name, "zone": zone, "size": size, "secret": secret,
                "parts": parts, "by_name": by_name, "group": group, "labels": labels,
            })
        },
    )
}

/// The same configuration with some values not yet known.
fn masked(config: &Json, choices: &mut impl Iterator<Item = bool>) -> Json {
    match config {
        Json::Null => Json::Null,
        _ if choices.next().unwrap_or(false) => json!(UNKNOWN),
        Json::Array(items) => items.iter().map(|item| masked(item, choices)).collect(),
        Json::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), masked(value, choices)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

fn known_at_the_root(config: &Json, choices: Vec<bool>) -> Json {
    masked(config, &mut std::iter::once(false).chain(choices))
}

proptest! {
    /// The host panics when a plan, a final plan or a state breaks a rule of Terraform.
    #[test]
    fn any_life_keeps_the_rules_and_every_second_plan_is_empty(
        steps in prop::collection::vec((any_config(), prop::collection::vec(prop::bool::weighted(0.2), 12)), 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let host = host().await;
            let mut thing = thing();
            for (config, choices) in steps {
                let planned = known_at_the_root(&config, choices);
                let report = host.apply_with(&mut thing, &planned, &config).await;
                assert!(!report.diagnostics.has_errors(), "{}", report.text());
                assert_eq!(host.plan(&mut thing, &config).await.action, Action::NoOp);
            }
            host.destroy(&mut thing).await;
            assert!(!thing.exists());
        });
    }
}
