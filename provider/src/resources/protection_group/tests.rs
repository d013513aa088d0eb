//! Groups through the whole provider, and the words for what is refused.

use serde_json::{Value as Json, json};
use tfplugin::testing::{Action, Instance, UNKNOWN, text};

use crate::testing::{Fixture, validated};

const TYPE: &str = "drs_protection_group";

#[tokio::test]
async fn every_mistake_in_a_configuration_has_a_place_and_a_next_step() {
    let server = "s-1234567890abcdefg";
    let cases = [
        json!({ "name": "a" }),
        json!({ "name": "a", "source_server_ids": [server], "server_selection_tags": { "A": "b" } }),
        json!({ "name": "", "source_server_ids": [] }),
        json!({ "name": "a", "source_server_ids": ["i-0abc", server, server, null] }),
        json!({ "name": "a", "source_server_ids":
            ["arn:aws:drs:us-west-2:111122223333:source-server/s-1234567890abcdefg"] }),
        json!({ "name": "a", "server_selection_tags": {} }),
        json!({ "name": "x".repeat(65), "source_server_ids": vec![UNKNOWN; 4001], "id": "pg-1" }),
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
        json!({ "name": UNKNOWN, "source_server_ids": [UNKNOWN] }),
        json!({ "name": "a", "source_server_ids": UNKNOWN, "server_selection_tags": UNKNOWN }),
        json!({ "name": "a", "server_selection_tags": { "A": UNKNOWN } }),
    ] {
        assert_eq!(validated(TYPE, config).await, "");
    }
}

#[tokio::test]
async fn the_whole_life_of_a_group() {
    let fixture = Fixture::with(json!({ "default_tags": { "team": "dr" } })).await;
    let servers = fixture.servers("db").await;
    let mut group = Instance::new(TYPE);
    let mut config =
        json!({ "name": "Database", "source_server_ids": servers, "tags": { "a": "b" } });
    let planned = fixture.host.plan(&mut group, &config).await.json();
    assert_eq!(planned["account_id"], "111122223333");
    assert_eq!(planned["region"], "us-east-1");
    assert_eq!(
        planned["digest"].as_str().unwrap().len(),
        64,
        "the digest is planned"
    );
    assert_eq!(planned["tags_all"], json!({ "a": "b", "team": "dr" }));
    assert_eq!(planned["id"], UNKNOWN);
    assert_eq!(fixture.apply(&mut group, &config).await, Action::Create);
    let first = group.json();
    assert_eq!(first["digest"], planned["digest"]);

    config["name"] = json!("database");
    config["description"] = json!("Primary and replica.");
    assert_eq!(fixture.apply(&mut group, &config).await, Action::Update);
    assert_eq!(group.json()["id"], first["id"]);
    assert_eq!(
        group.json()["digest"],
        first["digest"],
        "a name launches nothing"
    );

    config["source_server_ids"] = json!([servers[1], servers[0]]);
    assert_eq!(fixture.apply(&mut group, &config).await, Action::Update);
    assert_ne!(
        group.json()["digest"],
        first["digest"],
        "the order of launches has changed"
    );

    config.as_object_mut().unwrap().remove("source_server_ids");
    config["server_selection_tags"] = json!({ "Tier": "db" });
    assert_eq!(fixture.apply(&mut group, &config).await, Action::Update);

    for id in [group.json()["id"].as_str().unwrap(), "DATABASE"] {
        let mut imported = fixture.host.import(TYPE, id).await.unwrap();
        let report = fixture.host.plan(&mut imported, &config).await;
        assert_eq!(report.action, Action::NoOp, "{:#}", report.json());
    }
    let missing = fixture.host.import(TYPE, "none").await.unwrap_err();
    insta::assert_snapshot!(text(&missing));

    assert_eq!(
        fixture.host.destroy(&mut group).await.action,
        Action::Delete
    );
    assert!(!group.exists());
}

#[tokio::test]
async fn unknown_ids_become_known_at_apply() {
    let fixture = Fixture::new().await;
    let servers = fixture.servers("web").await;
    let mut group = Instance::new(TYPE);
    let planned = json!({ "name": UNKNOWN, "source_server_ids": [UNKNOWN, servers[1]] });
    let applied = json!({ "name": "web", "source_server_ids": servers });
    let report = fixture
        .host
        .apply_with(&mut group, &planned, &applied)
        .await;
    assert_eq!(report.json()["digest"], UNKNOWN);
    assert!(!report.diagnostics.has_errors(), "{}", report.text());
    assert_eq!(
        fixture.host.plan(&mut group, &applied).await.action,
        Action::NoOp
    );

    let wrong = json!({ "name": "wrong", "source_server_ids": ["s-00000000000000000"] });
    let mut other = Instance::new(TYPE);
    let planned = json!({ "name": "wrong", "source_server_ids": [UNKNOWN] });
    let report = fixture.host.apply_with(&mut other, &planned, &wrong).await;
    assert!(
        report.text().contains("Unknown Source Server") && !other.exists(),
        "{}",
        report.text()
    );
}

#[tokio::test]
async fn what_drs_and_other_groups_say_is_seen_at_plan_time() {
    let fixture = Fixture::new().await;
    let servers = fixture.servers("app").await;
    let mut holder = Instance::new(TYPE);
    let config = json!({ "name": "Holder", "source_server_ids": [servers[0]] });
    fixture.apply(&mut holder, &config).await;
    let cases = [
        json!({ "name": "a", "source_server_ids": ["s-00000000000000000", servers[1]] }),
        json!({ "name": "a", "source_server_ids": [servers[1], servers[0]] }),
        json!({ "name": "HOLDER", "source_server_ids": [servers[1]] }),
        json!({ "name": "a", "server_selection_tags": { "tier": "app" } }),
        json!({ "name": "a", "source_server_ids": [servers[1]], "region": "us-west-2", "account_id": "444455556666" }),
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
    insta::assert_snapshot!(masked(&all, &holder.json(), &servers));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_another_group_gives_up_is_waited_for() {
    let fixture = Fixture::new().await;
    let servers = fixture.servers("app").await;
    let mut holder = Instance::new(TYPE);
    fixture
        .apply(
            &mut holder,
            &json!({ "name": "old", "source_server_ids": servers }),
        )
        .await;
    let mut taker = Instance::new(TYPE);
    let taken = json!({ "name": "new", "source_server_ids": servers });
    let gives_up = async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        fixture.host.destroy(&mut holder).await
    };
    let (report, gone) = tokio::join!(fixture.host.apply(&mut taker, &taken), gives_up);
    assert!(!gone.diagnostics.has_errors(), "{}", gone.text());
    assert!(!report.diagnostics.has_errors(), "{}", report.text());
    assert!(
        report.text().contains("Server Belongs to Another Group"),
        "{}",
        report.text()
    );
    assert!(taker.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_groups_exchange_servers_in_one_apply() {
    let fixture = Fixture::new().await;
    let servers = fixture.servers("app").await;
    let of = |name: &str, servers: &[String]| json!({ "name": name, "source_server_ids": servers });
    let (mut left, mut right) = (Instance::new(TYPE), Instance::new(TYPE));
    fixture.apply(&mut left, &of("left", &servers[..2])).await;
    fixture.apply(&mut right, &of("right", &servers[2..])).await;
    let (to_left, to_right) = (of("left", &servers[2..]), of("right", &servers[..2]));
    let (one, two) = tokio::join!(
        fixture.host.apply(&mut left, &to_left),
        fixture.host.apply(&mut right, &to_right)
    );
    for report in [one, two] {
        assert!(!report.diagnostics.has_errors(), "{}", report.text());
    }
    assert_eq!(
        left.json()["source_server_ids"],
        to_left["source_server_ids"]
    );
    assert_eq!(
        right.json()["source_server_ids"],
        to_right["source_server_ids"]
    );
}

#[tokio::test]
async fn a_refused_change_gives_back_what_it_gave_up() {
    let fixture = Fixture::new().await;
    let servers = fixture.servers("app").await;
    let of = |name: &str, servers: &[String]| json!({ "name": name, "source_server_ids": servers });
    let (mut left, mut right) = (Instance::new(TYPE), Instance::new(TYPE));
    fixture.apply(&mut left, &of("left", &servers[..2])).await;
    fixture.apply(&mut right, &of("right", &servers[2..])).await;
    let interrupt = async {
        tokio::time::sleep(std::time::Duration::from_millis(1000)).await;
        fixture.host.stop().await;
    };
    let wanted = of("left", &servers[2..]);
    let (report, ()) = tokio::join!(fixture.host.apply(&mut left, &wanted), interrupt);
    assert!(report.diagnostics.has_errors(), "{}", report.text());
    let before = of("left", &servers[..2]);
    assert_eq!(
        fixture.host.plan(&mut left, &before).await.action,
        Action::NoOp
    );
}

#[tokio::test]
async fn waiting_ends_when_terraform_is_interrupted() {
    let fixture = Fixture::new().await;
    let servers = fixture.servers("app").await;
    let mut holder = Instance::new(TYPE);
    fixture
        .apply(
            &mut holder,
            &json!({ "name": "Shop", "source_server_ids": servers }),
        )
        .await;
    let mut all = String::new();
    for config in [
        json!({ "name": "other", "source_server_ids": [servers[2]] }),
        json!({ "name": "SHOP", "server_selection_tags": { "Tier": "web" } }),
    ] {
        let mut taker = Instance::new(TYPE);
        let interrupt = async {
            tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
            fixture.host.stop().await;
        };
        let (report, ()) = tokio::join!(fixture.host.apply(&mut taker, &config), interrupt);
        assert!(report.diagnostics.has_errors() && !taker.exists());
        let text = report.text();
        for error in text.lines().filter(|line| line.starts_with("Error")) {
            all.push_str(error);
            all.push('\n');
        }
    }
    insta::assert_snapshot!(masked(&all, &holder.json(), &servers));
}

#[tokio::test]
async fn a_group_that_is_gone_is_made_again() {
    let fixture = Fixture::new().await;
    let mut group = fixture.group("web").await;
    let config =
        json!({ "name": "web", "server_selection_tags": { "Application": "shop", "Tier": "web" } });
    let mut same = group.clone();
    fixture.host.destroy(&mut same).await;
    assert_eq!(
        fixture.host.plan(&mut group, &config).await.action,
        Action::Create
    );
}

/// Ids that differ from run to run, by what they are.
fn masked(text: &str, holder: &Json, servers: &[String]) -> String {
    let mut text = text.replace(holder["id"].as_str().unwrap(), "<holder>");
    for (index, server) in servers.iter().enumerate() {
        text = text.replace(server, &format!("<app-{}>", index + 1));
    }
    text
}
