"""PARTIAL: servers failed whose failure the plan lets pass. It is no success, and it can be accepted."""

from . import golden
from .configuration import drill, group, plan, wave
from .host import Workspace
from .simulator import Simulator

DRILL = "drs_drill_execution.quarterly"
ACCEPTED = """
  lifecycle {
    postcondition {
      condition     = contains(["COMPLETED", "PARTIAL"], self.status)
      error_message = "The drill ended as ${self.status}: ${self.summary}"
    }
  }
"""


def shop(simulator: Simulator, **attributes: object) -> list[str]:
    return [
        simulator.provider(),
        group("database", source_server_ids=simulator.ids("db-1")),
        group("web", source_server_ids=simulator.ids("web-1", "web-2", "app-1")),
        plan("shop", wave("web", "web", min_success_percent=30), wave("database", "database")),
        drill("quarterly", "shop", **attributes),
    ]


def fail(simulator: Simulator, *servers: str) -> None:
    for server in servers:
        faults = [{"phase": "launch"}, {"phase": "launch"}]
        simulator.command({"script_launches": {"place": simulator.place, "server": server, "faults": faults}})


def test_partial_is_no_success_and_says_what_is_missing(workspace: Workspace, simulator: Simulator) -> None:
    fail(simulator, "web-2", "app-1")
    workspace.write(*shop(simulator))
    golden.check("partial", workspace.apply(expect=1), workspace)
    state = workspace.state()[DRILL]
    assert state["status"] == "PARTIAL" and state["_tainted"]
    statuses = {server["hostname"]: server["status"] for server in state["servers"]}
    assert statuses == {"web-1": "LAUNCHED", "web-2": "FAILED", "app-1": "FAILED", "db-1": "LAUNCHED"}


def test_partial_is_accepted_by_a_postcondition_and_failed_is_not(workspace: Workspace, simulator: Simulator) -> None:
    fail(simulator, "web-2", "app-1")
    texts = shop(simulator, fail_on_unsuccessful=False, triggers={"quarter": "2026-Q3"}, body=ACCEPTED)
    workspace.write(*texts).apply()
    state = workspace.state()[DRILL]
    assert state["status"] == "PARTIAL" and not state["_tainted"]
    workspace.plans_nothing()

    fail(simulator, "web-1", "web-2", "app-1")
    texts = shop(simulator, fail_on_unsuccessful=False, triggers={"quarter": "2026-Q4"}, body=ACCEPTED)
    finished = workspace.write(*texts).apply(expect=1)
    assert "Resource postcondition failed" in finished.flat and "The drill ended as FAILED" in finished.flat, finished
    # Every server has failed as often as it was told to.
    workspace.apply(f"-replace={DRILL}", expect=1)
    workspace.apply(f"-replace={DRILL}")
    assert workspace.state()[DRILL]["status"] == "COMPLETED"
