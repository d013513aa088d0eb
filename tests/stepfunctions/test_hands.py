"""A sweeper that finds what nobody drives, and a function that is not for every mode.

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
from .test_runners import BINARIES, first, owners

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


def outcome(cloud: Cloud, execution: str) -> str:
    return cloud.await_event(execution, "ExecutionFinished")["event"]["outcome"]


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
    assert owners(cloud.history(execution)) == ["process", "machine"]
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


def test_a_machine_goes_on_as_new_runs(cloud: Cloud) -> None:
    """Here after three turns each. All of them are one owner, and what they have is passed on by ids alone."""
    machine = cloud.add_machine("goes-on", turns=3)
    cloud.drsctl("start", PLAN, "--reason", "r", "--runner", "step-functions", "--state-machine", machine)
    [execution] = cloud.executions(PLAN)
    assert outcome(cloud, execution) == "COMPLETED"
    assert owners(cloud.history(execution)) == ["machine"]
    assert cloud.simulator.launches() == {"db-1": 1, "web-1": 1}
    runs = until("every run has ended", lambda: all_ended(cloud, machine))
    assert {run["status"] for run in runs} == {"SUCCEEDED"} and len(runs) >= 3, runs
    [first_run] = [run["name"] for run in runs if not run["name"].rpartition("-")[2].isdigit()]
    assert {run["name"] for run in runs} == {first_run, *(f"{first_run}-{part}" for part in range(2, len(runs) + 1))}


def all_ended(cloud: Cloud, machine: str) -> list[dict] | None:
    runs = cloud.runs(machine)
    return None if any(run["status"] == "RUNNING" for run in runs) else runs


@pytest.mark.parametrize(
    ("body", "error"),
    # ministack has one name for whatever a function raises.
    [('return {"next": "dance"}', "NotUnderstood"), ('raise ValueError("no")', "Runtime.HandlerError")],
    ids=["an answer that it does not know", "an error that it does not know"],
)
def test_a_machine_ends_at_what_it_does_not_know(body: str, error: str, cloud: Cloud) -> None:
    """Its function is another here. The machine neither guesses nor asks for ever."""
    machine = cloud.add_machine_for("strange", cloud.add_stranger(f"def answer(event, context):\n    {body}\n"))
    run = {"execution_id": "exec-1", "run": "exec-1-x", "part": 1}
    client = cloud.client("stepfunctions")
    begun = client.start_execution(stateMachineArn=machine, input=json.dumps(run))["executionArn"]
    [ended] = until("the run has ended", lambda: all_ended(cloud, machine))
    shown = client.describe_execution(executionArn=begun)
    assert (ended["status"], shown["error"]) == ("FAILED", error), shown
    client.delete_state_machine(stateMachineArn=machine)


def test_what_is_not_of_this_environment_is_refused(cloud: Cloud) -> None:
    """A function whose tables do not have the execution, and one whose machine is not listed."""
    machine = cloud.add_machine("elsewhere", DRS_ENVIRONMENT="elsewhere")
    asked = {"ask": "turn", "execution_id": "exec-1", "run": "exec-1-x", "state_machine": machine}
    stranger = invoke(cloud, "elsewhere", asked | {"state_machine": machine.replace("elsewhere", "other")})
    assert stranger["errorType"] == "Refused" and "may not ask this function" in stranger["errorMessage"], stranger
    cloud.add_machine("here")
    missing = invoke(cloud, "here", asked | {"state_machine": machine.replace("elsewhere", "here")})
    assert missing["errorType"] == "Refused" and "no execution exec-1" in missing["errorMessage"], missing

