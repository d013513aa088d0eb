"""Gates: when a drill is good enough, and what follows when it is not. The outputs are those of docs/guides/gates.md."""

import re

from . import golden
from .configuration import drill, group, plan, wave
from .host import Finished, Workspace
from .simulator import Simulator
from .test_examples import EXAMPLES, written

GATE = "drs_drill_execution.gate"
DRILL = "drs_drill_execution.quarterly"
# What a plan says of resources, and of their number.
PLANNED = re.compile(r"^(  # drs_.*|Plan: .*|No changes\..*)$", re.MULTILINE)


def gate(name: str, workspace: Workspace, simulator: Simulator) -> Workspace:
    simulator.fleet = EXAMPLES / "fleets" / "one-server-fails.yaml"
    workspace.environment["TF_VAR_fleet"] = str(simulator.fleet)
    return written(f"gates/{name}", workspace, simulator)


def planned(name: str, finished: Finished) -> None:
    """What a plan would do."""
    golden.compare(name, "\n".join(line.strip() for line in PLANNED.findall(finished.out)), whole=str(finished))


def test_an_unsuccessful_drill_taints_and_is_run_again(workspace: Workspace, simulator: Simulator) -> None:
    gate("taints", workspace, simulator)
    golden.check("gate_taints", workspace.apply(expect=1), workspace)
    state = workspace.state()[GATE]
    assert state["status"] == "PARTIAL" and state["_tainted"]
    planned("gate_taints_planned", workspace.plan("-detailed-exitcode", expect=2))


def test_a_postcondition_taints_nothing_and_fails_until_it_is_met(workspace: Workspace, simulator: Simulator) -> None:
    gate("accepts", workspace, simulator)
    golden.check("gate_postcondition", workspace.apply(expect=1), workspace)
    state = workspace.state()[GATE]
    assert state["status"] == "PARTIAL" and not state["_tainted"]
    golden.check("gate_postcondition_planned", workspace.plan(expect=1), workspace)
    accepted = ("-var", 'accepted=["COMPLETED", "PARTIAL"]')
    workspace.apply(*accepted)
    planned("gate_accepted", workspace.plan("-detailed-exitcode", *accepted))
    assert workspace.state()[GATE]["id"] == state["id"], "nothing was run again"


def test_a_drill_that_is_out_of_time_is_cancelled(workspace: Workspace, simulator: Simulator) -> None:
    simulator.command({"change_settings": {"shorten": 1.0}})
    workspace.write(
        simulator.provider(),
        group("web", source_server_ids=simulator.ids("web-1", "web-2")),
        plan("shop", wave("web", "web")),
        drill("quarterly", "shop", timeouts={"create": "5m"}),
    )
    golden.check("out_of_time", workspace.apply(expect=1), workspace)
    assert simulator.has_event("CancelRequested")
    assert workspace.state()[DRILL]["_tainted"]
    workspace.destroy()
    assert simulator.instances() == []
