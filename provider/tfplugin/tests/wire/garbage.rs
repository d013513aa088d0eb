//! Garbage at every level: at the socket, in HTTP/2, in protobuf, and where values should be.
//!
//! Whatever arrives, the plugin lives on and answers what comes next.

use prost::bytes::{Buf as _, BufMut as _};
use tfplugin::{Value, value::msgpack};
use tfplugin_proto::tfplugin6 as pb;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::{
    Code, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
};

use crate::{
    ask::{Asker, PLACES, failed},
    host::{self, Plugin, Tls, note_type},
};

/// The first bytes of every HTTP/2 connection.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn streams() -> Vec<Vec<u8>> {
    let mut frames = PREFACE.to_vec();
    frames.extend_from_slice(&[0xff; 4096]);
    let mut settings = PREFACE.to_vec();
    // An empty SETTINGS frame, and then a HEADERS frame that is no HPACK.
    settings.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
    settings.extend_from_slice(&[0, 0, 8, 1, 4, 0, 0, 0, 1]);
    settings.extend_from_slice(&[0xff; 8]);
    vec![
        Vec::new(),
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        vec![0; 1 << 16],
        vec![0xff; 1 << 16],
        // A TLS record that promises more than comes.
        vec![0x16, 3, 1, 0x40, 0, 1],
        PREFACE[..10].to_vec(),
        frames,
        settings,
    ]
}

#[tokio::test]
async fn garbage_at_the_socket_ends_only_its_own_connection() {
    let mutual = (Plugin::options(), Tls::Right, &[Tls::Plain, Tls::Right][..]);
    let plain = (Plugin::options().plain(), Tls::Plain, &[Tls::Plain][..]);
    for (options, host, others) in [mutual, plain] {
        let plugin = options.start().await;
        let mut client = plugin.provider(host).await.unwrap();
        for (bytes, tls) in streams()
            .iter()
            .flat_map(|it| others.iter().map(move |tls| (it, *tls)))
        {
            let mut stream = plugin.stream(tls).await.unwrap();
            // It may hang up before it has read everything.
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
            let mut answer = Vec::new();
            let _ = host::within(stream.read_to_end(&mut answer)).await;
            host::schema(&mut client).await;
        }
        plugin.end().await;
    }
}

/// Sends bytes as a message, whatever they are, and looks at no answer.
#[derive(Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        from.advance(from.remaining());
        Ok(Some(()))
    }
}

#[tokio::test]
async fn garbage_instead_of_a_message_is_a_status() {
    let plugin = Plugin::start().await;
    let mut client = plugin.configured().await;
    let mut raw = Grpc::new(plugin.channel(Tls::Right).await.unwrap());
    let mut send = async |rpc: &'static str, message: Vec<u8>| {
        raw.ready().await.unwrap();
        let path = PathAndQuery::from_static(rpc);
        let answer = raw.unary(tonic::Request::new(message), path, Raw);
        host::within(answer).await.map(drop).map_err(|it| it.code())
    };
    // A text that is no UTF-8, a length beyond the end, a group that never ends, a field of the wrong kind.
    let garbage = [
        &b"\x0a\x02\xff\xfe"[..],
        &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0x0b; 5_000],
        &[0x08, 0x01],
        &[0xff; 64],
    ];
    for message in garbage {
        for rpc in [
            "/tfplugin6.Provider/PlanResourceChange",
            "/tfplugin6.Provider/ReadDataSource",
            "/tfplugin6.Provider/InvokeAction",
        ] {
            let answer = send(rpc, message.to_vec()).await;
            assert_eq!(answer, Err(Code::Internal), "{rpc} {message:?}");
        }
    }
    for rpc in [
        "/tfplugin6.Provider/Nothing",
        "/plugin.GRPCController/Nothing",
        "/nothing",
    ] {
        assert_eq!(send(rpc, Vec::new()).await, Err(Code::Unimplemented));
    }
    host::schema(&mut client).await;
    plugin.end().await;
}

fn msgpack_of(bytes: &[u8]) -> pb::DynamicValue {
    pb::DynamicValue {
        msgpack: bytes.to_vec(),
        json: Vec::new(),
    }
}

fn json_of(text: &[u8]) -> pb::DynamicValue {
    pb::DynamicValue {
        msgpack: Vec::new(),
        json: text.to_vec(),
    }
}

#[tokio::test]
async fn garbage_instead_of_a_value_is_a_diagnostic_wherever_it_is() {
    let msgpack = [
        vec![0xc1],
        vec![0xff],
        vec![0xdf, 0xff, 0xff, 0xff, 0xff],
        vec![0xdd, 0xff, 0xff, 0xff, 0xff],
        vec![0x91; 100_000],
        vec![0x81; 100_000],
        vec![0xc7, 0xff, 12],
        b"hello".to_vec(),
        // A key twice, and bytes after the value.
        b"\x82\xa4name\xc0\xa4name\xc0".to_vec(),
        vec![0xc0, 0xc0],
        vec![0xcb; 9],
    ];
    let json = [
        b"{".to_vec(),
        b"\xff\xfe".to_vec(),
        b"[".repeat(100_000),
        b"{\"name\":".repeat(100_000),
        b"{\"id\": [[]], \"name\": [[]], \"directory\": [[]]}".to_vec(),
        b"{\"id\":{}, \"name\": 1e400, \"directory\": [], \"text\": false}".to_vec(),
        b"{\"$serde_json::private::Number\": \"no number\"}".to_vec(),
        b"[1, 2".to_vec(),
        b"null null".to_vec(),
        b"0".to_vec(),
    ];
    let values = msgpack.iter().map(|it| msgpack_of(it));
    let values: Vec<_> = values.chain(json.iter().map(|it| json_of(it))).collect();
    let plugin = Plugin::start().await;
    let mut asker = Asker::new(&plugin).await;
    for place in PLACES {
        for value in &values {
            let said = asker.ask(place, value).await;
            let start = &value.msgpack[..value.msgpack.len().min(16)];
            assert!(
                failed(&said),
                "{place:?} took {start:02x?} {:?}",
                value.json.first_chunk::<8>()
            );
            for it in &said {
                let text = format!("{}: {}", it.summary, it.detail);
                assert!(!text.contains("panic"), "{place:?}: {text}");
                assert!(text.contains("does not have the type"), "{place:?}: {text}");
            }
        }
    }
    plugin.end().await;
}

/// A note of which a part is damaged in every way that one byte can be.
#[tokio::test]
async fn a_damaged_value_never_ends_in_a_panic() {
    let link = Value::object([("url", "u".into()), ("title", Value::Null)]);
    let note = Value::object([
        ("name", "n".into()),
        ("text", "t".into()),
        ("tags", Value::set(["a".into(), Value::unknown()])),
        ("links", Value::List(vec![link])),
        ("delay_ms", Value::Number("0.1".parse().unwrap())),
    ]);
    let whole = msgpack::encode(&note.conform(&note_type()).unwrap(), &note_type());
    let plugin = Plugin::start().await;
    let mut client = plugin.configured().await;
    for position in 0..whole.len() {
        for byte in [0x00, 0x81, 0xc1, 0xc7, 0xdd, 0xff] {
            let mut damaged = whole.clone();
            damaged[position] = byte;
            let value = Some(msgpack_of(&damaged));
            let request = pb::plan_resource_change::Request {
                type_name: "minimal_note".into(),
                config: value.clone(),
                proposed_new_state: value,
                ..Default::default()
            };
            let answer = client.plan_resource_change(request).await.unwrap();
            let said = answer.into_inner().diagnostics;
            assert!(
                said.iter().all(|it| it.summary != "Provider Crashed"),
                "{position} {byte:02x}: {said:?}"
            );
        }
    }
    plugin.end().await;
}

#[tokio::test]
async fn what_a_host_only_keeps_for_the_provider_may_be_anything() {
    let plugin = Plugin::start().await;
    let mut client = plugin.configured().await;
    for private in [vec![], vec![0; 3], vec![0xff; 1 << 16], b"{}".to_vec()] {
        let mut create = host::create("n", "text", 0, 0);
        create.planned_private.clone_from(&private);
        let created = client
            .apply_resource_change(create)
            .await
            .unwrap()
            .into_inner();
        assert!(created.diagnostics.is_empty(), "{:?}", created.diagnostics);
        assert_eq!(created.private, private);
        let read = pb::read_resource::Request {
            type_name: "minimal_note".into(),
            current_state: created.new_state,
            private: private.clone(),
            ..Default::default()
        };
        let read = client.read_resource(read).await.unwrap().into_inner();
        assert!(read.diagnostics.is_empty(), "{:?}", read.diagnostics);
        assert_eq!(read.private, private);
    }
    plugin.end().await;
}

#[tokio::test]
async fn a_state_that_cannot_be_upgraded_says_why() {
    let plugin = Plugin::start().await;
    let mut client = plugin.configured().await;
    let flat =
        [("id", "n"), ("tags.#", "1")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    let cases = [
        (0, None, "Malformed Value", "no JSON"),
        (
            0,
            Some(pb::RawState {
                flatmap: flat.into(),
                ..Default::default()
            }),
            "Unsupported State",
            "Terraform 0.11",
        ),
        (
            9,
            Some(stored("{}")),
            "Unsupported State Version",
            "version 9",
        ),
        (
            -1,
            Some(stored("{}")),
            "Unsupported State Version",
            "version -1",
        ),
        (9, Some(stored("{")), "Malformed Value", "no JSON"),
        (0, Some(stored("[]")), "Malformed Value", "expected object"),
        (
            0,
            Some(stored(r#"{"links": [{"url": "u"}, {"url": 1}]}"#)),
            "Malformed Value",
            "links[1].url does not have the type that the schema says: expected string",
        ),
    ];
    for (version, raw_state, summary, detail) in cases {
        let request = pb::upgrade_resource_state::Request {
            type_name: "minimal_note".into(),
            version,
            raw_state,
        };
        let answer = client.upgrade_resource_state(request).await.unwrap();
        let said = answer.into_inner().diagnostics;
        assert_eq!(said[0].summary, summary, "{said:?}");
        assert!(said[0].detail.contains(detail), "{said:?}");
    }
    plugin.end().await;
}

fn stored(json: &str) -> pb::RawState {
    pb::RawState {
        json: json.as_bytes().to_vec(),
        ..Default::default()
    }
}
