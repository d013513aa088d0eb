//! Plans through the whole provider, and the words for what is refused.

use serde_json::{Value as Json, json};
use tfplugin::testing::{Action, Instance, UNKNOWN, text};

use crate::testing::{Fixture, validated};

const TYPE: &str = "drs_recovery_plan";

fn wave(name: &str, more: Json) -> Json {
    let mut wave = json!({ "name": name, "protection_group_ids": [format!("pg-{name}")] });
    wave.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    wave
}

#[tokio::test]
async fn every_mistake_in_a_configuration_has_a_place_and_a_next_step() {
    let plan = |waves: Vec<Json>| json!({ "name": "shop", "waves": waves });
    let cases = [
        plan(vec![]),
        plan(vec![
            wave("a", json!({ "depends_on_waves": ["c"] })),
            wave("b", json!({})),
            wave("c", json!({})),
        ]),
        plan(vec![
            wave("a", json!({})),
            wave("b", json!({ "depends_on_waves": ["A"] })),
        ]),
        plan(vec![
            wave("a", json!({})),
            wave("a", json!({ "protection_group_ids": ["pg-b"] })),
        ]),
        plan(vec![wave("a", json!({ "protection_group_ids": [] }))]),
        plan(vec![wave(
            "a",
            json!({ "wait_time_seconds": -1, "timeout_seconds": 0, "max_in_flight": 0 }),
        )]),
        plan(vec![wave(
            "a",
            json!({ "timeout_seconds": 99_999_999, "launch_order": "RANDOM" }),
        )]),
        plan(vec![wave(
            "a",
            json!({ "source_server_ids": ["web-1"], "protection_group_ids": ["pg-a", null] }),
        )]),
        json!({ "name": " shop", "waves": [wave("a", json!({}))], "execution_timeout_seconds": -5, "digest": "x" }),
    ];
    let mut all = String::new();
    for config in cases {
        all.push_str(&validated(TYPE, config).await);
        all.push('\n');
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn what_is_not_known_yet_is_no_mistake_and_the_rest_is_checked() {
    for config in [
        json!({ "name": UNKNOWN, "waves": UNKNOWN }),
        json!({ "name": "a", "waves": [UNKNOWN] }),
        json!({ "name": "a", "waves": [wave("a", json!({ "protection_group_ids": [UNKNOWN, UNKNOWN] }))] }),
        json!({ "name": "a", "waves": [wave("a", json!({ "depends_on_waves": [UNKNOWN], "source_server_ids": UNKNOWN }))] }),
        json!({ "name": "a", "waves": [
            wave("x", json!({ "name": UNKNOWN, "depends_on_waves": [] })),
            wave("b", json!({ "depends_on_waves": ["a"] })),
        ] }),
        json!({ "name": "a", "waves": [wave("a", json!({
            "checks": UNKNOWN, "before_hooks": UNKNOWN, "after_hooks": [UNKNOWN]
        }))] }),
        json!({ "name": "a", "waves": [wave("a", json!({
            "checks": { "ssm_document": UNKNOWN, "ssm_parameters": { "commands": [UNKNOWN] }, "timeout_seconds": UNKNOWN },
            "before_hooks": [
                { "name": UNKNOWN, "lambda_function": UNKNOWN, "automation_document": UNKNOWN, "parameters": UNKNOWN },
                { "name": "a", "lambda_function": UNKNOWN, "automation_document": "A", "parameters": { "Zone": UNKNOWN } },
                { "name": "b", "lambda_function": "f", "automation_document": UNKNOWN, "account_id": UNKNOWN },
                { "name": "c", "lambda_function": UNKNOWN, "on_failure": UNKNOWN },
            ]
        }))] }),
    ] {
        assert_eq!(validated(TYPE, config).await, "");
    }
    let twice = json!({ "name": "a", "waves": [
        wave("a", json!({ "protection_group_ids": [UNKNOWN] })), wave("a", json!({ "protection_group_ids": [UNKNOWN] })),
    ] });
    assert!(validated(TYPE, twice).await.contains("waves[1].name"));
}

#[tokio::test]
async fn a_number_that_is_not_whole_and_an_element_that_is_null_are_mistakes_of_a_person() {
    let numbers = [json!(1.5), json!(1e30)];
    for config in numbers.map(|number| json!({ "max_in_flight": number })) {
        let config = json!({ "name": "a", "waves": [wave("a", config)] });
        let told = validated(TYPE, config).await;
        assert!(
            told.contains("waves[0].max_in_flight must be a whole number"),
            "{told}"
        );
    }
    let config = json!({ "name": "a", "waves": [wave("a", json!({}))], "tags": { "team": null } });
    let told = validated(TYPE, config).await;
    assert!(
        told.contains("Null Element") && told.contains("tags[\"team\"] is null"),
        "{told}"
    );
}

#[tokio::test]
async fn the_whole_life_of_a_plan() {
    let fixture = Fixture::new().await;
    let (db, web) = (fixture.group("db").await, fixture.group("web").await);
    let mut plan = Instance::new(TYPE);
    let mut config = json!({ "name": "Shop", "waves": [
        { "name": "db", "protection_group_ids": [db.json()["id"]], "launch_order": "SEQUENTIAL" },
        { "name": "web", "protection_group_ids": [web.json()["id"]], "wait_time_seconds": 60 },
    ] });
    let planned = fixture.host.plan(&mut plan, &config).await;
    assert_eq!(planned.text(), "");
    assert_eq!(
        planned.json()["digest"].as_str().unwrap().len(),
        64,
        "the digest is planned"
    );
    assert_eq!(fixture.apply(&mut plan, &config).await, Action::Create);
    let first = plan.json();
    assert_eq!(first["waves"][0]["timeout_seconds"], 7200);

    config["name"] = json!("shop");
    config["tags"] = json!({ "a": "b" });
    assert_eq!(fixture.apply(&mut plan, &config).await, Action::Update);
    assert_eq!(plan.json()["digest"], first["digest"]);
    config["waves"][1]["depends_on_waves"] = json!([]);
    assert_eq!(fixture.apply(&mut plan, &config).await, Action::Update);
    assert_ne!(plan.json()["digest"], first["digest"]);
    assert_eq!(plan.json()["id"], first["id"]);

    for id in [first["id"].as_str().unwrap(), "SHOP"] {
        let mut imported = fixture.host.import(TYPE, id).await.unwrap();
        let report = fixture.host.plan(&mut imported, &config).await;
        assert_eq!(report.action, Action::NoOp, "{:#}", report.json());
    }
    let missing = fixture.host.import(TYPE, "none").await.unwrap_err();
    insta::assert_snapshot!(text(&missing));
    assert_eq!(fixture.host.destroy(&mut plan).await.action, Action::Delete);
}

/// An import has objectives in the words of the store.
#[tokio::test]
async fn an_objective_that_is_only_written_in_another_way_is_no_change() {
    let fixture = Fixture::new().await;
    let db = fixture.group("db").await;
    let mut plan = Instance::new(TYPE);
    let mut config = json!({ "name": "shop", "rto_objective": "90m", "waves": [
        wave("db", json!({ "protection_group_ids": [db.json()["id"]] })),
    ] });
    assert_eq!(fixture.apply(&mut plan, &config).await, Action::Create);
    assert_eq!(plan.json()["rto_objective"], "90m");
    let mut imported = fixture.host.import(TYPE, "shop").await.unwrap();
    for instance in [&mut plan, &mut imported] {
        for same in ["90m", "1h30m0s", "5400s"] {
            config["rto_objective"] = json!(same);
            let report = fixture.host.plan(instance, &config).await;
            assert_eq!((report.action, report.text().as_str()), (Action::NoOp, ""));
        }
    }
    config["rto_objective"] = json!("91m");
    assert_eq!(fixture.apply(&mut plan, &config).await, Action::Update);
    assert_eq!(plan.json()["rto_objective"], "91m");
}

#[tokio::test]
async fn groups_of_the_same_apply_are_not_known_and_become_known() {
    let fixture = Fixture::new().await;
    let db = fixture.group("db").await;
    let mut plan = Instance::new(TYPE);
    let planned = json!({ "name": "shop", "waves": [wave("db", json!({ "protection_group_ids": [UNKNOWN] }))] });
    let applied = json!({ "name": "shop", "waves": [wave("db", json!({ "protection_group_ids": [db.json()["id"]] }))] });
    let report = fixture.host.apply_with(&mut plan, &planned, &applied).await;
    assert!(!report.diagnostics.has_errors(), "{}", report.text());
    assert_eq!(report.json()["digest"], UNKNOWN);
    assert_eq!(
        fixture.host.plan(&mut plan, &applied).await.action,
        Action::NoOp
    );
}

#[tokio::test]
async fn what_would_keep_an_execution_from_starting_is_seen_at_plan_time() {
    let fixture = Fixture::new().await;
    let group = |name: &str, tags: Json| json!({ "name": name, "server_selection_tags": tags });
    let mut shop = Instance::new("drs_protection_group");
    fixture
        .apply(&mut shop, &group("all", json!({ "Application": "shop" })))
        .await;
    let mut none = Instance::new("drs_protection_group");
    fixture
        .apply(&mut none, &group("none", json!({ "Application": "SHOP" })))
        .await;
    let web = fixture.group("web").await;
    let mut taken = Instance::new(TYPE);
    let waves = json!([wave(
        "w",
        json!({ "protection_group_ids": [web.json()["id"]] })
    )]);
    fixture
        .apply(&mut taken, &json!({ "name": "Taken", "waves": waves }))
        .await;
    let (shop, none, web) = (
        shop.json()["id"].clone(),
        none.json()["id"].clone(),
        web.json()["id"].clone(),
    );
    let of = |groups: Json| json!({ "protection_group_ids": groups });
    let cases = [
        json!({ "name": "a", "waves": [wave("w", of(json!([web, "pg-there-is-none"])))] }),
        json!({ "name": "a", "waves": [wave("w", of(json!([none])))] }),
        json!({ "name": "a", "waves": [wave("w", of(json!([shop]))), wave("x", of(json!([web])))] }),
        json!({ "name": "TAKEN", "waves": [wave("w", of(json!([web])))] }),
        json!({ "name": "a", "waves": [wave("w", json!({
            "protection_group_ids": [web], "source_server_ids": ["s-00000000000000000"]
        }))] }),
    ];
    let mut all = String::new();
    for config in cases {
        all.push_str(
            &fixture
                .host
                .plan(&mut Instance::new(TYPE), &config)
                .await
                .text(),
        );
        all.push('\n');
    }
    for (tier, prefix) in [("web", "web"), ("app", "app"), ("db", "db")] {
        for (index, id) in fixture.servers(tier).await.iter().enumerate() {
            all = all.replace(id, &format!("<{prefix}-{}>", index + 1));
        }
    }
    insta::assert_snapshot!(all.replace(taken.json()["id"].as_str().unwrap(), "<taken>"));
}
