"""Every AWS operation that we call, and everything that can go wrong with a call.

Troubles that pass (a throttle, a 500, an answer or a request that is lost) change nothing about the outcome. What does not
pass is an error that names the operation; those texts are a table in a golden file.
"""

import pytest

from . import golden
from .configuration import Expression, data, drill, group, output, plan, resource, wave
from .host import Finished, Workspace
from .simulator import Simulator

# Every operation that a life of all resources calls. A new one is added here, and is thereby tested.
OPERATIONS = (
    "DescribeJobLogItems",
    "DescribeJobs",
    "DescribeRecoveryInstances",
    "DescribeRecoverySnapshots",
    "DescribeSourceServers",
    "GetLaunchConfiguration",
    "StartRecovery",
    "TerminateRecoveryInstances",
    "dynamodb:CreateTable",
    "dynamodb:DescribeTable",
    "dynamodb:BatchGetItem",
    "dynamodb:Query",
    "dynamodb:TransactWriteItems",
    "dynamodb:UpdateContinuousBackups",
    "ec2:DescribeInstanceStatus",
    "ec2:DescribeInstances",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:DescribeSubnets",
    "lambda:GetFunctionConfiguration",
    "lambda:Invoke",
    "servicequotas:ListServiceQuotas",
    "sns:Publish",
    "ssm:DescribeDocument",
    "ssm:GetAutomationExecution",
    "ssm:ListCommands",
    "ssm:SendCommand",
    "ssm:StartAutomationExecution",
    "sts:AssumeRole",
    "sts:GetCallerIdentity",
)
PASSING = {
    "throttled": {"throttle": {"retry_after_seconds": 1}},
    "failed": {"internal": {}},
    "answer_lost": "lost_answer",
    "request_lost": "lost_request",
}


# What a wave looks at and runs beside its launches.
BESIDE = {
    "before_hooks": [{"name": "failover", "automation_document": "Shop-Failover"}],
    "checks": {"ssm_document": "AWS-RunShellScript", "lambda_function": "shop-smoke-test"},
    "after_hooks": [{"name": "smoke", "lambda_function": "shop-smoke-test"}],
}
# What a plan looks at and tells beside its waves, and what a drill launches from.
GUARDED = {
    "drill_guard": {"subnet_tags": {"Purpose": "drill"}},
    "notifications": {"topic_arns": ["arn:aws:sns:us-east-1:111122223333:disaster-recovery"], "events": ["FINISHED"]},
}
FROM = {"recovery_point_before": "2100-01-01T00:00:00Z"}


def life(workspace: Workspace, simulator: Simulator) -> dict:
    """Everything once: made, drilled with one server that fails, read, planned again, destroyed. What came of it."""
    simulator.slow_down()
    faults = [{"phase": "launch"}]
    simulator.command({"script_launches": {"place": simulator.place, "server": "web-2", "faults": faults}})
    workspace.write(
        simulator.provider(),
        data("drs_source_servers", "shop", filters={"tags": {"Tier": "db"}}),
        group("database", source_server_ids=simulator.ids("db-1")),
        group("web", server_selection_tags={"Tier": "web"}),
        *LEDGER,
        plan("shop", wave("database", "database", **BESIDE), wave("web", "web", "ledger", **BESIDE), **GUARDED),
        drill("quarterly", "shop", triggers={"quarter": "2026-Q4"}, fail_on_unsuccessful=False, **FROM),
        data("drs_execution", "last", id=Expression("drs_drill_execution.quarterly.id")),
        output("statuses", "{ for s in drs_drill_execution.quarterly.servers : s.hostname => s.status }"),
        output("status", "data.drs_execution.last.status"),
    )
    workspace.apply()
    workspace.plans_nothing()
    outputs = workspace.outputs()
    instances = len(simulator.instances())
    workspace.destroy()
    return {
        "outputs": outputs,
        "instances": instances,
        "left": simulator.instances(),
        "launches": simulator.launches(),
    }


# The servers of another account, whose role is assumed.
LEDGER = (
    resource(
        "drs_target_account",
        "ledger",
        account_id="444455556666",
        regions=["us-east-1"],
        role_arn="arn:aws:iam::444455556666:role/dr",
    ),
    group(
        "ledger",
        account_id=Expression("drs_target_account.ledger.id"),
        server_selection_tags={"Application": "ledger"},
    ),
)
STATUSES = {"db-1": "LAUNCHED", "ledger-1": "LAUNCHED", "web-1": "LAUNCHED", "web-2": "FAILED"}
EXPECTED = {
    "outputs": {"status": "FAILED", "statuses": STATUSES},
    "instances": 2,
    "left": [],
    "launches": {"db-1": 1, "web-1": 1, "web-2": 1},
}


def test_the_list_of_operations_is_complete(workspace: Workspace, simulator: Simulator) -> None:
    assert life(workspace, simulator) == EXPECTED
    ours = {name for name in simulator.counts() if name not in BY_THE_TEST}
    assert ours == set(OPERATIONS)


# Calls that only the test itself makes, as somebody else.
BY_THE_TEST = {"dynamodb:Scan"}


# What passes is the engine's business, so each case needs one host only.
@pytest.mark.parametrize(("skip", "host"), [(0, "path"), (1, "1.15")], indirect=["host"])
@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_changes_nothing(fault: str, skip: int, workspace: Workspace, simulator: Simulator) -> None:
    """Each operation meets the fault, in its first call or in its second."""
    for operation in OPERATIONS:
        simulator.inject(operation, PASSING[fault], skip=skip)
    assert life(workspace, simulator) == EXPECTED
    never_met = {waiting["operation"] for waiting in simulator.faults()}
    assert never_met - (CALLED_ONCE if skip else set()) == set()


# A second call of these needs another life.
CALLED_ONCE = {
    "DescribeJobLogItems",
    "TerminateRecoveryInstances",
    "dynamodb:CreateTable",
    "lambda:GetFunctionConfiguration",
    "servicequotas:ListServiceQuotas",
    "sns:Publish",
    "ssm:DescribeDocument",
}


def test_what_does_not_pass_is_an_error_that_says_what_is_missing(workspace: Workspace, simulator: Simulator) -> None:
    """A table: for each operation that we may not call, what the operator reads."""
    shown = []
    for operation in OPERATIONS:
        place = workspace.sibling()
        world = Simulator(place.folder / "simulator", place.binaries)
        try:
            finished = denied(place, world, operation)
            shown += [f"== {operation} is denied: exit code {finished.exit_code}", *golden.shown(finished, place), ""]
        finally:
            world.stop()
    golden.compare("denied", "\n".join(shown))


def denied(workspace: Workspace, simulator: Simulator, operation: str) -> Finished:
    """A life in which one operation is denied from the beginning; the first run that says something."""
    simulator.inject(operation, "access_denied", times=1000)
    # Only what is in another account needs a role.
    is_elsewhere = operation == "sts:AssumeRole"
    workspace.write(
        simulator.provider(),
        group("web", server_selection_tags={"Tier": "web"}),
        *(LEDGER if is_elsewhere else ()),
        plan("shop", wave("web", "web", *(["ledger"] if is_elsewhere else []), **BESIDE), **GUARDED),
        drill("quarterly", "shop", **FROM),
    )
    applied = workspace.apply(expect=None)
    if golden.diagnostics(applied):
        return applied
    return workspace.destroy(expect=None)
