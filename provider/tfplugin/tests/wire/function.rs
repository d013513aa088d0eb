//! Functions over the wire, before the provider is configured.

use tfplugin::{Type, Value};
use tfplugin_proto::tfplugin6 as pb;

use crate::host::{self, Plugin, Tls};

#[tokio::test]
async fn functions_answer_whatever_their_arguments_are() {
    let plugin = Plugin::start().await;
    let mut client = plugin.provider(Tls::Right).await.unwrap();
    let mut call = async |arguments: &[pb::DynamicValue]| {
        let request = pb::call_function::Request {
            name: "slug".into(),
            arguments: arguments.to_vec(),
        };
        client.call_function(request).await.unwrap().into_inner()
    };
    let argument = |value: Value| host::dynamic(&value, &Type::String).unwrap();
    let raw = |msgpack: &[u8]| pb::DynamicValue {
        msgpack: msgpack.to_vec(),
        json: Vec::new(),
    };
    let good = call(&[argument("Hello, World!".into())]).await;
    assert_eq!(good.result, Some(argument("hello-world".into())));
    assert_eq!(good.error, None);

    // A host that has an unknown argument can as well ask: the result is not known either.
    let open = call(&[argument(Value::unknown())]).await;
    assert_eq!(open.result, Some(argument(Value::unknown())));
    let bad = [
        (vec![argument("...".into())], Some(0), "a letter or a digit"),
        (vec![argument(Value::Null)], Some(0), "must not be null"),
        (vec![raw(b"")], Some(0), "must not be null"),
        (vec![raw(&[0xc1])], Some(0), "does not have the type"),
        (
            vec![raw(&[0xdb, 0xff, 0xff, 0xff, 0xff])],
            Some(0),
            "does not have the type",
        ),
        (
            vec![raw(&[0x91; 100_000])],
            Some(0),
            "does not have the type",
        ),
        (vec![], None, "must be 1, but it is 0"),
        (vec![raw(b""), raw(b"")], None, "but it is 2"),
    ];
    for (arguments, at, expected) in bad {
        let answer = call(&arguments).await;
        let error = answer.error.unwrap();
        assert!(error.text.contains(expected), "{error:?}");
        assert_eq!((error.function_argument, answer.result), (at, None));
    }
    plugin.end().await;
}
