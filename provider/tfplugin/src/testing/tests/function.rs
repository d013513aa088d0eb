//! Functions, before the provider is configured.

use serde_json::json;
use tfplugin_proto::tfplugin6::{self as pb, provider_server::Provider as _};
use tonic::Request;

use super::{Demo, Host, UNKNOWN};

#[tokio::test]
async fn functions_work_before_the_provider_is_configured() {
    let host = Host::new(Demo);
    let cases = [
        (
            vec![json!("-"), json!("a"), json!("b"), json!("c")],
            "a-b-c",
        ),
        (vec![json!(null), json!("a"), json!("b")], "ab"),
        (vec![json!("-"), json!("a")], "a"),
        (vec![json!("-"), json!(UNKNOWN)], UNKNOWN),
        (vec![json!(UNKNOWN), json!("a")], UNKNOWN),
    ];
    for (arguments, expected) in cases {
        assert_eq!(host.call("join", arguments).await, Ok(json!(expected)));
    }
    assert_eq!(host.call("answer", []).await, Ok(json!(42)));
}

#[tokio::test]
async fn bad_arguments_and_panics_are_errors_of_the_function() {
    let host = Host::new(Demo);
    let cases = [
        (vec![], None, "must be at least 2, but it is 0"),
        (
            vec![json!("-"), json!(null)],
            Some(1),
            "It must not be null",
        ),
        (
            vec![json!("-"), json!("a"), json!("b"), json!("")],
            Some(3),
            "must not be empty",
        ),
        (
            vec![json!("-"), json!("a"), json!("panic")],
            None,
            "CallFunction ended with a panic: a bad text",
        ),
    ];
    for (arguments, argument, text) in cases {
        let error = host.call("join", arguments).await.unwrap_err();
        assert_eq!(error.argument, argument, "{error}");
        assert!(error.text.contains(text), "{error}");
    }
    let error = host.call("answer", [json!(1)]).await.unwrap_err();
    assert!(error.text.contains("must be 0, but it is 1"), "{error}");
}

#[tokio::test]
async fn what_a_host_would_not_send_is_answered_all_the_same() {
    let host = Host::new(Demo);
    let call = async |name: &str, arguments: Vec<pb::DynamicValue>| {
        let name = name.to_owned();
        let request = Request::new(pb::call_function::Request { name, arguments });
        host.service
            .call_function(request)
            .await
            .unwrap()
            .into_inner()
    };
    let value = |msgpack: &[u8]| pb::DynamicValue {
        msgpack: msgpack.to_vec(),
        json: Vec::new(),
    };
    // Both fields empty is null, and an unknown separator is not allowed.
    let answer = call("join", vec![value(b""), value(b"\xa1a")]).await;
    assert_eq!(answer.result.unwrap().msgpack, b"\xa1a");
    let answer = call("join", vec![value(b"\xd4\0\0"), value(b"\xa1a")]).await;
    assert_eq!(answer.result.unwrap().msgpack, b"\xd4\0\0");
    let answer = call("join", vec![value(b""), value(b"\xc1")]).await;
    assert_eq!(answer.error.unwrap().function_argument, Some(1));
    let answer = call("other", vec![]).await;
    assert!(answer.error.unwrap().text.contains("no function \"other\""));
}

#[tokio::test]
async fn signatures_are_announced_everywhere() {
    let host = Host::new(Demo);
    let request = Request::new(pb::get_functions::Request {});
    let functions = host.service.get_functions(request).await.unwrap();
    let functions = functions.into_inner().functions;
    let request = Request::new(pb::get_provider_schema::Request {});
    let schema = host.service.get_provider_schema(request).await.unwrap();
    assert_eq!(schema.into_inner().functions, functions);
    let request = Request::new(pb::get_metadata::Request {});
    let metadata = host.service.get_metadata(request).await.unwrap();
    let names = metadata.into_inner().functions.into_iter().map(|f| f.name);
    assert_eq!(names.collect::<Vec<_>>(), ["answer", "join"]);
    assert!(
        functions
            .values()
            .all(|function| function.r#return.is_some())
    );
    let json = crate::schema_json(&Demo);
    let json = &json["provider_schemas"]["registry.terraform.io/example/demo"]["functions"];
    assert_eq!(
        json["join"],
        json!({
            "summary": "Joins texts.",
            "description": "Joins *texts*.",
            "return_type": "string",
            "parameters": [
                { "name": "separator", "type": "string", "description": "What comes between.", "is_nullable": true },
                { "name": "first", "type": "string" },
            ],
            "variadic_parameter": { "name": "others", "type": "string" },
        })
    );
    assert_eq!(
        json["answer"],
        json!({ "return_type": "number", "deprecation_message": "Ask again." })
    );
}
