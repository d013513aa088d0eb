"""The policies of the two functions are enough, and nothing in them is idle: the simulator enforces IAM.

A drill over two accounts with hooks, checks and a notice is driven by the function alone, as a state machine asks it; the test
asks in its place. Then again without one action after the other of DRS, DynamoDB, STS, Step Functions and what hooks use. What
DRS does with its caller's rights is the same part of the runner's policy, where a test of drsctl takes it away.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from acceptance.conftest import folder
from acceptance.simulator import ENVIRONMENT, REGION, Simulator

from .place import ACCOUNT, MACHINE, OTHER, ROLE, RUNNER, TOPIC, Place, declare, prepared
from .test_hands import DUE, RULE
from .test_runners import BINARIES

KEY = "AKIAFUNCTION00000000"
# What the policies are written for.
NAMES = {
    "account": ACCOUNT,
    "partition": "aws",
    "regions": REGION,
    "region": REGION,
    "environment": ENVIRONMENT,
    "function": "shop-smoke-test",
    "command-document": "AWS-RunShellScript",
    "automation-document": "Shop-Failover",
    "topic": TOPIC,
    "target-role": ROLE,
    "runner-function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:runner",
    "sweeper-function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:sweeper",
    "drill-machine": MACHINE,
}
# Trials at the same time; most of each is waiting.
AT_ONCE = 8
TRIAL_SECONDS = 150.0
# Errors of the function after which nothing comes of it any more.
ERRORS = 3
SERVICES = ("drs:", "dynamodb:", "lambda:", "servicequotas:", "sns:", "ssm:", "states:", "sts:")
# Actions that no trial misses, and why they are in the policy all the same.
KEPT: dict[str, dict[str, str]] = {
    "lambda": {
        "drs:GetLaunchConfiguration": "for a plan with a drill guard, and where an instance has stopped",
        "drs:TerminateRecoveryInstances": "for a clean-up that somebody asked for",
        "dynamodb:ConditionCheckItem": "when a claim is taken again after a lost answer",
        "servicequotas:ListServiceQuotas": "launches keep to the default quotas without it",
        "ssm:ListCommandInvocations": "when a command failed, for the reason on each instance",
    },
    "sweeper": {},
}


@dataclass
class Trial:
    """What came of a run with a policy: whether all of it worked, and everything that was said."""

    works: bool
    told: str


def drive(place: Place, missing: str | None) -> Trial:
    """A drill from its start to its end, with a pause that is over before its token is kept."""
    asked = place.start("both")
    deadline = time.monotonic() + TRIAL_SECONDS
    errors = 0
    with place.function(**RUNNER) as ask:
        while time.monotonic() < deadline and errors < ERRORS and not is_told(place, missing):
            answer = ask({"ask": "turn"} | asked)
            errors += "errorType" in answer
            if answer.get("next") == "done":
                break
            if answer.get("next") == "pause":
                place.resume(asked["execution_id"])
                ask({"ask": "pause", "seq": answer["seq"], "token": "drills/1"} | asked)
            # What a state machine would wait in whole seconds.
            time.sleep(min(answer.get("seconds", 1), 2))
    events = {event["type"]: event for event in place.events()}
    outcome = events.get("ExecutionFinished", {}).get("outcome")
    return told(place, outcome == "COMPLETED")


def sweep(place: Place, missing: str | None) -> Trial:
    """A sweep that finds a drill over its lifetime, and gives it to a machine."""
    variables = {"DRS_FUNCTION": "sweeper", "DRS_ALLOWED_MODES": "DRILL", "DRS_RULE": RULE, "DRS_DRILL_STATE_MACHINE": MACHINE}
    with place.function(**variables) as ask:
        answer = ask(DUE)
    wished = "TerminationRequested" in [event["type"] for event in place.events()]
    return told(place, answer.get("restarted") == 1 and wished and place.begun() is not None)


def is_told(place: Place, missing: str | None) -> bool:
    """Whether it has been said already that an action is missing."""
    return missing is not None and missing in place.log.read_text()


def told(place: Place, works: bool) -> Trial:
    said = json.dumps(place.answers) + place.log.read_text()
    return Trial(works and "not authorized" not in said, said)


def policy(principal: str, **changes: str) -> dict:
    arguments = [part for name, text in (NAMES | changes).items() for part in (f"--{name}", text)]
    ran = subprocess.run([BINARIES / "drsctl", "policy", principal, *arguments], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def without(policy: dict, action: str) -> dict:
    """The policy without one of its actions."""
    statements = [one | {"Action": [other for other in one["Action"] if other != action]} for one in policy["Statement"]]
    return policy | {"Statement": [one for one in statements if one["Action"]]}


def actions(policy: dict) -> list[str]:
    found = {action for statement in policy["Statement"] for action in statement["Action"]}
    return sorted(action for action in found if action.startswith(SERVICES))


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A store with a plan for each kind of trial. The sweeper's is of a world of last January, where a drill is over its time."""
    made = {}
    for name, speed in (("lambda", 1), ("sweeper", None)):
        path = tmp_path_factory.mktemp(name)
        simulator = prepared(path, speed)
        if name == "sweeper":
            simulator.admin("POST", "/clock", {"speed": 600})
        declare(simulator, path)
        if name == "sweeper":
            over_its_time(simulator)
        simulator.stop()
        made[name] = simulator.directory
    return made


def over_its_time(simulator: Simulator) -> None:
    """A drill that has ended, and whose lifetime is over on every clock but the store's."""
    drill = ["start", "alone", "--reason", "r", "--max-lifetime", "60m"]
    subprocess.run([BINARIES / "drsctl", *drill], env=simulator.environment, check=True, capture_output=True)
    [execution] = {item["ExecutionId"] for item in simulator.items("execution-history") if item.get("ItemKey") == "owner"}
    # It was silent for long.
    key = {"ExecutionId": execution, "ItemKey": "owner"}
    simulator.update_item("execution-history", key, "AtMillis", 1_700_000_000_000)


@pytest.fixture(scope="module")
def trials(stores: dict[str, Path]) -> Iterator[dict[tuple[str, str | None], Future]]:
    """A trial with each whole policy, and one without each of its actions, begun at once."""
    spoke = policy("spoke", account=OTHER)

    def run(principal: str, missing: str | None) -> Trial:
        used = without(policy(principal), missing) if missing else policy(principal)
        with folder() as path:
            iam = path / "iam.yaml"
            function = {"arn": f"arn:aws:iam::{ACCOUNT}:user/function", "access_key_id": KEY, "policies": [used]}
            listed = [function, {"arn": ROLE, "policies": [spoke]}]
            iam.write_text(json.dumps({"principals": listed}))
            place = Place(stores[principal], path, KEY, ("--iam", str(iam)))
            try:
                return {"lambda": drive, "sweeper": sweep}[principal](place, missing)
            finally:
                place.simulator.stop()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        begun = {}
        for principal in KEPT:
            for action in [None, *actions(policy(principal))]:
                if action not in KEPT[principal]:
                    begun[principal, action] = pool.submit(run, principal, action)
        yield begun


@pytest.mark.parametrize("principal", KEPT)
def test_the_policy_is_enough(principal: str, trials: dict[tuple[str, str | None], Future]) -> None:
    trial = trials[principal, None].result()
    assert trial.works, trial.told


@pytest.mark.parametrize("principal", KEPT)
def test_every_action_is_missed(principal: str, trials: dict[tuple[str, str | None], Future]) -> None:
    idle = []
    for (whose, action), future in trials.items():
        if whose == principal and action:
            trial = future.result()
            if trial.works or action not in trial.told:
                idle.append(f"{action}: {'nothing is missed' if trial.works else trial.told[-1500:]}")
    assert not idle, "\n\n".join(idle)
