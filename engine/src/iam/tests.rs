//! What every policy has in common, and what tells them apart.

use std::collections::BTreeSet;

use super::*;

fn names() -> Names {
    let set = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    Names {
        partition: "aws".to_owned(),
        account_id: "111122223333".to_owned(),
        regions: set(&["eu-west-1"]),
        history_region: "eu-north-1".to_owned(),
        environment: "production".to_owned(),
        functions: set(&[
            "arn:aws:lambda:eu-west-1:111122223333:function:smoke",
            "warm-up",
        ]),
        commands: set(&["AWS-RunShellScript", "restore"]),
        automations: set(&["switch-dns"]),
        topics: set(&["arn:aws:sns:eu-north-1:111122223333:notices"]),
        spoke_roles: set(&["arn:aws:iam::444455556666:role/drs-target"]),
        instance_roles: BTreeSet::new(),
        runner_function: Some(
            "arn:aws:lambda:eu-north-1:111122223333:function:drs-runner".to_owned(),
        ),
        sweeper_function: Some(
            "arn:aws:lambda:eu-north-1:111122223333:function:drs-sweeper:live".to_owned(),
        ),
        drill_machine: None,
        recovery_machine: None,
    }
}

fn with_machines() -> Names {
    let machine = |name: &str| {
        Some(format!(
            "arn:aws:states:eu-north-1:111122223333:stateMachine:{name}"
        ))
    };
    Names {
        drill_machine: machine("drills"),
        recovery_machine: machine("recoveries"),
        ..names()
    }
}

fn of(principal: Principal, names: &Names) -> Policy {
    policy(principal, names).expect("there is something to allow")
}

#[test]
fn the_policies_as_they_are_written() {
    let mut names = with_machines();
    for principal in Principal::ALL {
        // The longer ones repeat the shorter ones.
        if matches!(principal, Principal::Admin | Principal::RecoveryManager) {
            continue;
        }
        if principal == Principal::Spoke {
            names.account_id = "444455556666".to_owned();
            names.functions =
                BTreeSet::from(["arn:aws:lambda:eu-west-1:444455556666:function:local".to_owned()]);
        } else {
            names = with_machines();
        }
        let json = of(principal, &names).json();
        let text = serde_json::to_string_pretty(&json).unwrap();
        insta::assert_snapshot!(principal.as_str(), text);
    }
}

#[test]
fn a_policy_is_one_that_iam_takes() {
    for names in [names(), with_machines()] {
        for principal in Principal::ALL {
            let Ok(policy) = policy(principal, &names) else {
                continue;
            };
            let sids: BTreeSet<_> = policy.statements.iter().map(|one| one.sid).collect();
            assert_eq!(
                sids.len(),
                policy.statements.len(),
                "{principal}: a Sid occurs twice"
            );
            assert!(
                policy.length() <= Policy::INLINE_CHARS,
                "{principal}: {}",
                policy.length()
            );
            for statement in &policy.statements {
                assert!(
                    statement.sid.chars().all(|c| c.is_ascii_alphanumeric()),
                    "{}",
                    statement.sid
                );
                assert!(!statement.actions.is_empty() && !statement.resources.is_empty());
                let is_plain =
                    |action: &String| !action.contains('*') && action.split(':').count() == 2;
                assert!(
                    statement.actions.iter().all(is_plain),
                    "{:?}",
                    statement.actions
                );
            }
        }
    }
}

/// Actions for which IAM knows no resource.
const WITHOUT_RESOURCE: [&str; 8] = [
    "drs:DescribeJobs",
    "drs:DescribeRecoveryInstances",
    "drs:DescribeSourceServers",
    "ec2:Describe",
    "servicequotas:GetServiceQuota",
    "servicequotas:ListServiceQuotas",
    "ssm:ListCommandInvocations",
    "ssm:ListCommands",
];

#[test]
fn a_star_is_only_where_an_action_has_no_resource() {
    for principal in Principal::ALL {
        for statement in of(principal, &with_machines()).statements {
            if statement.resources.contains("*") {
                for action in &statement.actions {
                    let known = WITHOUT_RESOURCE.iter().any(|one| action.starts_with(one));
                    assert!(known, "{principal}: {action} on *");
                }
            }
        }
    }
}

/// What may start, end or change servers.
const MIGHTY: [&str; 6] = [
    "drs:StartRecovery",
    "drs:TerminateRecoveryInstances",
    "ec2:RunInstances",
    "ec2:TerminateInstances",
    "iam:PassRole",
    "sts:AssumeRole",
];

#[test]
fn who_starts_nothing_can_start_nothing() {
    for names in [names(), with_machines()] {
        for principal in [Principal::ReadOnly, Principal::PlanManager] {
            let policy = of(principal, &names);
            let actions = policy.actions();
            for action in MIGHTY.iter().chain(&[
                "lambda:InvokeFunction",
                "states:StartExecution",
                "sns:Publish",
            ]) {
                assert!(!actions.contains(action), "{principal}: {action}");
            }
        }
    }
    let reader = of(Principal::ReadOnly, &names());
    assert!(reader.actions().iter().all(|action| {
        let name = action.split(':').nth(1).unwrap();
        ["Describe", "Get", "List", "BatchGet", "Query"]
            .iter()
            .any(|verb| name.starts_with(verb))
    }));
    let planner = of(Principal::PlanManager, &names());
    let history = "arn:aws:dynamodb:eu-north-1:111122223333:table/execution-history-production";
    assert!(!planner.resources_of("dynamodb:PutItem").contains(history));
}

/// IAM cannot tell a drill from a recovery in DRS. What can be told apart is which machine somebody may start.
#[test]
fn only_machines_tell_a_drill_from_a_recovery() {
    assert_eq!(
        of(Principal::Operator, &names()),
        of(Principal::RecoveryManager, &names())
    );
    let names = with_machines();
    let operator = of(Principal::Operator, &names);
    let started = operator.resources_of("states:StartExecution");
    assert_eq!(
        Vec::from_iter(started),
        [names.drill_machine.as_deref().unwrap()]
    );
    for role in [Principal::Operator, Principal::RecoveryManager] {
        let policy = of(role, &names);
        for action in MIGHTY {
            assert!(!policy.actions().contains(action), "{role}: {action}");
        }
    }
    let manager = of(Principal::RecoveryManager, &names);
    assert_eq!(manager.resources_of("states:StartExecution").len(), 2);
    // Without a machine for drills, whoever may only drill can start nothing.
    let only_recoveries = Names {
        drill_machine: None,
        ..names
    };
    let operator = of(Principal::Operator, &only_recoveries);
    assert!(!operator.actions().contains("drs:StartRecovery"));
    assert!(operator.resources_of("states:StartExecution").is_empty());
}

#[test]
fn what_is_not_named_is_not_allowed() {
    let bare = Names {
        partition: "aws".to_owned(),
        account_id: "111122223333".to_owned(),
        regions: BTreeSet::from(["eu-west-1".to_owned()]),
        history_region: "eu-west-1".to_owned(),
        environment: "production".to_owned(),
        ..Names::default()
    };
    let runner = of(Principal::Runner, &bare);
    for action in [
        "lambda:InvokeFunction",
        "sns:Publish",
        "ssm:SendCommand",
        "ssm:ListCommands",
        "sts:AssumeRole",
    ] {
        assert!(!runner.actions().contains(action), "{action}");
    }
    let refused = policy(Principal::StateMachine, &bare)
        .unwrap_err()
        .to_string();
    assert_eq!(
        refused,
        "the policy of state-machine would allow nothing, because no function that drives was named"
    );
    assert!(policy(Principal::SweeperRule, &bare).is_err());
}

#[test]
fn what_runs_in_another_account_is_not_allowed_in_this_one() {
    let mut names = names();
    let elsewhere = "arn:aws:lambda:eu-west-1:444455556666:function:local";
    names.functions.insert(elsewhere.to_owned());
    names
        .commands
        .insert("arn:aws:ssm:eu-west-1:444455556666:document/local".to_owned());
    let runner = of(Principal::Runner, &names);
    assert!(
        !runner
            .resources_of("lambda:InvokeFunction")
            .contains(elsewhere)
    );
    let text = runner.json().to_string();
    assert!(!text.contains("444455556666:document"), "{text}");
}

/// Step Functions makes these calls, so no run of ours can miss one of them.
#[test]
fn a_machine_may_do_what_its_states_do_and_nothing_else() {
    let function = names().runner_function.unwrap();
    let definition = crate::asl::definition(&function);
    let mut integrations = BTreeSet::new();
    collect_integrations(&definition, &mut integrations);
    let needed: BTreeSet<&str> = integrations.iter().map(|of| action_of(of)).collect();
    let machine = of(Principal::StateMachine, &with_machines());
    assert_eq!(machine.actions(), needed);
    assert!(
        machine
            .resources_of("lambda:InvokeFunction")
            .contains(function.as_str())
    );
}

/// The integrations of all tasks in a definition, without how their answers are waited for.
fn collect_integrations(part: &serde_json::Value, found: &mut BTreeSet<String>) {
    match part {
        serde_json::Value::Object(fields) => {
            let resource = fields.get("Resource").and_then(|value| value.as_str());
            let called = resource.and_then(|arn| arn.strip_prefix("arn:aws:states:::"));
            found.extend(called.and_then(|called| Some(called.split('.').next()?.to_owned())));
            fields
                .values()
                .for_each(|field| collect_integrations(field, found));
        }
        serde_json::Value::Array(parts) => parts
            .iter()
            .for_each(|part| collect_integrations(part, found)),
        _ => {}
    }
}

/// The action that an integration needs, as the guide of Step Functions lists them.
fn action_of(integration: &str) -> &'static str {
    match integration {
        "lambda:invoke" => "lambda:InvokeFunction",
        "states:startExecution" => "states:StartExecution",
        other => panic!("{other} needs an action that is not listed here"),
    }
}

#[test]
fn a_policy_without_an_action_has_everything_else() {
    let whole = of(Principal::Runner, &names());
    let less = whole.without("sns:Publish");
    let gone: Vec<_> = whole
        .actions()
        .difference(&less.actions())
        .copied()
        .collect();
    assert_eq!(gone, ["sns:Publish"]);
    assert!(less.statements.iter().all(|one| one.sid != "Notify"));
}

#[test]
fn a_principal_is_found_by_its_word() {
    for principal in Principal::ALL {
        assert_eq!(principal.as_str().parse(), Ok(principal));
        let json = serde_json::to_value(principal).unwrap();
        assert_eq!(json, principal.as_str());
    }
    let unknown = "root".parse::<Principal>().unwrap_err().to_string();
    assert!(
        unknown
            .starts_with("`root` is nobody whose rights are known here; there are runner, lambda,"),
        "{unknown}"
    );
}

/// A role that may do more than another may also run its commands, but for those who plan and those who drill.
#[test]
fn commands_are_ordered_by_role() {
    let runs = |role: Principal| -> BTreeSet<&str> {
        let may = COMMANDS.iter().filter(|command| role.may(command.rights));
        may.map(|command| command.name).collect()
    };
    for [less, more] in [
        [Principal::ReadOnly, Principal::PlanManager],
        [Principal::ReadOnly, Principal::Operator],
        [Principal::Operator, Principal::RecoveryManager],
        [Principal::PlanManager, Principal::Admin],
        [Principal::RecoveryManager, Principal::Admin],
    ] {
        assert!(
            runs(less).is_subset(&runs(more)) && runs(less) != runs(more),
            "{less} {more}"
        );
    }
    assert_eq!(
        runs(Principal::Admin).len(),
        COMMANDS.len(),
        "a command occurs twice"
    );
}
