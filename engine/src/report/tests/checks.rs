//! How the health of servers and hooks are told and shown.

use super::*;
use crate::event::{ActionResult, CheckResult, Checked};
use crate::plan::{Check, Checks, Consequence, Hook};
use crate::report::table;
use crate::testing::{Tale, hook};

/// Two servers, one of them degraded, between a hook that succeeds and one that fails.
fn story() -> Tale {
    let mut tale = Tale::with(&[("db", &["s-1", "s-2", "s-3"])], |started| {
        let wave = &mut started.waves[0];
        wave.checks = Some(Checks::default());
        wave.before_hooks = vec![hook("warn")];
        wave.after_hooks = vec![Hook {
            on_failure: Consequence::Continue,
            ..hook("dns")
        }];
    });
    let intents = tale.begin_actions();
    tale.begun(&intents);
    tale.pass(3).succeeded(&intents);
    let (launch, servers) = tale.launch();
    tale.pass(600).succeed(launch, &servers);
    let checked = |server: &str, result| Checked {
        server: ServerId::new(server),
        result,
    };
    let because = |reason: &str| reason.to_owned();
    let results = vec![
        checked("s-1", CheckResult::Passed),
        checked(
            "s-2",
            CheckResult::Degraded {
                reason: because("instance status impaired"),
            },
        ),
    ];
    let event = |results| Event::ServersChecked {
        wave: 0,
        check: Check::Status,
        results,
    };
    tale.pass(100).tell(event(results));
    let stopped = CheckResult::NotChecked {
        reason: because("its instance is stopped"),
    };
    tale.pass(20).tell(event(vec![checked("s-3", stopped)]));
    let intents = tale.begin_actions();
    tale.tell(Event::ActionUnknown {
        action: intents[0].action,
        message: because("no answer"),
    });
    tale.pass(10);
    let intents = tale.begin_actions();
    tale.begun(&intents);
    tale.pass(5).tell(Event::ActionEnded {
        action: intents[0].action,
        result: ActionResult::Failed {
            reason: because("no such\nzone"),
        },
    });
    tale.settle();
    tale
}

#[test]
fn launched_and_healthy_are_both_told_with_their_times_and_so_are_hooks() {
    let tale = story();
    let frozen = crate::frozen::Frozen {
        waves: tale.state.frozen_waves().to_vec(),
    };
    let (_, _, told) = crate::report::timeline(frozen, &tale.log).unwrap();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_table_has_the_health_of_servers_and_the_results_of_hooks() {
    let tale = story();
    insta::assert_snapshot!(table(&tale.state, tale.now.world));
}
