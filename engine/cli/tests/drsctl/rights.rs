//! The policies that the product writes, proved in the simulator, which enforces them: everything works with exactly these,
//! and each of their actions is missed by something that is run here.
//!
//! One store is prepared without any policy: tables, plans over two accounts, and a drill that has ended and whose time is
//! over. Every trial works on a copy of it. What misses an action is also what the guide on permissions says.

use std::sync::Arc;

use drs_engine::iam::{self, Names, Policy, Principal, dependents};
use tokio::sync::Semaphore;

use super::*;

#[path = "rights/guide.rs"]
mod guide;
#[path = "rights/machines.rs"]
mod machines;
#[path = "rights/scenario.rs"]
mod scenario;

use scenario::{
    Prepared,
    Scenario::{
        self, Apply, Drill, Failover, FarLaunch, FarTermination, Launch, List, Logs, Points,
        Preflight, Sweep,
    },
};

const HUB: &str = "111122223333";
const SPOKE: &str = "444455556666";
const ROLE: &str = "arn:aws:iam::444455556666:role/drs-target";
const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:disaster-recovery";

/// Trials at the same time. Most of their time is waiting for a world that runs 600 times as fast as life.
const TRIALS: usize = 6;

/// What misses an action of the runner's policy. An action of [`dependents`] that is not here is missed by a launch.
const MISSED: &[(&str, Scenario)] = &[
    ("drs:DescribeJobLogItems", Logs),
    ("drs:DescribeJobs", Scenario::Target),
    ("drs:DescribeRecoveryInstances", Scenario::Target),
    ("drs:DescribeRecoverySnapshots", Points),
    ("drs:DescribeSourceServers", Scenario::Target),
    ("drs:GetLaunchConfiguration", Preflight),
    ("drs:StartRecovery", Launch),
    ("drs:TagResource", Launch),
    ("drs:TerminateRecoveryInstances", Sweep),
    ("dynamodb:BatchGetItem", Apply),
    ("dynamodb:DeleteItem", Apply),
    ("dynamodb:DescribeTable", Apply),
    ("dynamodb:PutItem", Apply),
    ("dynamodb:Query", List),
    ("lambda:GetFunctionConfiguration", Preflight),
    ("lambda:InvokeFunction", Drill),
    ("servicequotas:GetServiceQuota", Preflight),
    ("servicequotas:ListServiceQuotas", Scenario::Target),
    ("sns:GetTopicAttributes", Preflight),
    ("sns:Publish", Drill),
    ("ssm:DescribeDocument", Preflight),
    ("ssm:GetAutomationExecution", Drill),
    ("ssm:ListCommands", Drill),
    ("ssm:SendCommand", Drill),
    ("ssm:StartAutomationExecution", Drill),
    ("sts:AssumeRole", Scenario::Target),
];

/// What misses an action of the policy of a target's role.
const MISSED_BY_SPOKE: &[(&str, Scenario)] = &[
    ("drs:CreateRecoveryInstanceForDrs", FarLaunch),
    ("drs:DescribeJobs", Scenario::Target),
    ("drs:DescribeRecoveryInstances", Scenario::Target),
    ("drs:DescribeSourceServers", Scenario::Target),
    ("drs:ListTagsForResource", FarLaunch),
    ("drs:StartRecovery", FarLaunch),
    ("drs:TagResource", FarLaunch),
    ("drs:TerminateRecoveryInstances", FarTermination),
    ("ec2:DescribeInstanceStatus", Scenario::Target),
    ("servicequotas:ListServiceQuotas", Scenario::Target),
];

/// Actions of the runner that nothing here misses, and why they are in the policy all the same.
const KEPT: &[(&str, &str)] = &[
    (
        "dynamodb:ConditionCheckItem",
        "asked only when a claim is taken again after a lost answer, and when a start is taken back",
    ),
    (
        "ssm:ListCommandInvocations",
        "asked only when a command failed, for the reason on each instance",
    ),
];

/// Without it a drill is launched all the same, without tags; what misses it here is a launch with tags.
const TAGS: &str = "drs:TagResource";

fn hub_names() -> Names {
    let set = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    Names {
        partition: "aws".to_owned(),
        account_id: HUB.to_owned(),
        regions: set(&["us-east-1"]),
        history_region: "us-east-1".to_owned(),
        environment: ENVIRONMENT.to_owned(),
        functions: set(&["shop-smoke-test"]),
        commands: set(&["AWS-RunShellScript"]),
        automations: set(&["Shop-Failover"]),
        topics: set(&[TOPIC]),
        spoke_roles: set(&[ROLE]),
        ..Names::default()
    }
}

fn runner() -> Policy {
    iam::policy(Principal::Runner, &hub_names()).expect("a policy")
}

fn spoke() -> Policy {
    let names = Names {
        account_id: SPOKE.to_owned(),
        ..hub_names()
    };
    iam::policy(Principal::Spoke, &names).expect("a policy")
}

/// What misses an action of the runner.
fn missed_by(action: &str) -> Option<Scenario> {
    let listed = MISSED.iter().find(|(listed, _)| *listed == action);
    let launches = || {
        dependents("StartRecovery")
            .iter()
            .any(|dependent| dependent.action == action)
    };
    listed
        .map(|(_, scenario)| *scenario)
        .or_else(|| launches().then_some(Launch))
}

/// Runs something with policies, and says what is wrong with what came of it; `missing` is what they lack.
async fn tried(
    prepared: &Prepared,
    folder: Folder,
    scenario: Scenario,
    missing: Option<(&str, &str)>,
) -> Option<String> {
    let options = Options {
        iam: Some(folder.0.join("iam.yaml")),
        ..Options::at(folder.store())
    };
    // The store keeps what is enforced, so every process that opens it enforces it.
    let simulator = Simulator::start(options).await.expect("a simulator");
    simulator.stop().await;
    let trial = scenario.run(&folder.store(), &prepared.drill).await;
    match missing {
        None if trial.works => None,
        None => Some(format!(
            "{scenario:?} does not work with the whole policies: {}",
            trial.told
        )),
        Some((who, action)) if trial.works => Some(format!(
            "{scenario:?} works although {who} lacks {action}: {}",
            trial.told
        )),
        Some((_, action)) if trial.told.contains(action) => None,
        Some((who, action)) => Some(format!(
            "{scenario:?} fails without {action} of {who}, but does not name it: {}",
            trial.told
        )),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_of_the_policies_is_enough_and_is_needed() {
    let prepared = Arc::new(Prepared::new().await);
    let mut trials = Vec::new();
    for scenario in [
        Apply,
        List,
        Preflight,
        Points,
        Logs,
        Scenario::Target,
        Launch,
        FarLaunch,
        FarTermination,
        Sweep,
        Drill,
        Failover,
    ] {
        trials.push((prepared.with(&runner(), &spoke()), scenario, None));
    }
    let mut wrong = Vec::new();
    let whole = runner();
    for action in whole.actions() {
        match missed_by(action) {
            Some(scenario) => {
                let folder = prepared.with(&whole.without(action), &spoke());
                trials.push((folder, scenario, Some(("the runner", action))));
            }
            None if KEPT.iter().any(|(kept, _)| *kept == action) => {}
            None => wrong.push(format!("nothing is said to miss {action} of the runner")),
        }
    }
    for (action, scenario) in MISSED_BY_SPOKE {
        let folder = prepared.with(&whole, &spoke().without(action));
        trials.push((folder, *scenario, Some(("the target's role", *action))));
    }
    for (action, _) in MISSED {
        assert!(
            whole.actions().contains(action),
            "{action} is not in the policy"
        );
    }
    let places = Arc::new(Semaphore::new(TRIALS));
    let running: Vec<_> = trials
        .into_iter()
        .map(|(folder, scenario, missing)| {
            let (prepared, places) = (Arc::clone(&prepared), Arc::clone(&places));
            let missing = missing.map(|(who, action)| (who, action.to_owned()));
            tokio::spawn(async move {
                let _place = places.acquire().await;
                let missing = missing
                    .as_ref()
                    .map(|(who, action)| (*who, action.as_str()));
                tried(&prepared, folder, scenario, missing).await
            })
        })
        .collect();
    for trial in running {
        wrong.extend(trial.await.expect("no panic"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
