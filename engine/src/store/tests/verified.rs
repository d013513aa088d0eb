//! What came with checks and hooks: events, and items that tell of them.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::json;

use super::samples::{Again, execution, plan, server, wave};
use crate::event::{
    ActionId, ActionIntent, ActionResult, CheckResult, Checked, Event, Purpose, When,
};
use crate::ids::ServerId;
use crate::plan::{
    Check, Checks, ChecksSpec, CommandCheck, Consequence, FunctionCheck, Hook, HookSpec,
};
use crate::ports::{Action, ActionRun};
use crate::store::items::Item;
use crate::store::plan::StoredPlan;
use crate::store::projection::{ServerProjection, WaveProjection};
use crate::store::record;
use crate::testing::{beginning, ids, start, target};

fn parameters() -> BTreeMap<String, Vec<String>> {
    BTreeMap::from([("Instances".to_owned(), vec!["{instance_ids}".to_owned()])])
}

/// Events of checks and hooks, with every way they can be.
pub(super) fn events() -> Vec<(&'static str, Event)> {
    let action = ActionId(3);
    let intended = |purpose| {
        Event::ActionIntended(Box::new(ActionIntent {
            action,
            wave: 1,
            purpose,
            target: target(),
            begin: 2,
        }))
    };
    let why = || "why".to_owned();
    let servers = || ids(&["s-1", "s-2"]);
    let checked = |result| Checked {
        server: ServerId::new("s-1"),
        result,
    };
    let results = vec![
        checked(CheckResult::Passed),
        checked(CheckResult::Degraded { reason: why() }),
        checked(CheckResult::NotChecked { reason: why() }),
    ];
    let of = |check| Event::ServersChecked {
        wave: 1,
        check,
        results: results.clone(),
    };
    let when = When::After;
    let begun = |run| Event::ActionBegun { action, run };
    let id = || "id".to_owned();
    let ended = |result| Event::ActionEnded { action, result };
    let output = Some("done".to_owned());
    vec![
        ("started-with-hooks", started()),
        ("status-checked", of(Check::Status)),
        ("command-checked", of(Check::Command)),
        ("function-checked", of(Check::Function)),
        ("hook-intended", intended(Purpose::Hook { when, hook: 1 })),
        (
            "command-intended",
            intended(Purpose::Command { servers: servers() }),
        ),
        (
            "function-intended",
            intended(Purpose::Function { servers: servers() }),
        ),
        ("function-begun", begun(ActionRun::Lambda { id: id() })),
        (
            "automation-begun",
            begun(ActionRun::Automation { id: id() }),
        ),
        ("command-begun", begun(ActionRun::Command { id: id() })),
        (
            "action-postponed",
            Event::ActionPostponed {
                action,
                message: why(),
                after: Some(SignedDuration::from_secs(5)),
            },
        ),
        (
            "action-unknown",
            Event::ActionUnknown {
                action,
                message: why(),
            },
        ),
        (
            "action-succeeded",
            ended(ActionResult::Succeeded { output }),
        ),
        (
            "action-failed",
            ended(ActionResult::Failed { reason: why() }),
        ),
        ("action-timed-out", ended(ActionResult::TimedOut)),
        (
            "action-given-up",
            ended(ActionResult::GivenUp { reason: why() }),
        ),
    ]
}

fn started() -> Event {
    let (mut started, mut frozen) = beginning(&[("db", &["s-1"]), ("web", &["s-2"])]);
    frozen.waves[0][0].windows = true;
    started.resolution_digest = frozen.digest();
    let hook = |name: &str, action, on_failure| Hook {
        name: name.to_owned(),
        action,
        account_id: Some(target().account_id),
        region: Some(target().region),
        timeout: SignedDuration::from_mins(5),
        on_failure,
    };
    let function = || "warn".to_owned();
    started.waves[0].checks = Some(Checks::default());
    started.waves[1].checks = Some(Checks {
        status_timeout: Some(SignedDuration::from_mins(20)),
        command: Some(CommandCheck {
            document: "AWS-RunShellScript".to_owned(),
            parameters: parameters(),
        }),
        function: Some(FunctionCheck {
            function: "smoke".to_owned(),
            target: Some(target()),
        }),
        timeout: SignedDuration::from_mins(3),
        on_degraded: Consequence::Fail,
    });
    let warn = Action::Lambda {
        function: function(),
    };
    let repoint = Action::Automation {
        document: "Repoint".to_owned(),
        version: Some("3".to_owned()),
        parameters: parameters(),
    };
    started.waves[0].before_hooks = vec![hook("warn", warn, Consequence::Continue)];
    started.waves[1].after_hooks = vec![hook("dns", repoint, Consequence::Fail)];
    Event::ExecutionStarted(Box::new(started))
}

/// Items that tell of checks and hooks.
pub(super) fn items() -> Vec<(String, Item, Again)> {
    let (_, mut frozen) = beginning(&[("db", &["s-2", "s-1"])]);
    frozen.waves[0][1].windows = true;
    let id = execution();
    let wave = WaveProjection {
        degraded: 1,
        ..wave()
    };
    let server = ServerProjection {
        health: Some("DEGRADED".to_owned()),
        health_reason: Some("its instance is terminated".to_owned()),
        checked_at: Some(start()),
        ..server()
    };
    vec![
        (
            "frozen-windows".to_owned(),
            record::encode_frozen(&id, 0, 0, &frozen.waves[0]),
            |item| {
                let (wave, servers) = record::decode_frozen(item)?;
                Ok(record::encode_frozen(&execution(), wave, 0, &servers))
            },
        ),
        (
            "wave-degraded".to_owned(),
            record::encode_wave(&id, &wave),
            |item| {
                let wave = record::decode_wave(item)?;
                Ok(record::encode_wave(&execution(), &wave))
            },
        ),
        (
            "server-degraded".to_owned(),
            record::encode_server(&id, &server),
            |item| {
                let server = record::decode_server(item)?;
                Ok(record::encode_server(&execution(), &server))
            },
        ),
        (
            "plan-with-hooks".to_owned(),
            plan_with_hooks().encode(),
            |item| Ok(StoredPlan::decode(item)?.encode()),
        ),
    ]
}

fn plan_with_hooks() -> StoredPlan {
    let mut stored = plan();
    let text = |word: &str| Some(word.to_owned());
    stored.spec.waves[0].checks = Some(ChecksSpec {
        instance_status_timeout_seconds: Some(900),
        ssm_document: text("AWS-RunShellScript"),
        ssm_parameters: Some(parameters()),
        lambda_function: text("smoke"),
        timeout_seconds: Some(120),
        on_degraded: text("fail"),
    });
    stored.spec.waves[0].before_hooks = Some(vec![HookSpec {
        name: "warn".to_owned(),
        lambda_function: text("warn"),
        timeout_seconds: Some(30),
        on_failure: text("continue"),
        ..HookSpec::default()
    }]);
    stored.spec.waves[0].after_hooks = Some(vec![HookSpec {
        name: "dns".to_owned(),
        automation_document: text("Repoint"),
        document_version: text("3"),
        parameters: Some(parameters()),
        account_id: text("444455556666"),
        region: text("us-west-2"),
        ..HookSpec::default()
    }]);
    stored
}

#[test]
fn a_server_that_names_no_system_is_none_of_windows() {
    let plain = json!({"id": "s-1", "hostname": "a", "group": "g", "target": target()});
    let server: crate::frozen::FrozenServer = serde_json::from_value(plain).unwrap();
    assert!(!server.windows);
}
