//! Requests that are large, about nothing that there is, or not implemented.

use tfplugin_proto::tfplugin6 as pb;

use crate::host::{self, Plugin, Tls};

#[tokio::test]
async fn messages_of_many_megabytes_pass() {
    let plugin = Plugin::start().await;
    let mut client = plugin.configured().await;
    let text = "x".repeat(5 << 20);
    let answer = client
        .apply_resource_change(host::create("big", &text, 0, 0))
        .await
        .unwrap()
        .into_inner();
    assert!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
    let state = host::note(answer.new_state.as_ref());
    assert_eq!(state.attribute("text").as_str().unwrap().len(), text.len());
    plugin.end().await;
}

#[tokio::test]
async fn a_type_that_there_is_not_is_a_diagnostic() {
    let plugin = Plugin::start().await;
    let mut client = plugin.configured().await;
    let request = pb::read_resource::Request {
        type_name: "minimal_other".into(),
        ..Default::default()
    };
    let answer = client.read_resource(request).await.unwrap().into_inner();
    assert_eq!(answer.diagnostics[0].summary, "Unknown Type");
    plugin.end().await;
}

#[tokio::test]
async fn what_is_announced_is_answered_and_the_rest_is_unimplemented() {
    let plugin = Plugin::start().await;
    let mut client = plugin.provider(Tls::Right).await.unwrap();
    let metadata = client
        .get_metadata(pb::get_metadata::Request {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(metadata.resources[0].type_name, "minimal_note");
    assert_eq!(metadata.data_sources[0].type_name, "minimal_note");
    let capabilities = metadata.server_capabilities.unwrap();
    assert!(
        capabilities.plan_destroy
            && capabilities.get_provider_schema_optional
            && capabilities.move_resource_state
    );
    assert_eq!(metadata.actions[0].type_name, "minimal_append");
    assert_eq!(metadata.functions[0].name, "slug");
    let schema = host::schema(&mut client).await;
    let functions = client.get_functions(pb::get_functions::Request {}).await;
    let functions = functions.unwrap().into_inner();
    assert_eq!(functions.functions, schema.functions);
    assert!(schema.action_schemas["minimal_append"].schema.is_some());
    let identities = pb::get_resource_identity_schemas::Request {};
    let identities = client.get_resource_identity_schemas(identities).await;
    let identities = identities.unwrap().into_inner().identity_schemas;
    assert_eq!(identities.keys().collect::<Vec<_>>(), ["minimal_note"]);
    let moved = pb::move_resource_state::Request {
        target_type_name: "minimal_note".into(),
        source_type_name: "other_note".into(),
        ..Default::default()
    };
    let moved = client
        .move_resource_state(moved)
        .await
        .unwrap()
        .into_inner();
    assert!(
        moved.diagnostics[0].detail.contains("other_note"),
        "{:?}",
        moved.diagnostics
    );
    let lock = client.lock_state(pb::lock_state::Request::default()).await;
    assert_eq!(lock.unwrap_err().code(), tonic::Code::Unimplemented);
    plugin.end().await;
}

#[tokio::test]
async fn before_it_is_configured_work_is_refused_with_advice() {
    let plugin = Plugin::start().await;
    let mut client = plugin.provider(Tls::Right).await.unwrap();
    let answer = client
        .apply_resource_change(host::create("n", "text", 0, 0))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.diagnostics[0].summary, "Provider Not Configured");
    plugin.end().await;
}
