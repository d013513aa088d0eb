//! Unknown and refined values, numbers of every size, and deep nesting, as hosts encode them.

use tfplugin::{
    Type, Value,
    value::{Number, msgpack},
};
use tfplugin_proto::tfplugin6 as pb;

use crate::{
    ask::{Asker, PLACES, Place, failed, shown},
    host::{self, Plugin, note, note_type},
};

/// An object in which some attributes are these bytes and all others are null.
fn object<'a>(names: impl IntoIterator<Item = &'a str>, raw: &[(&str, &[u8])]) -> pb::DynamicValue {
    let names: Vec<&str> = names.into_iter().collect();
    let mut bytes = vec![0xde];
    bytes.extend_from_slice(&u16::try_from(names.len()).unwrap().to_be_bytes());
    for name in names {
        bytes.extend(msgpack::encode(&name.into(), &Type::String));
        let given = raw.iter().find(|(given, _)| *given == name);
        bytes.extend_from_slice(given.map_or(&[0xc0], |(_, bytes)| bytes));
    }
    pb::DynamicValue {
        msgpack: bytes,
        json: Vec::new(),
    }
}

const NOTE: [&str; 9] = [
    "id", "name", "text", "tags", "links", "digest", "revision", "delay_ms", "hold_ms",
];

/// What is sent to a place, with one attribute that every place has a value of.
fn at(place: Place, raw: &[u8]) -> pb::DynamicValue {
    match place {
        Place::ValidateProvider | Place::Configure => object(["directory"], &[("directory", raw)]),
        Place::ImportIdentity => object(["id"], &[("id", raw)]),
        Place::ValidateDataSource | Place::ReadDataSource => {
            object(["name", "text", "revision"], &[("name", raw)])
        }
        Place::ValidateAction | Place::PlanAction | Place::InvokeAction => {
            let text = msgpack::encode(&"t".into(), &Type::String);
            let names = ["name", "text", "times", "delay_ms", "crash"];
            object(names, &[("name", raw), ("text", &text)])
        }
        Place::CallFunction => pb::DynamicValue {
            msgpack: raw.to_vec(),
            json: Vec::new(),
        },
        _ => {
            let text = msgpack::encode(&"t".into(), &Type::String);
            let given = [("name", raw), ("text", &text), ("id", &text)];
            let is_state = matches!(
                place,
                Place::Read | Place::PlannedPrior | Place::AppliedPrior
            );
            object(NOTE, if is_state { &given } else { &given[..2] })
        }
    }
}

/// An unknown value with facts, as hosts write it.
fn refined(facts: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xc7, u8::try_from(facts.len()).unwrap(), 12];
    bytes.extend_from_slice(facts);
    bytes
}

/// Plain, not null, with a prefix, with facts of another version, and with facts that cannot be read.
fn unknowns() -> [Vec<u8>; 5] {
    [
        vec![0xd4, 0, 0],
        refined(b"\x81\x01\xc2"),
        refined(b"\x82\x01\xc2\x02\xa3abc"),
        refined(b"\x82\x63\x92\x01\x02\x02\xa1a"),
        refined(b"\xc1"),
    ]
}

#[tokio::test]
async fn unknown_values_are_taken_in_plans_and_refused_where_all_must_be_known() {
    let plugin = Plugin::start().await;
    let mut asker = Asker::new(&plugin).await;
    for place in PLACES.into_iter().filter(|place| !place.is_stored()) {
        for raw in unknowns() {
            let said = asker.ask(place, &at(place, &raw)).await;
            let needs_all = matches!(
                place,
                Place::Read
                    | Place::PlannedPrior
                    | Place::AppliedConfig
                    | Place::AppliedPrior
                    | Place::ReadDataSource
                    | Place::InvokeAction
            );
            if needs_all {
                assert_eq!(said[0].summary, "Unknown Value", "{place:?}: {said:?}");
                assert_eq!(shown(&said[0]), Some("name"), "{place:?}: {said:?}");
            } else if place == Place::ImportIdentity {
                assert_eq!(said[0].summary, "Invalid Identity");
            } else if place == Place::AppliedPlan {
                // A planned value may be unknown, but not one that names what is made.
                assert_eq!(shown(&said[0]), Some("name"), "{said:?}");
            } else {
                assert!(!failed(&said), "{place:?} {raw:02x?}: {said:?}");
            }
            // An unknown provider configuration takes the client away.
            if place == Place::Configure {
                asker = Asker::new(&plugin).await;
            }
        }
    }
    plugin.end().await;
}

#[tokio::test]
async fn a_plan_is_the_same_whatever_is_known_of_the_unknown() {
    let plugin = Plugin::start().await;
    let mut client = plugin.configured().await;
    let string = |text: &str| msgpack::encode(&text.into(), &Type::String);
    let plain: &[u8] = &[0xd4, 0, 0];
    let mut plan = async |text: &[u8], tag: &[u8], links: &[u8], delay: &[u8]| {
        let tags = [&[0x92], &string("a")[..], tag].concat();
        let name = string("n");
        let raw = [
            ("name", &name[..]),
            ("text", text),
            ("tags", &tags),
            ("links", links),
            ("delay_ms", delay),
        ];
        let config = object(NOTE, &raw);
        let request = pb::plan_resource_change::Request {
            type_name: "minimal_note".into(),
            config: Some(config.clone()),
            proposed_new_state: Some(config),
            ..Default::default()
        };
        let answer = client.plan_resource_change(request).await.unwrap();
        let answer = answer.into_inner();
        assert!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
        answer.planned_state
    };
    let expected = plan(plain, plain, plain, plain).await;
    let planned = note(expected.as_ref());
    for name in ["id", "text", "digest", "links", "revision", "delay_ms"] {
        assert_eq!(planned.attribute(name), &Value::unknown(), "{name}");
    }
    let tags = Value::set(["a".into(), Value::unknown()]);
    assert_eq!(planned.attribute("tags"), &tags);
    // A text that is not null and begins with "abc", one to three elements, and a number from 1 to below 2^64.
    let text = refined(b"\x82\x01\xc2\x02\xa3abc");
    let links = refined(b"\x83\x01\xc2\x05\x01\x06\x03");
    let delay = refined(b"\x83\x01\xc2\x03\x92\x01\xc3\x04\x92\xb418446744073709551616\xc2");
    assert_eq!(plan(&text, &text, &links, &delay).await, expected);
    plugin.end().await;
}

/// Numbers as cty writes them: whole ones that fit as integers, what a float holds exactly as a float, and everything else
/// as all of its digits.
fn numbers() -> Vec<(Vec<u8>, &'static str)> {
    let digits = |text: String| msgpack::encode(&text.into(), &Type::String);
    let float = |value: f64| [&[0xcb][..], &value.to_be_bytes()].concat();
    let rule = "must be a whole number between 0 and 3600000";
    let held = "expected a number of at most 4096 digits";
    vec![
        (digits(format!("1{}", "0".repeat(400))), rule),
        (digits("9".repeat(100)), rule),
        (digits(format!("-{}", "9".repeat(100))), rule),
        (digits("18446744073709551616".into()), rule),
        (digits("0.0000001".into()), rule),
        (digits("0.1".into()), rule),
        (digits(format!("0.{}1", "0".repeat(400))), rule),
        // Exponents are nothing that hosts send, and are read all the same.
        (digits("1e400".into()), rule),
        (digits("-1E-400".into()), rule),
        (float(1.5), rule),
        (float(-0.5), rule),
        (float(f64::MAX), rule),
        (float(f64::MIN_POSITIVE), rule),
        (
            vec![0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            rule,
        ),
        (vec![0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0], rule),
        (digits("9".repeat(5_000)), held),
        (digits("1e999999999".into()), held),
        (digits("-1e-999999999".into()), held),
        (digits(String::new()), held),
        (digits("12abc".into()), held),
        (digits("0x10".into()), held),
        (float(f64::INFINITY), held),
        (float(f64::NEG_INFINITY), held),
        (float(f64::NAN), held),
    ]
}

#[tokio::test]
async fn numbers_beyond_every_bound_are_refused_at_their_attribute() {
    let plugin = Plugin::start().await;
    let mut asker = Asker::new(&plugin).await;
    let text = msgpack::encode(&"t".into(), &Type::String);
    for (raw, expected) in numbers() {
        let shown_raw = &raw[..raw.len().min(24)];
        let given = [
            ("name", &text[..]),
            ("text", &text),
            ("delay_ms", &raw),
            ("id", &text),
        ];
        let (config, state) = (object(NOTE, &given[..3]), object(NOTE, &given));
        let names = ["name", "text", "times", "delay_ms", "crash"];
        let action = object(
            names,
            &[("name", &text), ("text", &text), ("delay_ms", &raw)],
        );
        for (place, value) in [
            (Place::ValidateResource, &config),
            (Place::PlannedConfig, &config),
            (Place::PlannedPrior, &state),
            (Place::PlannedProposed, &config),
            (Place::AppliedConfig, &config),
            (Place::AppliedPrior, &state),
            (Place::AppliedPlan, &config),
            (Place::Read, &state),
            (Place::ValidateAction, &action),
            (Place::PlanAction, &action),
            (Place::InvokeAction, &action),
        ] {
            if place == Place::AppliedPlan && is_whole(&raw) {
                // It would be done, and takes as long as it says.
                continue;
            }
            let said = asker.ask(place, value).await;
            // Where nothing looks at it, a whole number that is merely out of bounds does no harm.
            let Some(first) = said.first() else {
                assert!(
                    is_whole(&raw) && !is_validated(place),
                    "{place:?} took {shown_raw:02x?}"
                );
                continue;
            };
            assert_eq!(
                shown(first),
                Some("delay_ms"),
                "{place:?} {shown_raw:02x?}: {first:?}"
            );
            assert_ne!(first.summary, "Provider Crashed");
            if is_validated(place) || expected.starts_with("expected") {
                assert!(
                    first.detail.contains(expected),
                    "{place:?} {shown_raw:02x?}: {first:?}"
                );
            }
        }
    }
    plugin.end().await;
}

/// Whether hosts have the rules of the schema looked at here.
fn is_validated(place: Place) -> bool {
    matches!(
        place,
        Place::ValidateResource | Place::ValidateAction | Place::InvokeAction
    )
}

fn is_whole(raw: &[u8]) -> bool {
    let number = msgpack::decode(raw, &Type::Number);
    matches!(number, Ok(Value::Number(it)) if it.as_i64().is_some())
}

#[tokio::test]
async fn numbers_in_a_state_keep_every_digit() {
    let plugin = Plugin::start().await;
    let mut client = plugin.configured().await;
    let digits = "1234567890".repeat(10);
    for text in [
        "1e400",
        "-1E-400",
        "18446744073709551616",
        "0.1",
        &digits,
        &format!("0.{digits}"),
    ] {
        let request = pb::upgrade_resource_state::Request {
            type_name: "minimal_note".into(),
            version: 0,
            raw_state: Some(pb::RawState {
                json: format!("{{\"name\": \"n\", \"delay_ms\": {text}}}").into_bytes(),
                ..Default::default()
            }),
        };
        let answer = client.upgrade_resource_state(request).await.unwrap();
        let answer = answer.into_inner();
        assert!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
        let number: Number = text.parse().unwrap();
        let state = note(answer.upgraded_state.as_ref());
        assert_eq!(state.attribute("delay_ms"), &Value::Number(number));
    }
    plugin.end().await;
}

#[tokio::test]
async fn a_mistake_deep_inside_is_named_with_its_whole_path() {
    let plugin = Plugin::start().await;
    let mut asker = Asker::new(&plugin).await;
    // Two links, the second of which has a list for an address, and tags of which one is a number.
    let links = b"\x92\x82\xa3url\xa1u\xa5title\xc0\x82\xa3url\x91\xc0\xa5title\xc0";
    let cases = [
        (
            "links",
            &links[..],
            "links[1].url does not have the type that the schema says: expected a string",
        ),
        (
            "tags",
            b"\x92\xa1a\x01",
            "tags[*] does not have the type that the schema says: expected a string",
        ),
        (
            "links",
            b"\x91\x81\xa4name\xc0",
            "links[0].name does not have the type that the schema says: the schema has no",
        ),
        (
            "hold_ms",
            b"\xcb\x01",
            "hold_ms does not have the type that the schema says: the value is cut off",
        ),
        (
            "text",
            b"\xa2\xff\xfe",
            "text does not have the type that the schema says: expected a string in UTF-8",
        ),
    ];
    for (name, raw, expected) in cases {
        let value = object(NOTE, &[(name, raw)]);
        let said = asker.ask(Place::ValidateResource, &value).await;
        assert!(said[0].detail.contains(expected), "{said:?}");
    }
    plugin.end().await;
}

#[tokio::test]
async fn values_as_deep_as_their_type_pass_and_deeper_ones_are_refused() {
    let plugin = Plugin::start().await;
    let mut client = plugin.configured().await;
    let link = |url: Value| Value::object([("url", url), ("title", "t".into())]);
    let links = Value::List((0..10_000).map(|n| link(format!("u{n}").into())).collect());
    let config = Value::object([("name", "n".into()), ("text", "t".into()), ("links", links)]);
    let config = host::dynamic(&config.conform(&note_type()).unwrap(), &note_type());
    let mut plan = async |config: Option<pb::DynamicValue>| {
        let request = pb::plan_resource_change::Request {
            type_name: "minimal_note".into(),
            config: config.clone(),
            proposed_new_state: config,
            ..Default::default()
        };
        let answer = client.plan_resource_change(request).await.unwrap();
        answer.into_inner()
    };
    let wide = plan(config).await;
    assert!(wide.diagnostics.is_empty(), "{:?}", wide.diagnostics);
    let planned = note(wide.planned_state.as_ref());
    assert_eq!(planned.attribute("links").children().count(), 10_000);
    let deep = plan(Some(object(NOTE, &[("links", &[0x91; 100_000])]))).await;
    assert_eq!(deep.diagnostics[0].summary, "Malformed Value");
    plugin.end().await;
}
