"""`kill -9` of the provider and of the host at every point of a drill: the next run goes on, and DRS saw each launch once.

A point is found by holding calls in the simulator and looking at what the history says, never by time. All cases are
played up to the kill first, several at a time, because an owner has to be silent for half a minute before another takes
over; then each goes on with the next `terraform apply`, which waits for what is left of that time by itself.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import golden
from .configuration import drill, group, plan, wave
from .conftest import folder
from .host import HOSTS, Running, Workspace
from .simulator import SPEED, Simulator
from .waiting import until

WRITE = "dynamodb:TransactWriteItems"
DRILL = "drs_drill_execution.quarterly"
# Cases that are played at the same time; most of their time is spent waiting.
AT_ONCE = 4

Reach = Callable[[Simulator], int]


def hold_write(event: str, times: int = 1) -> Reach:
    """Holds the write of an event: it is in the history, and nothing came after it."""
    return lambda it: it.step_until(WRITE, lambda: it.has_event(event, times))


def hold_call(operation: str, event: str) -> Reach:
    """Holds the first call of an operation after an event."""
    return lambda it: it.step_until(operation, lambda: it.has_event(event))


@dataclass(frozen=True)
class Point:
    """Where the kill comes."""

    reach: Reach
    # Whether the drill has ended, and it is its destruction that is cut.
    is_destroy: bool = False


POINTS = {
    "before_the_intent": Point(hold_write("WaveStarted")),
    "after_the_intent": Point(hold_write("LaunchIntended")),
    "after_drs_accepted": Point(hold_call("StartRecovery", "LaunchIntended")),
    "while_polling": Point(hold_call("DescribeJobs", "LaunchAccepted")),
    "between_two_waves": Point(hold_write("WaveFinished")),
    "during_termination": Point(hold_call("TerminateRecoveryInstances", "TerminationIntended"), is_destroy=True),
}
VICTIMS = {"provider": Running.kill_provider, "host": Running.kill_host}
CASES = [(host, point, victim) for host in HOSTS for point in POINTS for victim in VICTIMS]


@dataclass
class Killed:
    """A drill that was cut."""

    workspace: Workspace
    simulator: Simulator
    launched_before: dict[str, int]


def play(host: str, point: str, victim: str, path: Path, binaries: Path, stack: ExitStack) -> Killed:
    """Plays a case up to the kill."""
    workspace = Workspace(HOSTS[host](), path, binaries)
    simulator = Simulator(workspace.folder / "simulator", binaries)
    stack.callback(simulator.stop)
    simulator.slow_down()
    texts = [
        simulator.provider(),
        group("database", source_server_ids=simulator.ids("db-1")),
        group("web", source_server_ids=simulator.ids("web-1", "web-2")),
        plan("shop", wave("database", "database"), wave("web", "web")),
    ]
    workspace.write(*texts).apply()
    workspace.write(*texts, drill("quarterly", "shop", triggers={"quarter": "2026-Q4"}))
    where = POINTS[point]
    if where.is_destroy:
        workspace.apply()
        running = workspace.start("destroy", "-no-color", "-input=false", "-auto-approve", f"-target={DRILL}")
    else:
        running = workspace.start_apply()
    where.reach(simulator)
    launched = simulator.launches()
    VICTIMS[victim](running)
    finished = running.wait()
    assert finished.exit_code != 0, finished
    left = workspace.leftovers()
    assert not left, f"the provider outlived its host: {left}"
    assert DRILL not in workspace.state() or where.is_destroy
    simulator.clear_faults()
    simulator.release()
    return Killed(workspace, simulator, launched)


@pytest.fixture(scope="module")
def killed(request: pytest.FixtureRequest, binaries: Path) -> Iterator[dict[tuple, "Future[Killed]"]]:
    """Every case that is going to be tested, up to the kill."""
    tests = [item for item in request.session.items if item.function is test_the_next_run_goes_on]
    cases = [tuple(item.callspec.params["case"]) for item in tests]
    with ExitStack() as stack:
        paths = {case: stack.enter_context(folder()) for case in cases}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            played = {case: pool.submit(play, *case, paths[case], binaries, stack) for case in cases}
        yield played


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_the_next_run_goes_on(case: tuple[str, str, str], killed: dict) -> None:
    it: Killed = killed[case].result()
    workspace, simulator = it.workspace, it.simulator
    executions = simulator.events().count("ExecutionStarted")
    assert executions == 1
    point = POINTS[case[1]]
    if point.is_destroy:
        workspace.destroy()
        assert simulator.instances() == []
        assert simulator.launches() == it.launched_before
        return
    workspace.apply()
    state = workspace.state()[DRILL]
    assert state["status"] == "COMPLETED" and not state["_tainted"]
    assert simulator.launches() == {"db-1": 1, "web-1": 1, "web-2": 1}
    assert simulator.events().count("ExecutionStarted") == 1, "the next run started another execution"
    assert simulator.has_event("OwnerTaken")
    workspace.plans_nothing()
    workspace.destroy()
    assert simulator.instances() == []


def test_a_run_whose_owner_lives_is_not_taken_over(workspace: Workspace, simulator: Simulator) -> None:
    """Two people apply the same drill: the second is told who drives it, and nothing is launched twice."""
    # In a world that is as slow as life, the first apply lives and polls while the second looks at it.
    simulator.speed = 1
    texts = [
        simulator.provider(),
        group("web", source_server_ids=simulator.ids("web-1")),
        plan("shop", wave("web", "web")),
    ]
    workspace.write(*texts).apply()
    colleague = workspace.sibling(with_state=True)
    for place in (workspace, colleague):
        place.write(*texts, drill("quarterly", "shop", triggers={"quarter": "2026-Q4"}))
    running = workspace.start_apply()
    until("the launch", lambda: simulator.has_event("LaunchAccepted"))
    golden.check("owner_lives", colleague.apply(expect=1), colleague)
    simulator.admin("POST", "/clock", {"speed": SPEED})
    running.wait().expect(0)
    assert simulator.launches() == {"web-1": 1}
