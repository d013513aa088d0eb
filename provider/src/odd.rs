//! Tests of values that are not known yet, or that nobody sane configures, in every argument of everything that the
//! provider offers: what is unknown never fails a plan, and what is odd is refused in words for its user.
//!
//! The arguments are read from the schemas, so that one that is added is tested too.

use serde_json::{Map, Value as Json, json};
use tfplugin::testing::{Host, Instance, UNKNOWN, text};
use tfplugin::{Diagnostics, Severity};

use crate::provider::Drs;
use crate::testing::Fixture;

/// What can be configured.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Resource,
    DataSource,
    Action,
}

const KINDS: [(Kind, &str); 3] = [
    (Kind::Resource, "resource_schemas"),
    (Kind::DataSource, "data_source_schemas"),
    (Kind::Action, "action_schemas"),
];

/// Everything that can be configured, with the attributes of its schema.
fn everything() -> Vec<(Kind, String, Map<String, Json>)> {
    let schemas = offered();
    let of = |(kind, key): (Kind, &str)| {
        let types = schemas[key].as_object().unwrap().clone();
        types
            .into_iter()
            .map(move |(name, schema)| (kind, name, attributes(&schema["block"])))
    };
    KINDS.into_iter().flat_map(of).collect()
}

fn offered() -> Json {
    let schemas = tfplugin::schema_json(&Drs);
    let providers = schemas["provider_schemas"].as_object().unwrap();
    providers.values().next().unwrap().clone()
}

fn attributes(block: &Json) -> Map<String, Json> {
    block["attributes"].as_object().cloned().unwrap_or_default()
}

fn is_set(attribute: &Json, how: &str) -> bool {
    attribute[how] == json!(true)
}

/// One argument with a value.
struct Case {
    place: String,
    /// The argument has the value, what it lies in is there, every other required argument is unknown, and the rest is
    /// left out.
    with: Json,
    /// The same without the argument, or with what is no more than it is there.
    without: Json,
}

/// The values of a type that are tried, each with what there is instead of it, if anything, in the other configuration.
type Values = dyn Fn(&Json) -> Vec<(Json, Option<Json>)>;

/// Every argument, however deep, with each of the values that `values` gives for its type.
fn each(attributes: &Map<String, Json>, values: &Values) -> Vec<Case> {
    let required = attributes.iter().filter(|(_, it)| is_set(it, "required"));
    let base: Map<String, Json> = required
        .map(|(name, _)| (name.clone(), UNKNOWN.into()))
        .collect();
    let put = |name: &String, value: Option<Json>| {
        let mut config = base.clone();
        config.extend(value.map(|value| (name.clone(), value)));
        Json::from(config)
    };
    let mut found = Vec::new();
    for (name, attribute) in attributes {
        if !is_set(attribute, "required") && !is_set(attribute, "optional") {
            continue;
        }
        let nested = &attribute["nested_type"];
        let plain = match nested {
            Json::Null => attribute["type"].clone(),
            _ => json!(["nested", nested["nesting_mode"]]),
        };
        found.extend(values(&plain).into_iter().map(|(value, instead)| Case {
            place: name.clone(),
            with: put(name, Some(value)),
            without: put(name, instead),
        }));
        let wrap = |item: Json| match nested["nesting_mode"].as_str() {
            Some("single") => item,
            Some("map") => json!({ "key": item }),
            _ => json!([item]),
        };
        let inner = each(&self::attributes(nested), values).into_iter();
        found.extend(inner.map(|case| Case {
            place: format!("{name}.{}", case.place),
            with: put(name, Some(wrap(case.with))),
            without: put(name, Some(wrap(case.without))),
        }));
    }
    found
}

/// Everything that can be unknown in a value of a type. What holds an unknown value is there, and that may be an error.
fn unknown(ty: &Json) -> Vec<(Json, Option<Json>)> {
    let known = match (ty[1].as_str(), ty[1][0].as_str()) {
        (Some("number"), _) => json!(1),
        (_, Some("list" | "set")) => json!(["x"]),
        _ => json!("x"),
    };
    let part = match ty[0].as_str() {
        Some("list" | "set") => Some((json!([UNKNOWN]), Some(json!([known])))),
        Some("map") => Some((json!({ "key": UNKNOWN }), Some(json!({ "key": known })))),
        // Objects in it are looked at one argument at a time.
        _ => None,
    };
    [(json!(UNKNOWN), None)].into_iter().chain(part).collect()
}

/// Values that a type has room for, and hardly any argument a use.
fn odd(ty: &Json) -> Vec<Json> {
    let number = |text: &str| serde_json::from_str::<Json>(text).unwrap();
    let nines = "9".repeat(100);
    match (ty.as_str(), ty[0].as_str(), ty[1].as_str()) {
        (Some("number"), ..) => [
            "1e400",
            "-1e400",
            "1e-400",
            &nines,
            "18446744073709551616",
            "9223372036854775807",
            "-1",
            "0",
            "0.5",
        ]
        .map(number)
        .to_vec(),
        (Some("string"), ..) => {
            let long = "x".repeat(100_000);
            [
                "",
                " ",
                "\u{0}",
                "${",
                "a\nb",
                "\u{1f525}",
                "-0h",
                "99999999999999999999h",
                "9999-99-99T99:99:99Z",
                &long,
            ]
            .map(Json::from)
            .to_vec()
        }
        (_, Some("map"), _) | (_, Some("nested"), Some("map")) => {
            vec![json!({}), json!({ "": null }), json!({ "key": null })]
        }
        (_, Some("list" | "set"), Some("string")) => {
            vec![
                json!([]),
                json!([null]),
                json!([""]),
                json!(["x", "x"]),
                json!([" ", null, UNKNOWN]),
            ]
        }
        (_, Some("list" | "set"), _) | (_, Some("nested"), Some("list" | "set")) => {
            vec![json!([]), json!([null]), json!([UNKNOWN, null])]
        }
        (_, Some("nested"), _) => vec![json!({})],
        _ => Vec::new(),
    }
}

/// Validates, and plans where that is what comes next.
async fn planned(host: &Host<Drs>, kind: Kind, name: &str, config: &Json) -> Diagnostics {
    match kind {
        Kind::Resource => {
            host.plan(&mut Instance::new(name), config)
                .await
                .diagnostics
        }
        Kind::Action => host.plan_action(name, config).await,
        Kind::DataSource => host.data(name, config).await.1,
    }
}

fn errors(found: &Diagnostics) -> String {
    let errors = found.iter().filter(|it| it.severity == Severity::Error);
    text(&errors.cloned().collect())
}

#[tokio::test]
async fn what_is_not_known_yet_fails_no_plan() {
    let fixture = Fixture::new().await;
    let unconfigured = Host::new(Drs);
    let (mut count, mut wrong) = (0, Vec::new());
    for (kind, name, attributes) in everything() {
        for case in each(&attributes, &unknown) {
            for host in [&fixture.host, &unconfigured] {
                count += 1;
                // What is said without the argument is not said because of it.
                let before = errors(&planned(host, kind, &name, &case.without).await);
                let found = errors(&planned(host, kind, &name, &case.with).await);
                let new = found.lines().filter(|line| !before.contains(line));
                // A host reads no data source before all arguments are known; one that does is told which are not.
                let is_read = matches!(kind, Kind::DataSource);
                let new = new.filter(|line| !is_read || !line.starts_with("Error: Unknown Value"));
                wrong.extend(new.map(|line| format!("{name} with {} unknown: {line}", case.place)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 100, "only {count} arguments were found");
}

#[tokio::test]
async fn a_provider_block_that_is_not_known_yet_is_no_error() {
    let block = attributes(&offered()["provider"]["block"]);
    // Tags say nothing about where to connect, so the provider connects without them, as far as it can here.
    let tags_alone = |place: &str| place.starts_with("default_tags");
    let without_any = errors(&Host::new(Drs).configure(json!({})).await);
    for case in each(&block, &unknown) {
        let found = Host::new(Drs).configure(case.with.clone()).await;
        let expected = if tags_alone(&case.place) {
            &without_any
        } else {
            ""
        };
        assert_eq!(errors(&found), expected, "{}: {}", case.place, case.with);
    }
}

#[tokio::test]
async fn a_function_answers_whatever_its_arguments_are() {
    let host = Host::new(Drs);
    let call = async |waves: Json| host.call("wave_order", [waves]).await;
    let wave = |name: &str, value: Json| json!([{ "name": "a", name: value }]);
    let open = [
        json!(UNKNOWN),
        json!([UNKNOWN]),
        json!([{ "name": UNKNOWN }]),
        wave("depends_on_waves", json!(UNKNOWN)),
        wave("depends_on_waves", json!([UNKNOWN])),
        wave("timeout_seconds", json!(UNKNOWN)),
        wave("what_else_a_wave_has", json!({ "key": [UNKNOWN] })),
    ];
    for waves in open {
        assert_eq!(call(waves.clone()).await, Ok(UNKNOWN.into()), "{waves}");
    }
    let number = "a whole number of at most 18 digits";
    let refused = [
        (json!(null), "must not be null"),
        (json!([]), "waves"),
        (json!([null]), "null"),
        (json!({}), "list"),
        (json!("waves"), "list"),
        (json!([1]), "object"),
        (json!([{}]), "name"),
        (json!([{ "name": null }]), "null"),
        (json!([{ "name": "" }]), "name"),
        (wave("depends_on_waves", json!([null])), "null"),
        (wave("depends_on_waves", json!("a")), "list"),
        (wave("timeout_seconds", json!("60")), "number"),
    ];
    let numbers = odd(&json!("number")).into_iter();
    let numbers =
        numbers.filter(|it| !["0", "-1", "9223372036854775807"].contains(&&*it.to_string()));
    let numbers = numbers.map(|it| (wave("timeout_seconds", it), number));
    for (waves, expected) in refused.into_iter().chain(numbers) {
        let error = call(waves.clone()).await.unwrap_err();
        assert!(error.text.contains(expected), "{waves}: {error}");
        assert!(!error.text.contains("invalid type"), "{waves}: {error}");
        assert_eq!(error.argument, Some(0));
    }
}

#[tokio::test]
async fn what_is_odd_is_refused_in_words_for_its_user() {
    let fixture = Fixture::new().await;
    let (mut count, mut wrong) = (0, Vec::new());
    for (kind, name, attributes) in everything() {
        for case in each(&attributes, &|ty| {
            odd(ty).into_iter().map(|it| (it, None)).collect()
        }) {
            count += 1;
            let found = text(&planned(&fixture.host, kind, &name, &case.with).await);
            let ours = [
                "Crashed",
                "mistake in the provider",
                "invalid type",
                "invalid value",
            ];
            if ours.iter().any(|words| found.contains(words)) {
                let found: String = found.chars().take(1_000).collect();
                wrong.push(format!("{name}: {}: {found}", case.place));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 500, "only {count} cases were found");
}
