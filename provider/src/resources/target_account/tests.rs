//! Target accounts through the whole provider, and groups in them.

use serde_json::{Value as Json, json};
use tfplugin::testing::{Action, Instance, UNKNOWN, text};

use crate::testing::{Fixture, validated};

const TYPE: &str = "drs_target_account";
const GROUP: &str = "drs_protection_group";
/// An account of the built-in fleet that is not the provider's, with one server in `us-east-1`.
const SPOKE: &str = "444455556666";
const ROLE: &str = "arn:aws:iam::444455556666:role/dr";

fn target() -> Json {
    json!({ "account_id": SPOKE, "regions": ["us-east-1"], "role_arn": ROLE })
}

fn ledger(account: &str, region: &str) -> Json {
    json!({ "name": "ledger", "account_id": account, "region": region,
        "server_selection_tags": { "Application": "ledger" } })
}

#[tokio::test]
async fn every_mistake_in_a_configuration_has_a_place_and_a_next_step() {
    let cases = [
        json!({ "account_id": "4444", "regions": [], "role_arn": "dr" }),
        json!({ "account_id": SPOKE, "regions": ["Frankfurt", "us-east-1"],
            "role_arn": "arn:aws:iam::111122223333:role/dr" }),
        json!({ "account_id": SPOKE, "regions": ["us-east-1"], "role_arn": ROLE, "external_id": "a b",
            "name": "n".repeat(65), "session_name": "a b", "session_duration_seconds": 60 }),
        json!({ "account_id": SPOKE, "regions": ["us-east-1", null], "role_arn": ROLE }),
        json!({ "account_id": SPOKE, "regions": ["us-east-1"], "role_arn": ROLE, "trust_policy": "{}" }),
    ];
    let mut all = String::new();
    for config in cases {
        all.push_str(&validated(TYPE, config).await);
        all.push('\n');
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn what_is_not_known_yet_is_no_mistake() {
    for config in [
        json!({ "account_id": UNKNOWN, "regions": UNKNOWN, "role_arn": UNKNOWN, "external_id": UNKNOWN }),
        json!({ "account_id": UNKNOWN, "regions": [UNKNOWN], "role_arn": ROLE }),
        json!({ "account_id": SPOKE, "regions": ["us-east-1"], "role_arn": UNKNOWN }),
    ] {
        assert_eq!(validated(TYPE, config).await, "");
    }
}

#[tokio::test]
async fn the_whole_life_of_a_target() {
    let fixture = Fixture::new().await;
    let mut instance = Instance::new(TYPE);
    let mut config = target();
    let planned = fixture.host.plan(&mut instance, &config).await.json();
    for name in ["id", "external_id", "trust_policy"] {
        assert_eq!(planned[name], UNKNOWN, "{name}");
    }
    assert_eq!(fixture.apply(&mut instance, &config).await, Action::Create);
    let made = instance.json();
    assert_eq!(made["id"], SPOKE);
    let policy: Json = serde_json::from_str(made["trust_policy"].as_str().unwrap()).unwrap();
    let statement = &policy["Statement"][0];
    let asked = &statement["Condition"]["StringEquals"]["sts:ExternalId"];
    assert_eq!(asked, &made["external_id"]);
    assert_eq!(
        statement["Principal"]["AWS"],
        "arn:aws:iam::111122223333:root"
    );

    config["regions"] = json!(["us-east-1", "eu-west-1"]);
    config["name"] = json!("shop");
    config["session_duration_seconds"] = json!(900);
    assert_eq!(fixture.apply(&mut instance, &config).await, Action::Update);
    assert_eq!(
        instance.json()["external_id"],
        made["external_id"],
        "it stays"
    );

    let mut imported = fixture.host.import(TYPE, SPOKE).await.unwrap();
    let report = fixture.host.plan(&mut imported, &config).await;
    assert_eq!(report.action, Action::NoOp, "{:#}", report.json());
    let missing = fixture.host.import(TYPE, "999999999999").await.unwrap_err();

    let again = fixture.host.apply(&mut Instance::new(TYPE), &config).await;
    let mut own = target();
    own["account_id"] = json!("111122223333");
    own["role_arn"] = json!("arn:aws:iam::111122223333:role/dr");
    let own = fixture.host.plan(&mut Instance::new(TYPE), &own).await;
    insta::assert_snapshot!([text(&missing), again.text(), own.text()].join("\n"));

    let mut same = imported.clone();
    assert_eq!(
        fixture.host.destroy(&mut imported).await.action,
        Action::Delete
    );
    let report = fixture.host.plan(&mut same, &config).await;
    assert_eq!(report.action, Action::Create, "removed by another path");
}

#[tokio::test]
async fn an_external_id_of_a_role_that_exists_is_kept_and_another_one_replaces() {
    let fixture = Fixture::new().await;
    let mut instance = Instance::new(TYPE);
    let mut config = target();
    config["external_id"] = json!("of-the-role");
    let planned = fixture.host.plan(&mut instance, &config).await.json();
    assert!(
        planned["trust_policy"]
            .as_str()
            .unwrap()
            .contains("of-the-role")
    );
    fixture.apply(&mut instance, &config).await;
    config.as_object_mut().unwrap().remove("external_id");
    assert_eq!(
        fixture.host.plan(&mut instance, &config).await.action,
        Action::NoOp
    );
    config["external_id"] = json!("another");
    assert_eq!(
        fixture.host.plan(&mut instance, &config).await.action,
        Action::Replace
    );
}

#[tokio::test]
async fn groups_are_in_targets_and_nowhere_else() {
    let fixture = Fixture::new().await;
    let mut group = Instance::new(GROUP);
    let none = fixture
        .host
        .plan(&mut group, &ledger(SPOKE, "us-east-1"))
        .await;
    fixture.apply(&mut Instance::new(TYPE), &target()).await;
    let unlisted = fixture
        .host
        .plan(&mut group, &ledger(SPOKE, "eu-west-1"))
        .await;
    let malformed = validated(GROUP, ledger("4444", "Frankfurt")).await;
    insta::assert_snapshot!([none.text(), unlisted.text(), malformed].join("\n"));

    assert_eq!(
        fixture.apply(&mut group, &ledger(SPOKE, "us-east-1")).await,
        Action::Create
    );
    let home = ledger("111122223333", "us-west-2");
    assert_eq!(
        fixture.host.plan(&mut group, &home).await.action,
        Action::Replace
    );
    let there = json!({ "account_id": SPOKE });
    let (found, _) = fixture.host.data("drs_source_servers", &there).await;
    assert_eq!(found["servers"][0]["hostname"], "ledger-1");
    assert_eq!(
        found["servers"][0]["protection_group_id"],
        Json::Null,
        "it is selected by tags"
    );
}

#[tokio::test]
async fn a_target_whose_account_has_groups_stays() {
    let fixture = Fixture::new().await;
    let (mut account, mut group) = (Instance::new(TYPE), Instance::new(GROUP));
    fixture.apply(&mut account, &target()).await;
    fixture.apply(&mut group, &ledger(SPOKE, "us-east-1")).await;
    let interrupt = async {
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        fixture.host.stop().await;
    };
    let (refused, ()) = tokio::join!(fixture.host.destroy(&mut account), interrupt);
    assert!(account.exists());
    insta::assert_snapshot!(refused.text());
    // What refers to it goes at the same time, and is waited for.
    let mut both = account.clone();
    let (gone, removed) = tokio::join!(fixture.host.destroy(&mut both), async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        fixture.host.destroy(&mut group).await
    });
    for report in [gone, removed] {
        assert!(!report.diagnostics.has_errors(), "{}", report.text());
    }
    assert!(!both.exists());
}

#[tokio::test]
async fn a_group_of_a_target_that_the_same_apply_makes_is_looked_at_once_it_is_there() {
    let fixture = Fixture::new().await;
    let (mut account, mut group) = (Instance::new(TYPE), Instance::new(GROUP));
    let planned = fixture.host.plan(&mut account, &target()).await;
    assert!(!planned.diagnostics.has_errors(), "{}", planned.text());
    let planned = fixture
        .host
        .plan(&mut group, &ledger(SPOKE, "us-east-1"))
        .await;
    assert!(planned.diagnostics.is_empty(), "{}", planned.text());
    let unlisted = fixture
        .host
        .plan(&mut group, &ledger(SPOKE, "eu-west-1"))
        .await;
    assert!(unlisted.text().contains("(region)"), "{}", unlisted.text());
    // The target is not there, and nothing makes it first.
    let refused = fixture
        .host
        .apply(&mut group, &ledger(SPOKE, "us-east-1"))
        .await;
    assert!(
        refused.text().contains("Target Not Configured"),
        "{}",
        refused.text()
    );
    fixture.apply(&mut account, &target()).await;
    assert_eq!(
        fixture.apply(&mut group, &ledger(SPOKE, "us-east-1")).await,
        Action::Create
    );
}

#[tokio::test]
async fn a_check_says_what_is_missing_and_only_a_target_that_is_none_is_an_error() {
    let fixture = Fixture::new().await;
    let check = json!({ "account_id": SPOKE });
    let (_, found) = fixture.host.data("drs_target_check", &check).await;
    assert!(
        text(&found).contains("drs_target_account"),
        "{}",
        text(&found)
    );
    let mut config = target();
    config["regions"] = json!(["us-east-1", "eu-west-1"]);
    let mut instance = Instance::new(TYPE);
    fixture.apply(&mut instance, &config).await;
    let (found, problems) = fixture.host.data("drs_target_check", &check).await;
    assert!(problems.is_empty(), "{}", text(&problems));
    assert_eq!(found["ready"], false);
    let told = found["problems"][0].as_str().unwrap();
    assert!(told.contains("not initialised in eu-west-1"), "{told}");
    fixture.apply(&mut instance, &target()).await;
    let (found, _) = fixture.host.data("drs_target_check", &check).await;
    assert_eq!(
        (&found["ready"], &found["problems"]),
        (&json!(true), &json!([]))
    );
    let own = json!({ "account_id": "111122223333" });
    let (found, _) = fixture.host.data("drs_target_check", &own).await;
    assert_eq!(found["ready"], true);
}
