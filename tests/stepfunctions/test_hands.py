"""Executions that change hands, a sweeper that finds what nobody drives, and a function that is not for every mode.

As in test_runners, what is asserted is what the simulator was asked and what the history says.
"""

import json
from collections.abc import Iterator

import pytest
from acceptance.conftest import folder
from acceptance.waiting import until
from emulator import Ministack

from .cloud import SHORTEN, Cloud
from .scenarios import PLAN, SCENARIOS, build
from .test_runners import BINARIES, first

RULE = "arn:aws:events:us-east-1:111122223333:rule/sweep"
DUE = {
    "version": "0",
    "id": "1",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "111122223333",
    "time": "2026-03-01T10:00:00Z",
    "region": "us-east-1",
    "resources": [RULE],
    "detail": {},
}


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    running = Ministack(tmp_path_factory.mktemp("ministack"))
    yield running
    running.stop()


@pytest.fixture
def cloud(ministack: Ministack) -> Iterator[Cloud]:
    with folder() as path:
        simulator = build(SCENARIOS[0], path, BINARIES)
        simulator.command({"change_settings": {"shorten": SHORTEN}})
        yield Cloud(simulator, ministack, path)
        simulator.stop()


def left(cloud: Cloud) -> str:
    """A drill whose process died in the middle of its first wave."""
    started = cloud.begin("start", PLAN, "--reason", "the quarterly drill")
    execution = until("the execution", lambda: first(cloud))
    cloud.await_event(execution, "LaunchAccepted")
    started.kill()
    started.wait()
    return execution


def owners(cloud: Cloud, execution: str) -> list[str]:
    """Who owned an execution, one after the other."""
    taken = [event["event"] for event in cloud.history(execution) if event["event"]["type"] == "OwnerTaken"]
    return ["machine" if event["owner"].startswith("step-functions/") else "process" for event in taken]


def outcome(cloud: Cloud, execution: str) -> str:
    return cloud.await_event(execution, "ExecutionFinished")["event"]["outcome"]


def test_from_a_dead_process_to_a_machine_and_back(cloud: Cloud) -> None:
    machine = cloud.add_machine("hands")
    execution = left(cloud)
    follower = cloud.begin("run", execution, "--runner", "step-functions", "--state-machine", machine, "--take-over")
    try:
        until("a launch of the machine", lambda: launches(cloud, execution) == 2, seconds=120)
    finally:
        follower.kill()
        follower.wait()
    [run] = [run for run in cloud.runs(machine) if run["status"] == "RUNNING"]
    cloud.client("stepfunctions").stop_execution(executionArn=run["executionArn"])

    cloud.drsctl("run", execution, "--take-over")
    assert outcome(cloud, execution) == "COMPLETED"
    assert owners(cloud, execution) == ["process", "machine", "process"]
    assert cloud.simulator.launches() == {"db-1": 1, "web-1": 1}


def launches(cloud: Cloud, execution: str) -> int:
    return sum(event["event"]["type"] == "LaunchAccepted" for event in cloud.history(execution))


def test_the_sweeper_gives_what_nobody_drives_to_a_machine(cloud: Cloud) -> None:
    machine = cloud.add_machine("swept")
    function = {"DRS_FUNCTION": "sweeper", "DRS_ALLOWED_MODES": "DRILL,RECOVERY", "DRS_RULE": RULE}
    cloud.add_function("sweeper", **function, DRS_DRILL_STATE_MACHINE=machine)
    execution = left(cloud)
    # It was silent for long.
    key = {"ExecutionId": execution, "ItemKey": "owner"}
    cloud.simulator.update_item("execution-history", key, "AtMillis", 1_700_000_000_000)

    for wrong in ({"source": "my.own"}, {"account": "444455556666"}, {"resources": ["arn:other"]}, {"detail-type": "x"}):
        refused = invoke(cloud, "sweeper", DUE | wrong)
        assert refused["errorType"] == "Refused", refused
    assert cloud.runs(machine) == [], "what is refused does nothing"

    swept = invoke(cloud, "sweeper", DUE)
    assert swept == {"found": 1, "restarted": 1, "failed": 0}
    assert outcome(cloud, execution) == "COMPLETED"
    assert owners(cloud, execution) == ["process", "machine"]
    assert cloud.simulator.launches() == {"db-1": 1, "web-1": 1}
    again = invoke(cloud, "sweeper", DUE)
    assert again["restarted"] == 0, "nothing is left to do"


def invoke(cloud: Cloud, function: str, event: dict) -> dict:
    answered = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    return json.loads(answered["Payload"].read())


def test_a_function_for_drills_launches_no_recovery(cloud: Cloud) -> None:
    machine = cloud.add_machine("drills-only", modes="DRILL")
    confirmed = ["--reason", "the site is gone", "--confirm", f"{PLAN}/1"]
    started = cloud.begin("failover", PLAN, *confirmed, "--runner", "step-functions", "--state-machine", machine)
    try:
        execution = until("the execution", lambda: first(cloud))
        [run] = until("the run has failed", lambda: [run for run in cloud.runs(machine) if run["status"] == "FAILED"])
        failed = cloud.client("stepfunctions").describe_execution(executionArn=run["executionArn"])
    finally:
        started.kill()
        started.wait()
    assert failed["error"] == "Refused" and "DRS_ALLOWED_MODES" in failed["cause"], failed
    assert "LaunchIntended" not in [event["event"]["type"] for event in cloud.history(execution)]
    assert cloud.simulator.launches() == {}


def test_what_is_not_of_this_environment_is_refused(cloud: Cloud) -> None:
    """A function whose tables do not have the execution, and one whose machine is not listed."""
    machine = cloud.add_machine("elsewhere", DRS_ENVIRONMENT="elsewhere")
    asked = {"ask": "turn", "execution_id": "exec-1", "run": "exec-1-x", "state_machine": machine}
    stranger = invoke(cloud, "elsewhere", asked | {"state_machine": machine.replace("elsewhere", "other")})
    assert stranger["errorType"] == "Refused" and "may not ask this function" in stranger["errorMessage"], stranger
    cloud.add_machine("here")
    missing = invoke(cloud, "here", asked | {"state_machine": machine.replace("elsewhere", "here")})
    assert missing["errorType"] == "Refused" and "no execution exec-1" in missing["errorMessage"], missing

