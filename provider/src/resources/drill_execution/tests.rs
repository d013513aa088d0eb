//! Drills through the whole provider: run, read, imported, interrupted, taken over, cleaned up.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tfplugin::testing::{Action, Instance, UNKNOWN, text};

use crate::testing::{Fixture, validated};

const TYPE: &str = "drs_drill_execution";

/// A plan of the web tier, and a drill of it.
async fn web(fixture: &Fixture) -> (Instance, Json) {
    let group = fixture.group("web").await;
    let plan = fixture.plan("web", &[&group]).await;
    let config =
        json!({ "recovery_plan_id": plan.json()["id"], "triggers": { "quarter": "2026-Q4" } });
    (plan, config)
}

#[tokio::test]
async fn every_mistake_in_a_configuration_has_a_place_and_a_next_step() {
    let cases = [
        json!({}),
        json!({ "recovery_plan_id": "rp-1", "cleanup": "sometimes", "status": "COMPLETED" }),
        json!({ "recovery_plan_id": "rp-1", "timeouts": { "create": "-5m", "update": "90", "delete": "9999h" } }),
    ];
    let mut all = String::new();
    for config in cases {
        all.push_str(&validated(TYPE, config).await);
        all.push('\n');
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn a_drill_runs_and_its_second_plan_is_empty() {
    let fixture = Fixture::new().await;
    let (plan, mut config) = web(&fixture).await;
    let mut drill = Instance::new(TYPE);
    assert_eq!(fixture.apply(&mut drill, &config).await, Action::Create);
    let state = drill.json();
    assert_eq!(state["status"], "COMPLETED", "{state:#}");
    assert_eq!(state["plan_name"], "web");
    assert_eq!(state["servers"].as_array().unwrap().len(), 2);
    assert_eq!(state["waves"][0]["launched"], 2);
    for server in state["servers"].as_array().unwrap() {
        assert_eq!(server["status"], "LAUNCHED");
        assert!(
            server["instance_id"].as_str().unwrap().starts_with("i-"),
            "{server}"
        );
        assert!(
            server["job_id"].as_str().unwrap().starts_with("drsjob-"),
            "{server}"
        );
    }
    assert_eq!(state["instances_terminated"], false);

    let mut imported = fixture
        .host
        .import(TYPE, state["id"].as_str().unwrap())
        .await
        .unwrap();
    let report = fixture.host.plan(&mut imported, &config).await;
    assert_eq!(report.action, Action::NoOp, "{:#}", report.json());
    let missing = fixture.host.import(TYPE, "exec-none").await.unwrap_err();
    insta::assert_snapshot!(text(&missing));

    let read = json!({ "recovery_plan_id": plan.json()["id"] });
    let (data, found) = fixture.host.data("drs_execution", &read).await;
    assert!(found.is_empty(), "{}", text(&found));
    assert_eq!(data["id"], state["id"]);
    assert_eq!(data["servers"], state["servers"]);
    assert!(
        data["timeline"]
            .as_str()
            .unwrap()
            .contains("web-1 LAUNCHED"),
        "{}",
        data["timeline"]
    );

    config["fail_on_unsuccessful"] = json!(false);
    config["timeouts"] = json!({ "delete": "2h" });
    assert_eq!(fixture.apply(&mut drill, &config).await, Action::Update);
    assert_eq!(
        drill.json()["id"],
        state["id"],
        "what is set beside the run changes nothing about it"
    );

    config["cleanup"] = json!("always");
    let report = fixture.host.plan(&mut drill, &config).await;
    assert_eq!(report.json()["instances_terminated"], UNKNOWN);
    assert_eq!(fixture.apply(&mut drill, &config).await, Action::Update);
    assert_eq!(drill.json()["instances_terminated"], true);

    config["triggers"]["quarter"] = json!("2027-Q1");
    assert_eq!(fixture.apply(&mut drill, &config).await, Action::Replace);
    assert_ne!(drill.json()["id"], state["id"]);
    assert_eq!(
        fixture.host.destroy(&mut drill).await.action,
        Action::Delete
    );
    assert!(!drill.exists());
}

#[tokio::test]
async fn destroying_a_drill_terminates_what_it_launched() {
    let fixture = Fixture::new().await;
    let (_, config) = web(&fixture).await;
    let mut drill = Instance::new(TYPE);
    fixture.apply(&mut drill, &config).await;
    let id = drill.json()["id"].clone();
    let report = fixture.host.destroy(&mut drill).await;
    assert!(!drill.exists(), "{}", report.text());
    let (data, _) = fixture
        .host
        .data("drs_execution", &json!({ "id": id }))
        .await;
    assert_eq!(data["instances_terminated"], true);
    assert!(
        data["timeline"]
            .as_str()
            .unwrap()
            .contains("terminated: nothing is left"),
        "{}",
        data["timeline"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_drill_is_followed_by_the_next_apply() {
    let fixture = Fixture::new().await;
    let (_, config) = web(&fixture).await;
    let mut drill = Instance::new(TYPE);
    let interrupt = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        fixture.host.stop().await;
    };
    let (report, ()) = tokio::join!(fixture.host.apply(&mut drill, &config), interrupt);
    assert!(
        !report.diagnostics.has_errors() && !drill.tainted,
        "{}",
        report.text()
    );
    let id = drill.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(drill.json()["status"], "RUNNING");
    insta::assert_snapshot!(masked(&report.text(), &id));

    let report = fixture.host.plan(&mut drill, &config).await;
    if drill.json()["status"] == "RUNNING" {
        assert_eq!(report.action, Action::Update);
        assert_eq!(report.json()["status"], UNKNOWN);
        assert_eq!(report.json()["id"], id.as_str());
        insta::assert_snapshot!(masked(&report.text(), &id));
    }
    let began = std::time::Instant::now();
    assert_eq!(fixture.apply(&mut drill, &config).await, Action::Update);
    assert_eq!(drill.json()["id"], id.as_str());
    assert_eq!(drill.json()["status"], "COMPLETED");
    let took = began.elapsed();
    assert!(
        took < Duration::from_secs(20),
        "whoever stops in order is not waited for: {took:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_apply_left_behind_is_taken_up() {
    let fixture = Fixture::new().await;
    let (_, config) = web(&fixture).await;
    // The state of the first apply is lost, as after kill -9.
    let mut lost = Instance::new(TYPE);
    let interrupt = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        fixture.host.stop().await;
    };
    let _ = tokio::join!(fixture.host.apply(&mut lost, &config), interrupt);
    let host = fixture.again(json!({})).await;
    let mut drill = Instance::new(TYPE);
    let report = host.apply(&mut drill, &config).await;
    assert!(!report.diagnostics.has_errors(), "{}", report.text());
    assert_eq!(
        drill.json()["id"],
        lost.json()["id"],
        "no second drill was started"
    );
    assert_eq!(drill.json()["status"], "COMPLETED");
    assert!(
        report.text().contains("An Earlier Drill Was Taken Up"),
        "{}",
        report.text()
    );
    assert_eq!(host.plan(&mut drill, &config).await.action, Action::NoOp);

    // Its result is delivered now, so that the same drill can be run again.
    let mut second = Instance::new(TYPE);
    let report = host.apply(&mut second, &config).await;
    assert!(!report.diagnostics.has_errors(), "{}", report.text());
    assert_ne!(second.json()["id"], drill.json()["id"]);
}

#[tokio::test]
async fn a_drill_without_success_fails_the_apply_and_is_replaced() {
    let fixture = Fixture::new().await;
    let group = fixture.group("web").await;
    let mut plan = Instance::new("drs_recovery_plan");
    // No server launches within a second.
    let wave = json!({ "name": "web", "protection_group_ids": [group.json()["id"]], "timeout_seconds": 1 });
    fixture
        .apply(&mut plan, &json!({ "name": "web", "waves": [wave] }))
        .await;
    let mut config = json!({ "recovery_plan_id": plan.json()["id"] });
    let mut drill = Instance::new(TYPE);
    let report = fixture.host.apply(&mut drill, &config).await;
    assert!(
        report.diagnostics.has_errors() && drill.tainted,
        "{}",
        report.text()
    );
    let id = drill.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(drill.json()["status"], "TIMED_OUT");
    insta::assert_snapshot!(masked(&report.text(), &id));

    // Somebody untaints it: the next plan replaces it all the same.
    drill.tainted = false;
    let report = fixture.host.plan(&mut drill, &config).await;
    assert_eq!(report.action, Action::Replace);
    config["fail_on_unsuccessful"] = json!(false);
    assert_eq!(fixture.apply(&mut drill, &config).await, Action::Update);
    assert_eq!(drill.json()["id"], id.as_str());
    assert_eq!(drill.json()["status"], "TIMED_OUT");
    fixture.host.destroy(&mut drill).await;
    assert!(!drill.exists());
}

#[tokio::test]
async fn what_a_drill_succeeds_with_is_cleaned_up_when_asked() {
    let fixture = Fixture::new().await;
    let (_, mut config) = web(&fixture).await;
    config["cleanup"] = json!("on_success");
    let mut drill = Instance::new(TYPE);
    assert_eq!(fixture.apply(&mut drill, &config).await, Action::Create);
    assert_eq!(drill.json()["instances_terminated"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_plans_are_kept_while_an_execution_runs() {
    let fixture = Fixture::new().await;
    let mut group = fixture.group("web").await;
    let mut plan = fixture.plan("web", &[&group]).await;
    let config = json!({ "recovery_plan_id": plan.json()["id"] });
    let mut drill = Instance::new(TYPE);
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let changed = json!({ "name": "web", "server_selection_tags": { "Tier": "web" } });
        let mut all = fixture.host.plan(&mut group, &changed).await.text();
        let waves = json!([{ "name": "other", "protection_group_ids": [group.json()["id"]] }]);
        all += &fixture
            .host
            .plan(&mut plan, &json!({ "name": "web", "waves": waves }))
            .await
            .text();
        all += &fixture.host.destroy(&mut plan).await.text();
        all += &fixture.host.destroy(&mut group).await.text();
        let mut second = Instance::new(TYPE);
        let again =
            json!({ "recovery_plan_id": plan.json()["id"], "triggers": { "other": "run" } });
        all += &fixture.host.apply(&mut second, &again).await.text();
        fixture.host.stop().await;
        all
    };
    let (report, text) = tokio::join!(fixture.host.apply(&mut drill, &config), meanwhile);
    assert!(group.exists() && plan.exists(), "{text}");
    assert!(!report.diagnostics.has_errors(), "{}", report.text());
    insta::assert_snapshot!(masked(&text, drill.json()["id"].as_str().unwrap()));
    let destroyed = fixture.host.destroy(&mut drill).await;
    assert!(!drill.exists(), "{}", destroyed.text());
    fixture.host.destroy(&mut plan).await;
    fixture.host.destroy(&mut group).await;
    assert!(!group.exists() && !plan.exists());
}

#[tokio::test]
async fn a_plan_that_does_not_exist_is_seen_at_plan_time() {
    let fixture = Fixture::new().await;
    fixture.group("web").await;
    let config = json!({ "recovery_plan_id": "rp-none" });
    let report = fixture.host.plan(&mut Instance::new(TYPE), &config).await;
    insta::assert_snapshot!(report.text());
}

/// The id of an execution differs from run to run.
fn masked(text: &str, id: &str) -> String {
    text.replace(id, "<execution>")
}
