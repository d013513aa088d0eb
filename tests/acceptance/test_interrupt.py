"""Ctrl-C during a drill: Terraform ends with 1, nothing is tainted, and the next apply follows the same execution."""

import pytest

from . import golden
from .configuration import drill, group, plan, wave
from .host import Workspace
from .simulator import Simulator

DRILL = "drs_drill_execution.quarterly"


def start(workspace: Workspace, simulator: Simulator, operation: str):
    """A drill whose apply is held at the first call of an operation."""
    simulator.slow_down()
    workspace.write(
        simulator.provider(),
        group("web", source_server_ids=simulator.ids("web-1", "web-2")),
        plan("shop", wave("web", "web")),
        drill("quarterly", "shop", triggers={"quarter": "2026-Q4"}),
    )
    simulator.hold(operation)
    running = workspace.start_apply()
    return running, simulator.wait_for_hold(operation)


# The first DescribeJobs is the look at what else runs, before anything is launched.
@pytest.mark.parametrize(("operation", "launched"), [("StartRecovery", {"web-1": 1, "web-2": 1}), ("DescribeJobs", {})])
def test_ctrl_c_and_the_next_apply(
    operation: str, launched: dict, workspace: Workspace, simulator: Simulator
) -> None:
    running, held = start(workspace, simulator, operation)
    running.interrupt()
    # The call in flight ends and is written down before the provider answers.
    simulator.release(held)
    interrupted = running.wait().expect(1)
    golden.check(f"interrupted_{operation}", interrupted, workspace)
    state = workspace.state()[DRILL]
    assert state["status"] == "RUNNING" and state["id"] and not state["_tainted"]
    assert simulator.launches() == launched

    planned = workspace.plan("-detailed-exitcode", expect=2)
    golden.check(f"interrupted_{operation}_planned", planned, workspace)
    assert workspace.planned_actions() == {DRILL: ["update"]}
    workspace.apply()
    after = workspace.state()[DRILL]
    assert after["id"] == state["id"] and after["status"] == "COMPLETED"
    assert simulator.launches() == {"web-1": 1, "web-2": 1}
    workspace.plans_nothing()
    workspace.destroy()
    assert simulator.instances() == []


def test_ctrl_c_before_the_launch_launches_nothing_more(workspace: Workspace, simulator: Simulator) -> None:
    running, held = start(workspace, simulator, "DescribeRecoveryInstances")
    running.interrupt()
    simulator.release(held)
    running.wait().expect(1)
    workspace.apply()
    assert simulator.launches() == {"web-1": 1, "web-2": 1}
    workspace.plans_nothing()


def test_a_drill_that_was_interrupted_can_be_destroyed(workspace: Workspace, simulator: Simulator) -> None:
    """Destroying a live run cancels it, follows its jobs to their end and terminates what they launched."""
    running, held = start(workspace, simulator, "StartRecovery")
    running.interrupt()
    simulator.release(held)
    running.wait().expect(1)
    golden.check("destroyed_while_running", workspace.destroy(), workspace)
    assert simulator.instances() == []
    assert simulator.launches() == {"web-1": 1, "web-2": 1}
    assert simulator.has_event("CancelRequested")


def test_a_drill_that_ended_badly_after_ctrl_c_is_run_again(workspace: Workspace, simulator: Simulator) -> None:
    """The end is learnt by an update, which cannot taint: the next plan replaces the drill, as taint would."""
    faults = [{"phase": "launch"}]
    simulator.command({"script_launches": {"place": simulator.place, "server": "web-2", "faults": faults}})
    running, held = start(workspace, simulator, "StartRecovery")
    running.interrupt()
    simulator.release(held)
    running.wait().expect(1)
    golden.check("unsuccessful_after_interrupt", workspace.apply(expect=1), workspace)
    golden.check("runs_again_after_failure", workspace.plan("-detailed-exitcode", expect=2), workspace)
    assert workspace.planned_actions() == {DRILL: ["delete", "create"]}
    workspace.apply()
    assert workspace.state()[DRILL]["status"] == "COMPLETED"
    workspace.plans_nothing()


def test_a_provider_that_is_terminated_writes_down_the_launch_and_answers(
    workspace: Workspace, simulator: Simulator
) -> None:
    """Nobody has interrupted Terraform, so it does not fail by itself; it says and stores that the drill runs on."""
    running, held = start(workspace, simulator, "StartRecovery")
    running.terminate_provider()
    assert running.process.poll() is None
    simulator.release(held)
    terminated = running.wait().expect(0)
    assert "Interrupted While the Drill Runs" in terminated.flat, terminated
    state = workspace.state()[DRILL]
    assert state["status"] == "RUNNING" and not state["_tainted"]
    assert simulator.has_event("LaunchAccepted")
    workspace.apply()
    assert workspace.state()[DRILL]["status"] == "COMPLETED"
    assert simulator.launches() == {"web-1": 1, "web-2": 1}
