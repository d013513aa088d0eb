"""The policy of whoever needs rights, as a data source and as a command."""

import json

from .configuration import Expression, data, output
from .host import Workspace
from .simulator import Simulator

FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:drs-runner"


def actions(text: str) -> set[str]:
    policy = json.loads(text)
    assert policy["Version"] == "2012-10-17"
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def test_a_policy_is_written_for_what_is_named(workspace: Workspace, simulator: Simulator) -> None:
    text = Expression("data.drs_iam_policy.it")
    workspace.write(simulator.provider(), data("drs_iam_policy", "it", principal="read-only"), output("it", text)).apply()
    workspace.plans_nothing()
    found = workspace.outputs()["it"]
    assert (found["account_id"], found["regions"], found["partition"]) == ("111122223333", ["us-east-1"], "aws")
    assert "drs:StartRecovery" not in actions(found["json"])
    table = f"arn:aws:dynamodb:us-east-1:111122223333:table/execution-history-{found['environment']}"
    assert table in json.loads(found["json"])["Statement"][0]["Resource"]

    elsewhere = {"account_id": "444455556666", "regions": ["eu-west-1"], "functions": ["check"]}
    spoke = data("drs_iam_policy", "it", principal="spoke", **elsewhere)
    workspace.write(simulator.provider(), spoke, output("it", text)).apply()
    found = workspace.outputs()["it"]["json"]
    assert "arn:aws:lambda:eu-west-1:444455556666:function:check" in found and "111122223333" not in found
    assert {"drs:StartRecovery", "lambda:InvokeFunction"} <= actions(found)


def test_what_is_missing_or_unknown_is_named(workspace: Workspace, simulator: Simulator) -> None:
    asked = data("drs_iam_policy", "it", principal="state-machine")
    planned = workspace.write(simulator.provider(), asked).plan(expect=1)
    assert "would allow nothing, because no function that drives was named" in planned.flat, planned
    machine = data("drs_iam_policy", "it", principal="state-machine", runner_function_arn=FUNCTION)
    workspace.write(simulator.provider(), machine).apply()
    planned = workspace.write(simulator.provider(), data("drs_iam_policy", "it", principal="root")).plan(expect=1)
    assert '"recovery-manager"' in planned.flat, planned
