//! Identities through plans, applies, reads and imports.

use serde_json::json;
use tfplugin_proto::tfplugin6::{self as pb, provider_server::Provider as _};
use tonic::Request;

use super::{Action, Demo, Host, Instance, UNKNOWN, host};

fn named() -> Instance {
    Instance::new("demo_named")
}

#[tokio::test]
async fn an_identity_lives_as_long_as_its_object() {
    let host = host().await;
    let mut thing = named();
    assert_eq!(thing.identity_json(), json!(null));
    let mut config = json!({ "name": "a" });
    let report = host.apply(&mut thing, &config).await;
    assert!(report.diagnostics.is_empty(), "{}", report.text());
    assert_eq!(thing.identity_json(), json!({ "id": "id-a" }));
    assert_eq!(host.plan(&mut thing, &config).await.action, Action::NoOp);

    // The id is planned as unknown here, and the identity stays all the same.
    config["note"] = json!("n");
    let report = host.apply(&mut thing, &config).await;
    assert_eq!(report.action, Action::Update);
    assert_eq!(report.json()["id"], UNKNOWN);
    assert_eq!(thing.identity_json(), json!({ "id": "id-a" }));

    config["name"] = json!("b");
    assert_eq!(
        host.apply(&mut thing, &config).await.action,
        Action::Replace
    );
    assert_eq!(thing.identity_json(), json!({ "id": "id-b" }));
    host.destroy(&mut thing).await;
    assert_eq!(thing.identity_json(), json!(null));

    config["name"] = json!("gone");
    host.apply(&mut thing, &config).await;
    host.refresh(&mut thing).await;
    assert!(!thing.exists() && thing.identity_json() == json!(null));
}

#[tokio::test]
async fn failures_keep_the_identity_of_what_exists() {
    let host = host().await;
    let mut thing = named();
    host.apply(&mut thing, &json!({ "name": "half" })).await;
    assert!(thing.tainted && thing.identity_json() == json!(null));

    for note in ["panics", "fails"] {
        let mut thing = named();
        host.apply(&mut thing, &json!({ "name": "a" })).await;
        let config = json!({ "name": "a", "note": note });
        let report = host.apply(&mut thing, &config).await;
        assert!(report.diagnostics.has_errors(), "{}", report.text());
        assert_eq!(thing.identity_json(), json!({ "id": "id-a" }));
    }

    let mut thing = named();
    host.apply(&mut thing, &json!({ "name": "a", "note": "stays" }))
        .await;
    host.destroy(&mut thing).await;
    assert_eq!(thing.identity_json(), json!({ "id": "id-a" }));
}

#[tokio::test]
async fn imports_by_identity() {
    let host = host().await;
    let by_id = host.import("demo_named", "id-a").await.unwrap();
    let identity = json!({ "id": "id-a" });
    let found = host
        .import_by_identity("demo_named", &identity)
        .await
        .unwrap();
    assert_eq!(
        found.json(),
        json!({ "id": "id-a", "name": "a", "note": null })
    );
    assert_eq!(
        (&found.state, &found.identity),
        (&by_id.state, &by_id.identity)
    );

    let identity = json!({ "number": 7 });
    let found = host.import_by_identity("demo_placed", &identity).await;
    let zoned = json!({ "number": 7, "zone": "z1" });
    assert_eq!(found.unwrap().identity_json(), zoned);

    let cases = [
        (
            "demo_named",
            json!({ "id": "none" }),
            "There is no demo_named with the identity {\"id\":\"none\"}.",
        ),
        (
            "demo_named",
            json!({ "id": "wrong" }),
            "another identity than was asked for: id",
        ),
        ("demo_named", json!({}), "The identity must say id."),
        ("demo_named", json!({ "id": UNKNOWN }), "not known yet"),
        (
            "demo_placed",
            json!({ "zone": "z2" }),
            "The identity must say number.",
        ),
    ];
    for (type_name, identity, expected) in cases {
        let found = host.import_by_identity(type_name, &identity).await;
        let text = crate::testing::text(&found.unwrap_err());
        assert!(text.contains(expected), "{text}");
    }
    let found = host.import("demo_placed", "7").await.unwrap_err();
    assert!(crate::testing::text(&found).contains("Cannot Be Imported"));
}

#[tokio::test]
async fn stored_identities_of_the_same_version_are_read() {
    let host = host().await;
    let stored = json!({ "id": "x", "more": true });
    let same = host.upgrade_identity("demo_named", 2, &stored).await;
    assert_eq!(same, Ok(json!({ "id": "x" })));
    let cases = [
        (
            "demo_named",
            1,
            "stored in version 1, and the provider has version 2",
        ),
        ("demo_thing", 0, "demo_thing has no identity"),
    ];
    for (type_name, version, expected) in cases {
        let found = host.upgrade_identity(type_name, version, &stored).await;
        let text = crate::testing::text(&found.unwrap_err());
        assert!(text.contains(expected), "{text}");
    }
}

#[tokio::test]
async fn identities_are_announced_only_where_there_are_any() {
    let host = Host::new(Demo);
    let request = Request::new(pb::get_resource_identity_schemas::Request {});
    let answer = host.service.get_resource_identity_schemas(request).await;
    let schemas = answer.unwrap().into_inner().identity_schemas;
    assert_eq!(
        schemas.keys().collect::<Vec<_>>(),
        ["demo_named", "demo_placed"]
    );
    let request = pb::import_resource_state::Request {
        type_name: "demo_thing".into(),
        identity: Some(pb::ResourceIdentityData::default()),
        ..Default::default()
    };
    let answer = host
        .service
        .import_resource_state(Request::new(request))
        .await;
    let found = answer.unwrap().into_inner().diagnostics;
    assert_eq!(found[0].summary, "Unsupported Resource Identity");
    let json = crate::schema_json(&Demo);
    let json = &json["provider_schemas"]["registry.terraform.io/example/demo"];
    assert_eq!(
        json["resource_identity_schemas"],
        json!({
            "demo_named": {
                "version": 2,
                "attributes": { "id": { "type": "string", "description": "The id.", "required_for_import": true } },
            },
            "demo_placed": {
                "version": 0,
                "attributes": {
                    "number": { "type": "number", "description": "Which one.", "required_for_import": true },
                    "zone": { "type": "string", "description": "Where.", "optional_for_import": true },
                },
            },
        })
    );
}

#[tokio::test]
#[should_panic(expected = "the identity after apply is missing")]
async fn an_object_without_its_identity_fails_the_test() {
    let config = json!({ "name": "nameless" });
    host().await.apply(&mut named(), &config).await;
}

#[tokio::test]
#[should_panic(expected = "an identity must not change")]
async fn an_identity_that_changes_fails_the_test() {
    let host = host().await;
    let mut thing = named();
    host.apply(&mut thing, &json!({ "name": "a", "note": "renames it" }))
        .await;
    host.refresh(&mut thing).await;
}

#[tokio::test]
async fn a_plan_has_an_identity_once_all_of_it_is_known() {
    let host = host().await;
    let cases = [
        (json!({ "number": 7 }), json!(null)),
        (
            json!({ "number": 7, "zone": "z2" }),
            json!({ "number": 7, "zone": "z2" }),
        ),
    ];
    for (config, expected) in cases {
        let mut thing = Instance::new("demo_placed");
        let report = host.plan(&mut thing, &config).await;
        assert_eq!(crate::testing::to_json(&report.identity), expected);
        host.apply(&mut thing, &config).await;
        assert_eq!(thing.identity_json()["number"], 7);
    }
}
