//! Import by identity over the wire, and the identity beside every state.

use tfplugin::{Type, Value};
use tfplugin_proto::tfplugin6 as pb;

use crate::host::{self, Plugin};

fn identity(id: &str) -> Option<pb::ResourceIdentityData> {
    let ty = Type::object([("id", Type::String)]);
    Some(pb::ResourceIdentityData {
        identity_data: host::dynamic(&Value::object([("id", id.into())]), &ty),
    })
}

#[tokio::test]
async fn an_object_is_imported_by_its_identity_and_keeps_it() {
    let plugin = Plugin::start().await;
    let mut client = plugin.configured().await;
    let created = client
        .apply_resource_change(host::create("n", "text", 0, 0))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(created.new_identity, identity("n"));

    let request = pb::import_resource_state::Request {
        type_name: "minimal_note".into(),
        identity: identity("n"),
        ..Default::default()
    };
    let answer = client.import_resource_state(request).await.unwrap();
    let answer = answer.into_inner();
    let [imported] = answer.imported_resources.as_slice() else {
        panic!("{answer:?}");
    };
    assert_eq!(imported.identity, identity("n"));
    let request = pb::read_resource::Request {
        type_name: "minimal_note".into(),
        current_state: imported.state.clone(),
        current_identity: imported.identity.clone(),
        ..Default::default()
    };
    let read = client.read_resource(request).await.unwrap().into_inner();
    let state = host::note(read.new_state.as_ref());
    assert_eq!(state.attribute("text").as_str(), Some("text"));
    assert_eq!(read.new_identity, identity("n"));

    // What is gone has no identity either.
    std::fs::remove_file(plugin.directory().join("n.json")).unwrap();
    let request = pb::read_resource::Request {
        type_name: "minimal_note".into(),
        current_state: read.new_state,
        current_identity: read.new_identity,
        ..Default::default()
    };
    let read = client.read_resource(request).await.unwrap().into_inner();
    assert_eq!(host::note(read.new_state.as_ref()), Value::Null);
    assert_eq!(read.new_identity, None);
    plugin.end().await;
}

#[tokio::test]
async fn a_malformed_identity_is_a_diagnostic() {
    let plugin = Plugin::start().await;
    let mut client = plugin.configured().await;
    let garbage = pb::DynamicValue {
        msgpack: vec![0xc1],
        json: Vec::new(),
    };
    let cases = [
        (Some(garbage), "Malformed Value"),
        (None, "Invalid Identity"),
    ];
    for (identity_data, expected) in cases {
        let request = pb::import_resource_state::Request {
            type_name: "minimal_note".into(),
            identity: Some(pb::ResourceIdentityData { identity_data }),
            ..Default::default()
        };
        let answer = client.import_resource_state(request).await.unwrap();
        assert_eq!(answer.into_inner().diagnostics[0].summary, expected);
    }
    plugin.end().await;
}
