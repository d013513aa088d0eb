"""The runners agree: the same scenarios, driven by drsctl in its own process and by a state machine, leave the same history.

Step Functions and Lambda are ministack's, in real time; DRS and DynamoDB are our simulator's. What each run must show is
asserted at the simulator (which servers were launched, how often) and in the history, never on a run of the machine alone.
All of them run at the same time, because most of their time is waiting.
"""

import dataclasses
import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from acceptance.conftest import TOOL, folder
from acceptance.waiting import until
from emulator import ROOT, Ministack

from .cloud import RUN_SECONDS, SHORTEN, Cloud
from .histories import comparable
from .scenarios import PLAN, SCENARIOS, Scenario, build

BINARIES = ROOT / "target" / "debug"
RUNNERS = ("in-process", "step-functions")
REASON = "the quarterly drill"
AT_ONCE = 7


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    for name in (TOOL, "bootstrap"):
        assert (BINARIES / name).exists(), f"these tests need {BINARIES / name}; `make build` builds it"
    running = Ministack(tmp_path_factory.mktemp("ministack"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def ended(ministack: Ministack) -> Iterator[dict[tuple[str, str], Future]]:
    """Every scenario with each runner, begun at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        begun = {
            (scenario.name, runner): pool.submit(run, scenario, runner, ministack)
            for scenario in SCENARIOS
            for runner in RUNNERS
        }
        yield begun


def run(
    scenario: Scenario, runner: str, ministack: Ministack, seconds: float = RUN_SECONDS
) -> tuple[list[dict], dict[str, int]]:
    """A scenario to its end: its history, and how often each server was launched."""
    with folder() as path:
        simulator = build(scenario, path, BINARIES)
        try:
            simulator.command({"change_settings": {"shorten": SHORTEN}})
            cloud = Cloud(simulator, ministack, path)
            options = hosting(cloud, scenario) if runner == "step-functions" else []
            scenario.prepare(cloud.simulator)
            started = cloud.begin("start", PLAN, "--reason", REASON, *([] if scenario.changes_hands else options))
            try:
                execution = until("the execution", lambda: first(cloud))
                scenario.meddle(cloud, execution)
                if scenario.changes_hands:
                    started = change_hands(cloud, execution, started, options)
                out, err = started.communicate(timeout=seconds)
            finally:
                started.kill()
            events = cloud.history(execution)
            ends = [event["event"] for event in events if event["event"]["type"] == "ExecutionFinished"]
            assert [end["outcome"] for end in ends] == [scenario.status], f"{out}\n{err}\n{ministack.log.read_text()[-3000:]}"
            return events, simulator.launches()
        finally:
            simulator.stop()


def hosting(cloud: Cloud, scenario: Scenario) -> list[str]:
    """A state machine of the scenario's own, as drsctl is told of it; drsctl follows it to the drill's end."""
    machine = cloud.add_machine(scenario.name.replace(" ", "-"))
    return ["--runner", "step-functions", "--state-machine", machine]


def change_hands(cloud: Cloud, execution: str, started: subprocess.Popen, options: list[str]) -> subprocess.Popen:
    """From a process that dies to the runner, and from the runner, which is ended in the second wave, to a process."""
    cloud.await_event(execution, "LaunchAccepted")
    end(started)
    second = cloud.begin("run", execution, "--take-over", *options)
    try:
        until("the launch of the second wave", lambda: launches(cloud, execution) == 2, seconds=RUN_SECONDS)
    finally:
        end(second)
    if options:
        [run] = [run for run in cloud.runs(options[-1]) if run["status"] == "RUNNING"]
        cloud.client("stepfunctions").stop_execution(executionArn=run["executionArn"])
    return cloud.begin("run", execution, "--take-over")


def end(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


def launches(cloud: Cloud, execution: str) -> int:
    return sum(event["event"]["type"] == "LaunchAccepted" for event in cloud.history(execution))


def first(cloud: Cloud) -> str | None:
    found = cloud.drsctl("list", "--json", expect=None)
    executions = json.loads(found.stdout)["executions"] if found.returncode == 0 else []
    return executions[0]["execution_id"] if executions else None


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_both_runners_leave_the_same_history(scenario: Scenario, ended: dict[tuple[str, str], Future]) -> None:
    (own, own_launches), (hosted, hosted_launches) = (ended[scenario.name, runner].result() for runner in RUNNERS)
    assert own_launches == hosted_launches == {name: 1 for name in scenario.launched}
    assert comparable(own) == comparable(hosted)
    machine = [["machine"], ["process", "machine", "process"]][scenario.changes_hands]
    assert (owners(own), owners(hosted)) == (["process"] * len(machine), machine)


def owners(events: list[dict]) -> list[str]:
    """Who owned an execution, one after the other."""
    taken = [event["event"] for event in events if event["event"]["type"] == "OwnerTaken"]
    return ["machine" if event["owner"].startswith("step-functions/") else "process" for event in taken]


def test_without_the_simulator_the_check_fails(ministack: Ministack) -> None:
    """What is asserted here comes from our side: a run of a machine alone cannot make these tests pass."""
    down = dataclasses.replace(SCENARIOS[0], name="control", meddle=lambda cloud, execution: cloud.simulator.stop())
    with pytest.raises((subprocess.TimeoutExpired, AssertionError)):
        run(down, "step-functions", ministack, seconds=20)
