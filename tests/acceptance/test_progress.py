"""Progress: while a drill runs and afterwards, waves and servers are shown, by the provider's log and by drsctl."""

import json
import os
import subprocess

from .configuration import drill, group, plan, wave
from .host import Workspace
from .processes import PROVIDER
from .simulator import Simulator
from .waiting import until

SERVERS = ("db-1", "web-1", "web-2")


def configuration(simulator: Simulator) -> list[str]:
    return [
        simulator.provider(),
        group("database", source_server_ids=simulator.ids("db-1")),
        group("web", source_server_ids=simulator.ids("web-1", "web-2")),
        plan("shop", wave("database", "database"), wave("web", "web")),
        drill("quarterly", "shop", triggers={"quarter": "2026-Q4"}),
    ]


def drsctl(simulator: Simulator, *arguments: str) -> subprocess.CompletedProcess:
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(simulator.directory.parent / "home")}
    try:
        return subprocess.run(
            [simulator.binaries / "drsctl", *arguments],
            env=environment | simulator.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
    except subprocess.TimeoutExpired as hung:
        raise AssertionError(f"drsctl {arguments} still runs after {hung.timeout} s: {hung.stdout} {hung.stderr}") from None


def test_the_log_shows_waves_and_servers(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*configuration(simulator))
    log = workspace.folder / "terraform.log"
    workspace.run(*APPLY, env={"TF_LOG_PROVIDER": "info", "TF_LOG_PATH": str(log)})
    lines = [line for line in log.read_text().splitlines() if "[INFO]" in line]
    text = "\n".join(lines)
    for word in ("database", "web", *SERVERS, "COMPLETED"):
        assert word in text, f"no INFO line has {word}:\n{text}"
    # Lines of the provider's own carry its name. Terraform 1.11 has one of its own about a pipe that closes as a provider
    # ends, on some runs.
    ours = [line for line in log.read_text().splitlines() if PROVIDER in line]
    assert ours, "no line carries the provider's name"
    errors = [line for line in ours if "[ERROR]" in line]
    assert not errors, errors


def test_drsctl_shows_a_drill_live_and_afterwards(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*configuration(simulator))
    simulator.hold("StartRecovery")
    running = workspace.start_apply()
    held = simulator.wait_for_hold("StartRecovery")

    shown = drsctl(simulator, "show")
    assert shown.returncode == 0 and "RUNNING" in shown.stdout, shown
    for word in ("database", "web", *SERVERS):
        assert word in shown.stdout, shown.stdout
    listed = json.loads(drsctl(simulator, "list", "--json").stdout)
    assert "RUNNING" in json.dumps(listed)

    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | simulator.environment
    watching = subprocess.Popen(
        [simulator.binaries / "drsctl", "watch"], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        until("the watcher's first line", lambda: watching.stdout.readline())
        simulator.release(held)
        running.wait().expect(0)
        watched, _ = watching.communicate(timeout=60)
    finally:
        watching.kill()
    assert watching.returncode == 0, "watch ends with 0 when the execution COMPLETED"
    for word in ("COMPLETED", *SERVERS):
        assert word in watched, watched

    execution = workspace.state()["drs_drill_execution.quarterly"]["id"]
    shown = drsctl(simulator, "show", execution, "--timeline")
    assert shown.returncode == 0, shown
    for word in (execution, "COMPLETED", *SERVERS):
        assert word in shown.stdout, shown.stdout
    listed = drsctl(simulator, "list")
    assert execution in listed.stdout and "COMPLETED" in listed.stdout, listed


def test_drsctl_without_any_execution_says_so(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*configuration(simulator)[:2]).apply()
    shown = drsctl(simulator, "show")
    assert shown.returncode != 0 and shown.stderr.strip() and "panicked" not in shown.stderr, shown


APPLY = ("apply", "-no-color", "-input=false", "-auto-approve")
