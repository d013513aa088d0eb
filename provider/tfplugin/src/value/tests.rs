//! Properties of the codecs, and the exact bytes of hosts.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Attr, Number, Refined, Refinement, Type, Value, json, msgpack};

fn any_type() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        Just(Type::Bool),
        Just(Type::Number),
        Just(Type::String),
        Just(Type::Dynamic)
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            prop::collection::btree_map("[a-z]{1,4}", inner.clone(), 0..4).prop_map(Type::Object),
            prop::collection::vec(inner, 0..3).prop_map(Type::Tuple),
        ]
    })
}

fn any_number() -> impl Strategy<Value = Number> {
    let text = "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?(e-?[0-9]{1,3})?";
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        text.prop_map(|text| text.parse().unwrap()),
    ]
}

/// A value of `ty`. A dynamic part has a type of its own, without further dynamic parts.
fn value_of(ty: Type, unknown: bool) -> BoxedStrategy<Value> {
    let known: BoxedStrategy<Value> = match ty {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Number => any_number().prop_map(Value::Number).boxed(),
        Type::String => any::<String>().prop_map(Value::String).boxed(),
        Type::List(ty) => prop::collection::vec(value_of(*ty, unknown), 0..4)
            .prop_map(Value::List)
            .boxed(),
        Type::Set(ty) => prop::collection::vec(value_of(*ty, unknown), 0..4)
            .prop_map(Value::set)
            .boxed(),
        Type::Map(ty) => prop::collection::btree_map(".{0,6}", value_of(*ty, unknown), 0..4)
            .prop_map(Value::Map)
            .boxed(),
        Type::Object(types) => {
            let fields: Vec<_> = types
                .into_iter()
                .map(|(name, ty)| (Just(name), value_of(ty, unknown)))
                .collect();
            fields
                .prop_map(|fields| Value::Object(fields.into_iter().collect()))
                .boxed()
        }
        Type::Tuple(types) => {
            let items: Vec<_> = types.into_iter().map(|ty| value_of(ty, unknown)).collect();
            items.prop_map(Value::Tuple).boxed()
        }
        Type::Dynamic => prop_oneof![
            Just(Type::String),
            Just(Type::Number),
            Just(Type::list(Type::Bool))
        ]
        .prop_flat_map(move |ty| (Just(ty.clone()), value_of(ty, unknown)))
        .prop_map(|inner| Value::Dynamic(Box::new(inner)))
        .boxed(),
    };
    if unknown {
        prop_oneof![6 => known, 1 => Just(Value::Null), 1 => Just(Value::unknown())].boxed()
    } else {
        prop_oneof![6 => known, 1 => Just(Value::Null)].boxed()
    }
}

fn typed(unknown: bool) -> impl Strategy<Value = (Type, Value)> {
    any_type().prop_flat_map(move |ty| (Just(ty.clone()), value_of(ty, unknown)))
}

proptest! {
    #[test]
    fn msgpack_round_trips((ty, value) in typed(true)) {
        let bytes = msgpack::encode(&value, &ty);
        prop_assert_eq!(msgpack::decode(&bytes, &ty).unwrap(), value);
    }

    #[test]
    fn json_round_trips((ty, value) in typed(false)) {
        let text = json::encode(&value).to_string();
        let parsed = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(json::decode(&parsed, &ty).unwrap(), value);
    }

    #[test]
    fn types_round_trip(ty in any_type()) {
        prop_assert_eq!(Type::from_json_bytes(&ty.to_json_bytes()).unwrap(), ty);
    }

    #[test]
    fn conforming_to_its_own_type_changes_nothing((ty, value) in typed(true)) {
        prop_assert_eq!(value.clone().conform(&ty).unwrap(), value);
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..512), ty in any_type()) {
        let _ = msgpack::decode(&bytes, &ty);
        let _ = Type::from_json_bytes(&bytes);
        if let Ok(parsed) = serde_json::from_slice(&bytes) {
            let _ = json::decode(&parsed, &ty);
        }
    }

    #[test]
    fn damaged_values_are_decoded_or_refused(
        (ty, value) in typed(true),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = msgpack::encode(&value, &ty);
        for (index, byte) in damage {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        let _ = msgpack::decode(&bytes, &ty);
        let _ = msgpack::decode(&bytes[..cut.index(bytes.len())], &ty);
    }
}

fn decoded(bytes: &[u8], ty: &Type) -> Value {
    msgpack::decode(bytes, ty).unwrap()
}

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

#[test]
fn numbers_are_read_in_all_three_forms() {
    let mut float = vec![0xcb];
    float.extend_from_slice(&1.5_f64.to_be_bytes());
    let cases: [(&[u8], &str); 7] = [
        (&[25], "25"),
        (&[0xff], "-1"),
        (&[0xd1, 0xff, 0x00], "-256"),
        (
            &[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            "18446744073709551615",
        ),
        (&float, "1.5"),
        (b"\xa30.1", "0.1"),
        (b"\xb412345678901234567890", "12345678901234567890"),
    ];
    for (bytes, text) in cases {
        assert_eq!(decoded(bytes, &Type::Number), number(text));
    }
    for (text, bytes) in [
        ("25", &[25_u8][..]),
        ("0.1", b"\xa30.1"),
        ("12345678901234567890", b"\xb412345678901234567890"),
    ] {
        assert_eq!(msgpack::encode(&number(text), &Type::Number), bytes);
    }
}

#[test]
fn every_extension_is_unknown_and_refinements_are_read() {
    for bytes in [
        &[0xd4, 0, 0][..],
        &[0xd5, 99, 1, 2],
        &[0xc7, 0, 12],
        &[0xc7, 1, 12, 0xc1],
    ] {
        assert_eq!(decoded(bytes, &Type::String), Value::unknown());
    }
    // {1: false, 2: "ab", 3: [1, true], 5: 2}: the bound of a number is passed over.
    let body = b"\x84\x01\xc2\x02\xa2ab\x03\x92\x01\xc3\x05\x02";
    let mut bytes = vec![0xc7, u8::try_from(body.len()).unwrap(), 12];
    bytes.extend_from_slice(body);
    let Value::Unknown(refinement) = decoded(&bytes, &Type::String) else {
        panic!("unknown")
    };
    let facts = Refined {
        null: Some(false),
        prefix: Some("ab".into()),
        min_length: Some(2),
        max_length: None,
    };
    assert_eq!(refinement.facts(), Some(&facts));
    let refined = Value::Unknown(Refinement::new(facts));
    assert_eq!(
        msgpack::encode(&refined, &Type::String),
        [0xd4, 0, 0],
        "answers carry plain unknowns"
    );
    assert_eq!(refined.without_refinements(), Value::unknown());
}

#[test]
fn sets_have_no_duplicates_and_objects_no_gaps() {
    let set = Type::set(Type::String);
    assert_eq!(
        decoded(b"\x93\xa1b\xa1a\xa1b", &set),
        Value::set(["a".into(), "b".into()])
    );
    let object = Type::object([("a", Type::Bool), ("b", Type::Bool)]);
    assert_eq!(
        decoded(b"\x81\xa1a\xc3", &object).attribute("b"),
        &Value::Null
    );
    let empty = Value::Object(BTreeMap::new());
    assert_eq!(
        msgpack::encode(&empty, &object),
        b"\x82\xa1a\xc0\xa1b\xc0",
        "every attribute is present"
    );
}

#[test]
fn bombs_are_refused() {
    let mut deep = Type::Dynamic;
    for _ in 0..10 {
        deep = Type::list(deep);
    }
    assert!(msgpack::decode(&[0x91; 1_000_000], &deep).is_err());
    assert!(
        msgpack::decode(
            &[0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0],
            &Type::list(Type::Bool)
        )
        .is_err()
    );
    let nested = format!("{}\"string\"{}", "[\"list\",".repeat(100), "]".repeat(100));
    assert!(Type::from_json_bytes(nested.as_bytes()).is_err());
    // A refinement may hold anything, but not without end.
    let mut bytes = vec![0xc9, 0, 1, 0, 0, 12, 0x81, 0x07];
    bytes.resize(6 + 65_536, 0x91);
    assert_eq!(decoded(&bytes, &Type::String), Value::unknown());
}

#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
struct Model {
    text: Attr<String>,
    ratio: Attr<f64>,
    small: Attr<u8>,
    plain: bool,
    maybe: Option<String>,
    items: Attr<Vec<Item>>,
    loose: Attr<Vec<Attr<String>>>,
    mode: Attr<Mode>,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Item {
    name: String,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Mode {
    Fast,
    Slow,
}

fn model_type() -> Type {
    Type::object([
        ("text", Type::String),
        ("ratio", Type::Number),
        ("small", Type::Number),
        ("plain", Type::Bool),
        ("maybe", Type::String),
        ("items", Type::list(Type::object([("name", Type::String)]))),
        ("loose", Type::set(Type::String)),
        ("mode", Type::String),
    ])
}

#[test]
fn models_round_trip() {
    let model = Model {
        text: Attr::Unknown,
        ratio: 0.1.into(),
        small: 7.into(),
        plain: true,
        maybe: None,
        items: vec![Item { name: "n".into() }].into(),
        loose: vec!["x".into(), Attr::Unknown].into(),
        mode: Mode::Fast.into(),
    };
    let value = Value::from_model(&model, &model_type()).unwrap();
    assert_eq!(value.attribute("ratio"), &number("0.1"));
    assert_eq!(value.attribute("mode").as_str(), Some("FAST"));
    let back: Model = value.to_model().unwrap();
    assert_eq!(back.text, Attr::Unknown);
    assert_eq!(
        (back.ratio, back.small, back.mode),
        (model.ratio, model.small, model.mode)
    );
    assert_eq!(back.loose.known().unwrap().len(), 2);
}

#[test]
fn mismatches_name_their_place() {
    let with = |name: &str, value: Value| {
        let mut object = Value::from_model(&Model::default(), &model_type()).unwrap();
        if let Value::Object(entries) = &mut object {
            entries.insert(name.to_owned(), value);
        }
        object
    };
    let unknown_name = Value::List(vec![Value::object([("name", Value::unknown())])]);
    let model: Model = with("items", unknown_name).to_model().unwrap();
    assert_eq!(model.items, Attr::Unknown, "no room for it in Item");
    let null_name = Value::List(vec![Value::object([("name", Value::Null)])]);
    let error = with("items", null_name).to_model::<Model>().unwrap_err();
    assert_eq!(error.path.to_string(), "items[0].name");
    let error = with("small", Value::from(300))
        .to_model::<Model>()
        .unwrap_err();
    assert_eq!(error.path.to_string(), "small");
    let error = with("mode", "MEDIUM".into())
        .to_model::<Model>()
        .unwrap_err();
    assert!(error.to_string().contains("unknown variant"), "{error}");
    let narrow = Type::object([("text", Type::String)]);
    assert!(
        Value::from_model(&Model::default(), &narrow).is_err(),
        "a field without an attribute"
    );
}
