"""Control: an operator holds a drill that Terraform drives, and lets it go on; a recovery takes its servers."""

import json
import subprocess
from typing import Any

from . import golden
from .configuration import drill, group, plan, wave
from .host import Workspace
from .simulator import Simulator
from .test_progress import drsctl
from .waiting import until

PAUSED = "PAUSED"
DRILL = "drs_drill_execution.quarterly"


def configuration(
    simulator: Simulator, of_drill: dict | None = None, of_plan: dict | None = None, **approval: Any
) -> list[str]:
    return [
        simulator.provider(),
        group("database", source_server_ids=simulator.ids("db-1")),
        group("web", source_server_ids=simulator.ids("web-1", "web-2")),
        plan("shop", wave("database", "database"), wave("web", "web", **approval), **(of_plan or {})),
        drill("quarterly", "shop", triggers={"quarter": "2026-Q4"}, **(of_drill or {})),
    ]


def listed(simulator: Simulator) -> list[dict[str, Any]]:
    """Every execution; none while the tables are not there."""
    found = drsctl(simulator, "list", "--json")
    return json.loads(found.stdout)["executions"] if found.returncode == 0 else []


def in_status(simulator: Simulator, status: str) -> str | None:
    """The id of the execution in this status."""
    found = [one["execution_id"] for one in listed(simulator) if one["status"] == status]
    return found[0] if found else None


def said(finished: subprocess.CompletedProcess[str]) -> str:
    assert "panicked" not in finished.stderr, finished
    return finished.stdout + finished.stderr


def test_a_wave_waits_for_its_approval_while_terraform_follows(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*configuration(simulator, pause_before=True))
    running = workspace.start_apply()
    execution = until("the pause", lambda: in_status(simulator, PAUSED))

    shown = drsctl(simulator, "show")
    assert "the plan asks for an approval before this wave" in shown.stdout, shown
    assert f"drsctl resume {execution}" in shown.stdout, shown
    refused = drsctl(simulator, "skip", execution, "--wave", "database", "--reason", "no")
    assert refused.returncode == 2 and "is finished" in said(refused), refused
    assert in_status(simulator, PAUSED) == execution, "a request that is refused changes nothing"

    resumed = drsctl(simulator, "resume", execution, "--reason", "the network is ready")
    assert resumed.returncode == 0 and "is driven by terraform" in resumed.stdout, resumed
    running.wait().expect(0)
    assert workspace.state()["drs_drill_execution.quarterly"]["status"] == "COMPLETED"
    workspace.plans_nothing()


def test_an_apply_that_does_not_wait_for_the_approval(workspace: Workspace, simulator: Simulator) -> None:
    """It returns with the drill paused and untainted, again and again, until somebody has approved."""
    of_drill = {"on_pause": "return"}
    workspace.write(*configuration(simulator, of_drill, {"rto_objective": "90m"}, pause_before=True))
    golden.check("returned_at_pause", workspace.apply(), workspace)
    state = workspace.state()[DRILL]
    assert state["status"] == PAUSED and state["finished_at"] is None
    assert [wave["status"] for wave in state["waves"]] == ["COMPLETED", "WAITING"]
    # Another word for the same objective changes nothing, and the plan of a drill that runs cannot be changed.
    workspace.write(*configuration(simulator, of_drill, {"rto_objective": "1h30m"}, pause_before=True))
    assert workspace.planned_actions() == {DRILL: ["update"]}
    workspace.apply()
    assert workspace.state()[DRILL]["status"] == PAUSED and len(listed(simulator)) == 1

    asked = drsctl(simulator, "resume", state["id"], "--reason", "the network is ready")
    assert asked.returncode == 0 and "COMPLETED" in asked.stdout, asked
    workspace.apply()
    assert workspace.state()[DRILL]["status"] == "COMPLETED"
    workspace.plans_nothing()
    assert simulator.launches() == {"db-1": 1, "web-1": 1, "web-2": 1}


def test_an_apply_that_waits_longer_than_it_may(workspace: Workspace, simulator: Simulator) -> None:
    """It leaves the drill paused, as an interrupted one, and the next apply goes on with it."""
    patience = {"timeouts": {"create": "2h"}}
    workspace.write(*configuration(simulator, patience, pause_before=True))
    finished = workspace.apply()
    assert "Interrupted While the Drill Runs" in finished.text, finished
    state = workspace.state()[DRILL]
    assert state["status"] == PAUSED and workspace.planned_actions() == {DRILL: ["update"]}
    assert drsctl(simulator, "resume", state["id"], "--reason", "go on").returncode == 0
    workspace.apply()
    assert workspace.state()[DRILL]["status"] == "COMPLETED" and simulator.launches()["web-1"] == 1


def test_a_recovery_takes_the_servers_of_the_drill(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*configuration(simulator, pause_before=True))
    running = workspace.start_apply()
    until("the pause", lambda: in_status(simulator, PAUSED))

    wrong = drsctl(simulator, "failover", "shop", "--reason", "the Region is down", "--confirm", "shop/1")
    assert wrong.returncode == 2 and '--confirm "shop/2"' in said(wrong), wrong
    assert len(listed(simulator)) == 1, "nothing was started"
    asked = ("failover", "shop", "--reason", "the Region is down", "--confirm", "shop/2", "--only-wave", "database")
    recovered = drsctl(simulator, *asked)
    assert recovered.returncode == 0 and "COMPLETED" in recovered.stdout, recovered
    again = drsctl(simulator, *asked)
    assert again.returncode == 2 and '--confirm "shop/3"' in said(again), again

    ended = running.wait()
    assert ended.exit_code == 1 and "took its servers" in ended.flat, ended
    modes = {one["mode"]: one["status"] for one in listed(simulator)}
    assert modes == {"RECOVERY": "COMPLETED", "DRILL": "CANCELLED"}, modes
