"""Debug mode: hosts attach to a provider that runs already, and it outlives them.

The folder from which hosts would start a provider of their own is empty here.
"""

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import processes
from .configuration import Expression, block, drill, group, plan, wave
from .conftest import folder
from .host import STOP_HEARD, Host, Workspace
from .simulator import ENVIRONMENT, Simulator
from .waiting import SOON_SECONDS, until

VARIABLE = "TF_REATTACH_PROVIDERS"
DRILL = "drs_drill_execution.quarterly"


@dataclass
class Attached:
    """A provider in debug mode, and a folder whose host knows of it."""

    process: subprocess.Popen
    log: Path
    workspace: Workspace

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def end(self, with_signal: signal.Signals) -> int:
        """Its exit code."""
        self.process.send_signal(with_signal)
        return self.process.wait(SOON_SECONDS)

    @property
    def sockets(self) -> list[Path]:
        return list((self.workspace.folder / "tmp").rglob("*.sock"))


def printed_variable(process: subprocess.Popen) -> str:
    """What a person copies into a shell, as the shell understands it."""
    for line in process.stdout:
        if line.startswith(VARIABLE):
            name, _, value = line.partition("=")
            return shlex.split(value)[0]
    raise AssertionError(f"no {VARIABLE} was printed; exit code {process.wait(SOON_SECONDS)}")


@pytest.fixture
def attached(host: Host, binaries: Path) -> Iterator[Attached]:
    with folder() as path:
        (path / "empty").mkdir()
        workspace = Workspace(host, path / "work", path / "empty")
        log = path / "provider.log"
        with log.open("wb") as err:
            process = subprocess.Popen(
                [binaries / processes.PROVIDER, "-debug"],
                env={"PATH": os.environ["PATH"], "TMPDIR": str(workspace.folder / "tmp"), "TF_LOG": "INFO"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
            )
        try:
            workspace.environment[VARIABLE] = printed_variable(process)
            yield Attached(process, log, workspace)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        left = workspace.leftovers()
        assert not left, f"processes stayed behind: {left}"


@pytest.fixture
def world(attached: Attached, binaries: Path) -> Iterator[Simulator]:
    simulator = Simulator(attached.workspace.folder / "simulator", binaries)
    yield simulator
    simulator.stop()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=lambda it: it.name)
def test_one_provider_serves_many_runs(ending: signal.Signals, attached: Attached, world: Simulator) -> None:
    workspace = attached.workspace
    workspace.write(
        world.provider(),
        group("web", source_server_ids=world.ids("web-1", "web-2")),
        plan("shop", wave("web", "web")),
        drill("quarterly", "shop"),
    ).apply()
    workspace.plans_nothing()
    assert workspace.state()[DRILL]["status"] == "COMPLETED"
    assert attached.is_running and attached.sockets

    # A colleague's run in two other environments, while this one goes on: each provider block has its own settings.
    colleague = workspace.sibling()
    colleague.write(
        world.provider(environment="second"),
        block("provider", "drs", **world.settings(alias="third", environment="third")),
        group("web", source_server_ids=world.ids("web-1")),
        group("app", source_server_ids=world.ids("web-1"), provider=Expression("drs.third")),
    )
    with ThreadPoolExecutor(2) as both:
        runs = [both.submit(it) for it in (workspace.plans_nothing, colleague.apply)]
        for run in runs:
            run.result()
    colleague.plans_nothing()
    assert [len(world.groups(of)) for of in (ENVIRONMENT, "second", "third")] == [1, 1, 1]

    workspace.destroy()
    colleague.destroy()
    assert world.instances() == [] and world.groups() == []
    assert attached.is_running
    assert attached.end(ending) == 0 and not attached.sockets
    gone = workspace.plan(expect=1)
    assert "provider" in gone.flat.lower(), gone


def test_ctrl_c_ends_the_run_and_not_the_provider(attached: Attached, world: Simulator) -> None:
    held, running, workspace = apply_held_at_the_launch(attached, world)
    os.killpg(running.group, signal.SIGINT)
    until("the provider hears of it", lambda: STOP_HEARD in attached.log.read_text())
    world.release(held)
    running.wait().expect(1)
    state = workspace.state()[DRILL]
    assert state["status"] == "RUNNING" and not state["_tainted"]
    assert attached.is_running
    workspace.apply()
    assert workspace.state()[DRILL]["status"] == "COMPLETED"
    assert world.launches() == {"web-1": 1}


def test_a_provider_that_is_ended_in_the_middle_has_written_down_the_launch(
    attached: Attached, world: Simulator, binaries: Path
) -> None:
    held, running, workspace = apply_held_at_the_launch(attached, world)
    attached.process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        attached.process.wait(1)
    world.release(held)
    assert attached.process.wait(SOON_SECONDS) == 0
    # Nobody has interrupted Terraform, so it does not fail by itself; what it says and stores is that the drill runs on.
    finished = running.wait().expect(0)
    assert "Interrupted While the Drill Runs" in finished.flat, finished
    assert world.has_event("LaunchAccepted") and world.launches() == {"web-1": 1}
    # The next run starts a provider of its own.
    next_run = Workspace(workspace.host, workspace.folder / "next", binaries)
    (next_run.folder / "terraform.tfstate").write_bytes((workspace.folder / "terraform.tfstate").read_bytes())
    workspace.siblings.append(next_run)
    next_run.write((workspace.folder / "main.tf").read_text()).apply()
    assert next_run.state()[DRILL]["status"] == "COMPLETED"
    assert world.launches() == {"web-1": 1}


def apply_held_at_the_launch(attached: Attached, world: Simulator):
    """An apply of a drill whose launch DRS has accepted, and has not answered."""
    workspace = attached.workspace
    world.slow_down()
    workspace.write(
        world.provider(),
        group("web", source_server_ids=world.ids("web-1")),
        plan("shop", wave("web", "web")),
        drill("quarterly", "shop"),
    )
    world.hold("StartRecovery")
    running = workspace.start_apply()
    return world.wait_for_hold("StartRecovery"), running, workspace
