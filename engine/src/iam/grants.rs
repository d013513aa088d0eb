//! What each principal is allowed, put together from parts. A part is what one thing needs that somebody does.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::Principal;
use super::document::{Policy, Statement};
use super::launching::{MANAGED_TAG, On, Tagged, dependents};
use super::names::Names;
use crate::store::items::Table;

/// Every table.
const TABLES: [Table; 3] = [
    Table::ProtectionGroups,
    Table::RecoveryPlans,
    Table::ExecutionHistory,
];

/// What a principal is allowed.
pub(super) fn of(principal: Principal, names: &Names) -> Vec<Statement> {
    let begins = || [looks_ahead(names), drives(names)].concat();
    let parts = match principal {
        Principal::Runner => [
            reads(names),
            checks_tables(names),
            writes_everything(names),
            begins(),
        ]
        .concat(),
        Principal::Lambda => [
            reads(names),
            writes_history(names),
            drives(names),
            hosted(names),
        ]
        .concat(),
        Principal::StateMachine => machine(names),
        Principal::Sweeper => [reads(names), asks(names), restarts(names)].concat(),
        Principal::SweeperRule => vec![Statement::new(
            "CallTheSweeper",
            ["lambda:InvokeFunction"],
            versions(names.sweeper_function.as_deref()),
        )],
        Principal::Spoke => {
            let looked = [looks(names), looks_ahead_there(names)].concat();
            [looked, acts(names), via_drs(names)].concat()
        }
        Principal::ReadOnly => [
            reads(names),
            checks_tables(names),
            looks(names),
            looks_ahead(names),
        ]
        .concat(),
        Principal::PlanManager => {
            let written = [checks_tables(names), writes_plans(names)].concat();
            [reads(names), looks(names), looks_ahead(names), written].concat()
        }
        Principal::Operator => operator(names, [names.drill_machine.as_deref(), None]),
        Principal::RecoveryManager => operator(
            names,
            [
                names.drill_machine.as_deref(),
                names.recovery_machine.as_deref(),
            ],
        ),
        Principal::Admin => {
            let machines = [
                names.drill_machine.as_deref(),
                names.recovery_machine.as_deref(),
            ];
            let tables = [checks_tables(names), sets_up(names)].concat();
            [
                reads(names),
                tables,
                writes_everything(names),
                begins(),
                machines_of(machines),
            ]
            .concat()
        }
    };
    Policy::kept(parts)
}

/// Operators launch by themselves only where no machine does it for them. IAM cannot tell a drill from a recovery in DRS, so
/// with machines the right to launch is the machines', and operators may start one of them or both.
fn operator(names: &Names, machines: [Option<&str>; 2]) -> Vec<Statement> {
    let tables = [reads(names), checks_tables(names), starts(names)].concat();
    if machines == [None, None] && names.recovery_machine.is_none() {
        return [tables, looks_ahead(names), drives(names)].concat();
    }
    [
        tables,
        looks(names),
        looks_ahead(names),
        machines_of(machines),
    ]
    .concat()
}

/// Reading groups, plans and the history.
fn reads(names: &Names) -> Vec<Statement> {
    let tables = || TABLES.map(|table| names.table(table));
    let mut queried = TABLES.map(|table| names.indexes(table)).to_vec();
    queried.push(names.table(Table::ExecutionHistory));
    vec![
        Statement::new("ReadItems", ["dynamodb:BatchGetItem"], tables()),
        Statement::new("ReadLists", ["dynamodb:Query"], queried),
    ]
}

/// Looking whether the tables are there and fit, as people and the provider do before they write.
fn checks_tables(names: &Names) -> Vec<Statement> {
    let tables = TABLES.map(|table| names.table(table));
    vec![Statement::new(
        "LookAtTables",
        ["dynamodb:DescribeTable"],
        tables,
    )]
}

const WRITES: [&str; 3] = [
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
];

fn writes_everything(names: &Names) -> Vec<Statement> {
    vec![Statement::new(
        "WriteEverything",
        WRITES,
        TABLES.map(|table| names.table(table)),
    )]
}

fn writes_plans(names: &Names) -> Vec<Statement> {
    let tables = [Table::ProtectionGroups, Table::RecoveryPlans].map(|table| names.table(table));
    vec![Statement::new("WriteGroupsAndPlans", WRITES, tables)]
}

/// Writing the history.
fn writes_history(names: &Names) -> Vec<Statement> {
    let history = names.table(Table::ExecutionHistory);
    vec![Statement::new("WriteHistory", WRITES, [history])]
}

/// Starting an execution and asking things of it. A start notes itself on the plan and its groups.
fn starts(names: &Names) -> Vec<Statement> {
    let noted = [Table::ProtectionGroups, Table::RecoveryPlans].map(|table| names.table(table));
    let notes = Statement::new("NoteStarts", ["dynamodb:PutItem"], noted);
    [writes_history(names), vec![notes]].concat()
}

/// Making the tables.
fn sets_up(names: &Names) -> Vec<Statement> {
    let actions = [
        "dynamodb:CreateTable",
        "dynamodb:TagResource",
        "dynamodb:UpdateContinuousBackups",
    ];
    vec![Statement::new(
        "MakeTables",
        actions,
        TABLES.map(|table| names.table(table)),
    )]
}

/// Looking at servers and at what becomes of them.
fn looks(names: &Names) -> Vec<Statement> {
    let everything = [
        "drs:DescribeJobs",
        "drs:DescribeRecoveryInstances",
        "drs:DescribeSourceServers",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeInstances",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:DescribeSubnets",
        "servicequotas:ListServiceQuotas",
    ];
    vec![
        Statement::new("Look", everything, ["*"]),
        Statement::new(
            "LookAtServers",
            ["drs:GetLaunchConfiguration"],
            names.everywhere("drs", "source-server/*"),
        ),
        Statement::new(
            "LookAtJobs",
            ["drs:DescribeJobLogItems"],
            names.everywhere("drs", "job/*"),
        ),
    ]
}

/// Looking at what launches will meet, in any account: before a start, and for people.
fn looks_ahead_there(names: &Names) -> Vec<Statement> {
    let documents = [
        names.own_documents(&names.commands, "document"),
        names.own_documents(&names.automations, "document"),
    ];
    vec![
        Statement::new(
            "LookAhead",
            ["ec2:DescribeInstanceTypes", "servicequotas:GetServiceQuota"],
            ["*"],
        ),
        Statement::new(
            "LookAtPoints",
            ["drs:DescribeRecoverySnapshots"],
            names.everywhere("drs", "source-server/*"),
        ),
        Statement::new(
            "LookAtFunctions",
            ["lambda:GetFunctionConfiguration"],
            names.own_functions(),
        ),
        Statement::new(
            "LookAtDocuments",
            ["ssm:DescribeDocument"],
            documents.concat(),
        ),
    ]
}

/// The same in the hub, which has the topics.
fn looks_ahead(names: &Names) -> Vec<Statement> {
    let topics = Statement::new(
        "LookAtTopics",
        ["sns:GetTopicAttributes"],
        names.topics.clone(),
    );
    [looks_ahead_there(names), vec![topics]].concat()
}

/// What a driver does, once an execution has begun: it looks, notifies, works in other accounts, launches, terminates and runs
/// hooks in this one.
fn drives(names: &Names) -> Vec<Statement> {
    let own = vec![
        Statement::new("Notify", ["sns:Publish"], names.topics.clone()),
        Statement::new(
            "WorkInTargets",
            ["sts:AssumeRole"],
            names.spoke_roles.clone(),
        ),
    ];
    [looks(names), own, acts(names), via_drs(names)].concat()
}

/// Launching, terminating and running hooks in this account.
fn acts(names: &Names) -> Vec<Statement> {
    // A launch is tagged with what started it. To tag servers at other times could change what groups select.
    let tag = Statement::new(
        "TagLaunches",
        ["drs:TagResource"],
        names.everywhere("drs", "source-server/*"),
    );
    let commands = names.own_documents(&names.commands, "document");
    let on_instances = if commands.is_empty() {
        Vec::new()
    } else {
        names.everywhere("ec2", "instance/*")
    };
    let automations = names.own_documents(&names.automations, "automation-definition");
    let (follow_commands, follow_automations) = (
        if commands.is_empty() { None } else { Some("*") },
        if automations.is_empty() {
            None
        } else {
            Some("automation-execution/*")
        },
    );
    let running = follow_automations.map(|running| names.everywhere("ssm", running));
    vec![
        Statement::new(
            "Launch",
            ["drs:StartRecovery"],
            names.everywhere("drs", "source-server/*"),
        ),
        tag.when("StringEquals", "drs:CreateAction", json!("StartRecovery")),
        Statement::new(
            "Terminate",
            ["drs:TerminateRecoveryInstances"],
            names.everywhere("drs", "recovery-instance/*"),
        ),
        Statement::new(
            "CallFunctions",
            ["lambda:InvokeFunction"],
            names.own_functions(),
        ),
        Statement::new(
            "SendCommands",
            ["ssm:SendCommand"],
            [commands, on_instances].concat(),
        ),
        Statement::new(
            "FollowCommands",
            ["ssm:ListCommandInvocations", "ssm:ListCommands"],
            follow_commands,
        ),
        Statement::new(
            "StartAutomations",
            ["ssm:StartAutomationExecution"],
            automations,
        ),
        Statement::new(
            "FollowAutomations",
            ["ssm:GetAutomationExecution"],
            running.unwrap_or_default(),
        ),
    ]
}

/// What DRS does with the caller's rights when it launches and terminates.
fn via_drs(names: &Names) -> Vec<Statement> {
    let mut looked = BTreeSet::new();
    let mut called = BTreeSet::new();
    let mut roles: BTreeSet<String> = names.instance_roles.clone();
    let mut changed: BTreeMap<Tagged, (BTreeSet<&str>, BTreeSet<String>)> = BTreeMap::new();
    for operation in ["StartRecovery", "TerminateRecoveryInstances"] {
        for dependent in dependents(operation) {
            for on in dependent.on {
                match on {
                    On::Anything => looked.extend([dependent.action]),
                    On::Called => called.extend([dependent.action]),
                    On::Role(role) => roles.extend([names.role(role)]),
                    On::Ec2(_, tagged) => {
                        let (actions, resources) = changed.entry(*tagged).or_default();
                        actions.insert(dependent.action);
                        let (partition, account) = (&names.partition, &names.account_id);
                        let arns = names
                            .regions
                            .iter()
                            .map(|region| on.arn(partition, region, account, ""));
                        resources.extend(arns);
                    }
                }
            }
        }
    }
    let pass = Statement::new("LaunchPassRoles", ["iam:PassRole"], roles);
    let mut parts = vec![
        Statement::new(
            "LaunchServers",
            called,
            names.everywhere("drs", "source-server/*"),
        ),
        Statement::new("LaunchLook", looked, ["*"]),
        pass.when(
            "StringEquals",
            "iam:PassedToService",
            json!("ec2.amazonaws.com"),
        ),
    ];
    let changes = changed.into_iter();
    parts.extend(
        changes.map(|(tagged, (actions, resources))| tagged_statement(tagged, actions, resources)),
    );
    parts
}

fn tagged_statement(
    tagged: Tagged,
    actions: BTreeSet<&str>,
    resources: BTreeSet<String>,
) -> Statement {
    let sid = match tagged {
        Tagged::Already => "LaunchOnOwn",
        Tagged::Now => "LaunchMake",
        Tagged::Not => "LaunchWith",
        Tagged::Made => "LaunchTag",
        Tagged::AlreadyByAnybody => "LaunchTemplates",
        Tagged::NowByAnybody => "LaunchNewTemplates",
    };
    let mut statement = Statement::new(sid, actions, resources);
    if tagged.is_via_drs() {
        statement = statement.when("Bool", "aws:ViaAWSService", json!("true"));
    }
    let tag = |of: &str| format!("aws:{of}Tag/{MANAGED_TAG}");
    match tagged {
        Tagged::Already | Tagged::AlreadyByAnybody => {
            statement.when("Null", &tag("Resource"), json!("false"))
        }
        Tagged::Now | Tagged::NowByAnybody => {
            statement.when("Null", &tag("Request"), json!("false"))
        }
        Tagged::Made => {
            let made = [
                "CreateSecurityGroup",
                "CreateSnapshot",
                "CreateVolume",
                "RunInstances",
            ];
            statement.when("StringEquals", "ec2:CreateAction", json!(made))
        }
        Tagged::Not => statement,
    }
}

/// Asking things of executions: a wish is an item of the history.
fn asks(names: &Names) -> Vec<Statement> {
    let history = names.table(Table::ExecutionHistory);
    vec![Statement::new(
        "WriteWishes",
        ["dynamodb:PutItem"],
        [history],
    )]
}

/// What a function needs that drives for a state machine: to write its log, and to wake machines that wait.
fn hosted(names: &Names) -> Vec<Statement> {
    vec![
        writes_log(names.runner_function.as_deref()),
        Statement::new(
            "WakeMachines",
            ["states:SendTaskSuccess"],
            machines_named(names),
        ),
    ]
}

/// What the sweeper needs beside the history: to write its log, and to have machines take over what nobody drives.
fn restarts(names: &Names) -> Vec<Statement> {
    vec![
        writes_log(names.sweeper_function.as_deref()),
        Statement::new(
            "RestartMachines",
            ["states:StartExecution"],
            machines_named(names),
        ),
    ]
}

fn machines_named(names: &Names) -> impl Iterator<Item = String> {
    let machines = [names.drill_machine.clone(), names.recovery_machine.clone()];
    machines.into_iter().flatten()
}

fn writes_log(function_arn: Option<&str>) -> Statement {
    Statement::new(
        "WriteLogs",
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        function_arn.and_then(log_group),
    )
}

/// The streams of the log group of a function.
fn log_group(function_arn: &str) -> Option<String> {
    let (before, after) = function_arn.split_once(":function:")?;
    let name = after.split(':').next()?;
    let before = before.replacen(":lambda:", ":logs:", 1);
    Some(format!("{before}:log-group:/aws/lambda/{name}:*"))
}

/// A machine calls the function, and goes on as a new run of itself before its own history is full.
fn machine(names: &Names) -> Vec<Statement> {
    vec![
        Statement::new(
            "CallTheFunction",
            ["lambda:InvokeFunction"],
            versions(names.runner_function.as_deref()),
        ),
        Statement::new("GoOn", ["states:StartExecution"], machines_named(names)),
    ]
}

/// Starting machines, following their runs, and waking them from a pause.
fn machines_of(machines: [Option<&str>; 2]) -> Vec<Statement> {
    let machines = || machines.into_iter().flatten();
    let runs =
        machines().map(|arn| format!("{}:*", arn.replacen(":stateMachine:", ":execution:", 1)));
    let starts = ["states:DescribeStateMachine", "states:StartExecution"];
    vec![
        Statement::new("StartMachines", starts, machines()),
        Statement::new("FollowMachines", ["states:DescribeExecution"], runs),
        Statement::new("WakeMachines", ["states:SendTaskSuccess"], machines()),
    ]
}

/// A function, and every version and alias of it where none is named.
fn versions(function_arn: Option<&str>) -> Vec<String> {
    let Some(arn) = function_arn else {
        return Vec::new();
    };
    // arn:partition:lambda:region:account:function:name, and a qualifier.
    let is_qualified = arn.split(':').count() > 7;
    if is_qualified {
        vec![arn.to_owned()]
    } else {
        vec![arn.to_owned(), format!("{arn}:*")]
    }
}
