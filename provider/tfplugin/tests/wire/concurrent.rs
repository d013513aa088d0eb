//! Many calls at once: all are answered, each with its own answer, and one stop ends them all.

use tfplugin::{Type, Value, value::msgpack};
use tfplugin_proto::tfplugin6::{
    self as pb, invoke_action::event::Type as Said, provider_client::ProviderClient,
};
use tokio::task::JoinSet;
use tonic::transport::Channel;

use crate::{
    action,
    host::{self, Plugin, note},
};

/// More than any host has under way: Terraform's default is 10.
const AT_ONCE: usize = 64;
const AN_HOUR_MS: i64 = 3_600_000;

/// One of four kinds of call, each about something of its own.
async fn call(mut client: ProviderClient<Channel>, number: usize) {
    let name = format!("n{number}");
    match number % 4 {
        0 => {
            let title = Value::from(format!("Number {number}"));
            let request = pb::call_function::Request {
                name: "slug".into(),
                arguments: host::dynamic(&title, &Type::String).into_iter().collect(),
            };
            let answer = client.call_function(request).await.unwrap().into_inner();
            let result = answer.result.unwrap().msgpack;
            let expected = Value::from(format!("number-{number}"));
            assert_eq!(msgpack::decode(&result, &Type::String), Ok(expected));
        }
        1 => {
            let create = host::create(&name, &"x".repeat(number), 0, 0);
            let request = pb::plan_resource_change::Request {
                type_name: create.type_name,
                config: create.config.clone(),
                proposed_new_state: create.config,
                ..Default::default()
            };
            let answer = client.plan_resource_change(request).await.unwrap();
            let planned = note(answer.into_inner().planned_state.as_ref());
            let digest = format!("{number} characters");
            assert_eq!(planned.attribute("digest").as_str(), Some(&*digest));
        }
        2 => {
            let create = host::create(&name, &name, 20, 0);
            let answer = client.apply_resource_change(create).await.unwrap();
            let state = note(answer.into_inner().new_state.as_ref());
            assert_eq!(state.attribute("id").as_str(), Some(&*name));
        }
        _ => {
            let request = pb::read_data_source::Request {
                type_name: "minimal_note".into(),
                config: host::dynamic(
                    &Value::object([("name", name.as_str().into())]),
                    &Type::object([("name", Type::String)]),
                ),
                ..Default::default()
            };
            let answer = client.read_data_source(request).await.unwrap();
            let said = answer.into_inner().diagnostics;
            assert!(said[0].detail.contains(&format!("{name:?}")), "{said:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_many_gets_its_own_answer() {
    for connections in [1, 8] {
        let plugin = Plugin::start().await;
        let mut clients = Vec::new();
        for _ in 0..connections {
            clients.push(plugin.configured().await);
        }
        let mut calls = JoinSet::new();
        for number in 0..AT_ONCE {
            calls.spawn(call(clients[number % connections].clone(), number));
        }
        let ended = host::within(calls.join_all()).await;
        assert_eq!(ended.len(), AT_ONCE);
        plugin.end().await;
    }
}

/// All of them wait at the same time, so none can have been kept back until another was done.
#[tokio::test(flavor = "multi_thread")]
async fn one_stop_ends_every_apply_and_action_under_way() {
    let mut plugin = Plugin::options().env("TF_LOG", "info").start().await;
    let client = plugin.configured().await;
    let mut applies = JoinSet::new();
    for number in 0..AT_ONCE {
        let mut client = client.clone();
        applies.spawn(async move {
            let create = host::create(&format!("n{number}"), "text", AN_HOUR_MS, 0);
            let answer = client.apply_resource_change(create).await.unwrap();
            (number, answer.into_inner())
        });
    }
    for _ in 0..AT_ONCE {
        plugin.wait_for_log("waiting").await;
    }
    let mut actions = Vec::new();
    for number in 0..8 {
        let request = action::request(&format!("n{number}"), 1, AN_HOUR_MS, false);
        let events = client.clone().invoke_action(request).await.unwrap();
        actions.push(events.into_inner());
    }
    assert!(applies.try_join_next().is_none(), "one has ended by itself");
    let stop = pb::stop_provider::Request {};
    client.clone().stop_provider(stop).await.unwrap();
    for (number, answer) in host::within(applies.join_all()).await {
        let state = note(answer.new_state.as_ref());
        assert_eq!(state.attribute("id").as_str(), Some(&*format!("n{number}")));
        assert_eq!(state.attribute("revision"), &Value::from(0));
        assert_eq!(answer.diagnostics.len(), 1, "{:?}", answer.diagnostics);
    }
    for mut events in actions {
        let event = host::within(events.message()).await.unwrap().unwrap();
        let Some(Said::Completed(end)) = event.r#type else {
            panic!("{event:?}")
        };
        assert_eq!(end.diagnostics[0].summary, "Interrupted");
        assert!(host::within(events.message()).await.unwrap().is_none());
    }
    call(client.clone(), 2).await;
    plugin.end().await;
}
