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
            started = begin(cloud, scenario, runner)
            try:
                execution = until("the execution", lambda: first(cloud))
                scenario.meddle(cloud, execution)
                out, err = started.communicate(timeout=seconds)
            finally:
                started.kill()
            events = cloud.history(execution)
            ends = [event["event"] for event in events if event["event"]["type"] == "ExecutionFinished"]
            assert [end["outcome"] for end in ends] == [scenario.status], f"{out}\n{err}\n{ministack.log.read_text()[-3000:]}"
            return events, simulator.launches()
        finally:
            simulator.stop()


def begin(cloud: Cloud, scenario: Scenario, runner: str) -> subprocess.Popen:
    """Begins the drill; drsctl follows it to its end, whoever drives."""
    options = []
    if runner == "step-functions":
        machine = cloud.add_machine(scenario.name.replace(" ", "-"))
        options = ["--runner", runner, "--state-machine", machine]
    scenario.prepare(cloud.simulator)
    return cloud.begin("start", PLAN, "--reason", "the quarterly drill", *options)


def first(cloud: Cloud) -> str | None:
    found = cloud.drsctl("list", "--json", expect=None)
    executions = json.loads(found.stdout)["executions"] if found.returncode == 0 else []
    return executions[0]["execution_id"] if executions else None


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_both_runners_leave_the_same_history(scenario: Scenario, ended: dict[tuple[str, str], Future]) -> None:
    (own, own_launches), (hosted, hosted_launches) = (ended[scenario.name, runner].result() for runner in RUNNERS)
    assert own_launches == hosted_launches == {name: 1 for name in scenario.launched}
    assert comparable(own) == comparable(hosted)
    owners = {event["event"]["owner"] for event in hosted if event["event"]["type"] == "OwnerTaken"}
    assert all(owner.startswith("step-functions/") for owner in owners), owners


def test_without_the_simulator_the_check_fails(ministack: Ministack) -> None:
    """What is asserted here comes from our side: a run of a machine alone cannot make these tests pass."""
    down = dataclasses.replace(SCENARIOS[0], name="control", meddle=lambda cloud, execution: cloud.simulator.stop())
    with pytest.raises((subprocess.TimeoutExpired, AssertionError)):
        run(down, "step-functions", ministack, seconds=20)
