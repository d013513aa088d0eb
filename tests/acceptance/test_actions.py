"""Actions, from Terraform 1.14 on: what operators do with executions, invoked from a configuration."""

import pytest

from . import golden
from .configuration import block, drill, group, plan, value, wave
from .host import Running, Workspace
from .simulator import Simulator
from .test_control import PAUSED, in_status, listed
from .waiting import until

# Terraform 1.11 knows no actions; a test says so.
newer = pytest.mark.parametrize("host", ["1.15"], indirect=True)
WHY = {"reason": "the quarterly drill"}
# A second of these tests is nearly half an hour of the world, and a drill that runs is cancelled when its time is over.
PATIENT = {"timeouts": {"create": "150h"}}


def action(kind: str, label: str = "it", **config: object) -> str:
    lines = "".join(f"    {name} = {value(given)}\n" for name, given in config.items())
    return block("action", kind, label, body=f"  config {{\n{lines}  }}\n")


def invoke(workspace: Workspace, kind: str, *, expect: int | None = 0, **config: object):
    """Adds an action to the configuration and invokes it."""
    workspace.write(action(kind, **config), name="actions.tf")
    return workspace.apply(f"-invoke=action.{kind}.it", expect=expect)


def shop(simulator: Simulator, *more: str, **of_web: object) -> list[str]:
    return [
        simulator.provider(),
        group("database", source_server_ids=simulator.ids("db-1")),
        group("web", source_server_ids=simulator.ids("web-1", "web-2")),
        plan("shop", wave("database", "database"), wave("web", "web", **of_web)),
        *more,
    ]


@pytest.mark.parametrize("host", ["path"], indirect=True)
def test_an_older_terraform_does_not_know_them(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator), action("drs_start_drill", recovery_plan_id="shop"))
    assert 'Blocks of type "action" are not expected here' in workspace.plan(expect=1).text


@newer
def test_a_drill_runs_whenever_it_is_invoked(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator)).apply()
    for run in (1, 2):
        finished = invoke(workspace, "drs_start_drill", recovery_plan_id="shop", **WHY)
        assert "web-2 LAUNCHED" in finished.text and "nothing is left" in finished.text, finished
        assert simulator.launches() == dict.fromkeys(("db-1", "web-1", "web-2"), run)
        assert simulator.instances() == []
    assert [one["status"] for one in listed(simulator)] == ["COMPLETED"] * 2
    workspace.plans_nothing()


@newer
def test_a_drill_of_a_part_that_stays(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator)).apply()
    part = {"only_waves": ["web"], "exclude_servers": ["web-2"], "cleanup": "never"}
    invoke(workspace, "drs_start_drill", recovery_plan_id="shop", **part)
    assert simulator.launches() == {"web-1": 1} and len(simulator.instances()) == 1
    (execution,) = [one["execution_id"] for one in listed(simulator)]
    invoke(workspace, "drs_terminate_recovery_instances", execution_id=execution, **WHY)
    assert simulator.instances() == []


@newer
def test_a_drill_that_fails_fails_the_action(workspace: Workspace, simulator: Simulator) -> None:
    faults = [{"phase": "launch"}]
    simulator.command({"script_launches": {"place": simulator.place, "server": "web-2", "faults": faults}})
    workspace.write(*shop(simulator)).apply()
    golden.check("action_failed", invoke(workspace, "drs_start_drill", recovery_plan_id="shop", expect=1), workspace)
    assert simulator.instances() == [], "it cleans up all the same"


@newer
def test_a_drill_follows_a_change_of_its_plan(workspace: Workspace, simulator: Simulator) -> None:
    """As a trigger of a resource."""
    trigger = """
  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.drs_start_drill.it]
    }
  }
"""
    texts = shop(simulator)[:-1]
    waves = (wave("database", "database"), wave("web", "web"))
    start = action("drs_start_drill", recovery_plan_id="shop")
    workspace.write(*texts, plan("shop", *waves, body=trigger), start).apply()
    workspace.write(*texts, plan("shop", waves[1], body=trigger), start).apply()
    assert simulator.launches() == {"db-1": 1, "web-1": 2, "web-2": 2}
    workspace.plans_nothing()


@newer
def test_a_failover_is_confirmed_for_one_run(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator)).apply()
    asked = {"recovery_plan_id": "shop", "reason": "the Region is down"}
    wrong = invoke(workspace, "drs_start_failover", **asked, confirm="shop/2", expect=1)
    golden.check("action_not_confirmed", wrong, workspace)
    assert listed(simulator) == []
    invoke(workspace, "drs_start_failover", **asked, confirm="shop/1")
    assert [(one["mode"], one["status"]) for one in listed(simulator)] == [("RECOVERY", "COMPLETED")]
    invoke(workspace, "drs_start_failover", **asked, confirm="shop/1", expect=1)
    assert len(simulator.instances()) == 3, "what a recovery launched stays"
    (execution,) = [one["execution_id"] for one in listed(simulator)]
    kept = invoke(workspace, "drs_terminate_recovery_instances", execution_id=execution, **WHY, expect=1)
    assert "is never removed by this provider" in kept.flat and len(simulator.instances()) == 3


def paused(workspace: Workspace, simulator: Simulator) -> tuple[Running, str]:
    """A drill that another Terraform drives, and that waits for an approval."""
    texts = shop(simulator, drill("quarterly", "shop", **PATIENT), pause_before=True)
    running = workspace.sibling().write(*texts).start_apply()
    execution = until("the pause", lambda: in_status(simulator, PAUSED))
    workspace.write(simulator.provider())
    return running, execution


@newer
def test_a_paused_drill_is_resumed(workspace: Workspace, simulator: Simulator) -> None:
    running, execution = paused(workspace, simulator)
    finished = invoke(workspace, "drs_resume", execution_id=execution, reason="the network is ready")
    assert "COMPLETED" in finished.text, finished
    running.wait().expect(0)


@newer
def test_a_paused_drill_is_cancelled_and_removed(workspace: Workspace, simulator: Simulator) -> None:
    running, execution = paused(workspace, simulator)
    early = invoke(workspace, "drs_terminate_recovery_instances", execution_id=execution, **WHY, expect=1)
    assert "has not ended" in early.flat and len(simulator.instances()) == 1
    invoke(workspace, "drs_cancel", execution_id=execution, **WHY)
    running.wait().expect(1)
    assert in_status(simulator, "CANCELLED") == execution
    refused = invoke(workspace, "drs_resume", execution_id=execution, **WHY, expect=1)
    golden.check("action_refused", refused, workspace)


@newer
def test_a_wave_is_paused_and_skipped(workspace: Workspace, simulator: Simulator) -> None:
    running, execution = paused(workspace, simulator)
    invoke(workspace, "drs_pause", execution_id=execution, **WHY)
    unknown = invoke(workspace, "drs_skip_wave", execution_id=execution, wave="wbe", **WHY, expect=1)
    golden.check("action_of_unknown_wave", unknown, workspace)
    invoke(workspace, "drs_skip_wave", execution_id=execution, wave="web", **WHY)
    assert invoke(workspace, "drs_resume", execution_id=execution, **WHY, expect=None)
    running.wait()
    assert simulator.launches() == {"db-1": 1}


@newer
def test_failed_servers_are_retried(workspace: Workspace, simulator: Simulator) -> None:
    faults = [{"phase": "launch"}]
    simulator.command({"script_launches": {"place": simulator.place, "server": "web-2", "faults": faults}})
    texts = shop(simulator, drill("quarterly", "shop", **PATIENT), on_failure="pause")
    running = workspace.sibling().write(*texts).start_apply()
    execution = until("the pause", lambda: in_status(simulator, PAUSED))
    workspace.write(simulator.provider())
    nothing = invoke(workspace, "drs_retry_wave", execution_id=execution, wave="database", **WHY, expect=1)
    assert "No server of the wave has failed" in nothing.flat, nothing
    invoke(workspace, "drs_retry_wave", execution_id=execution, wave="web", **WHY)
    invoke(workspace, "drs_resume", execution_id=execution, **WHY, expect=None)
    running.wait()
    assert in_status(simulator, "COMPLETED") == execution and simulator.launches()["web-2"] == 2


@newer
def test_an_interrupted_action_says_that_the_execution_goes_on(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator, pause_before=True)).apply()
    workspace.write(action("drs_start_drill", recovery_plan_id="shop"), name="actions.tf")
    running = workspace.start_apply("-invoke=action.drs_start_drill.it")
    execution = until("the pause", lambda: in_status(simulator, PAUSED))
    running.interrupt()
    finished = running.wait()
    assert finished.exit_code == 1 and f"drsctl run {execution}" in finished.flat, finished
    assert in_status(simulator, PAUSED) == execution


@newer
def test_what_cannot_be_known_is_refused(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator)).apply()
    none = invoke(workspace, "drs_cancel", execution_id="exec-nothing", **WHY, expect=1)
    golden.check("action_of_no_execution", none, workspace)
    no_plan = invoke(workspace, "drs_start_drill", recovery_plan_id="office", expect=1)
    golden.check("action_of_no_plan", no_plan, workspace)
    points = {"recovery_point_before": "yesterday", "recovery_snapshots": {"web-1": "snap-1"}}
    both = invoke(workspace, "drs_start_drill", recovery_plan_id="shop", **points, expect=1)
    golden.check("action_of_two_points", both, workspace)
    workspace.write(
        *shop(simulator),
        action("drs_start_drill", "drill", recovery_plan_id="shop", reason="", cleanup="sometimes", only_waves=[]),
        action("drs_start_drill", "null", recovery_plan_id="shop", exclude_servers=[None]),
        action("drs_cancel", "cancel", execution_id="exec-nothing", reason=""),
    )
    (workspace.folder / "actions.tf").unlink()
    golden.check("action_of_words", workspace.plan(expect=1), workspace)
    workspace.write(*shop(simulator))
    part = invoke(workspace, "drs_start_drill", recovery_plan_id="shop", only_waves=["wbe"], expect=1)
    golden.check("action_of_unknown_part", part, workspace)
    confirmed = {"reason": "the Region is down", "confirm": "shop/1", "only_waves": ["wbe"]}
    part = invoke(workspace, "drs_start_failover", recovery_plan_id="shop", **confirmed, expect=1)
    assert "Recovery Refused" in part.flat, part
    assert listed(simulator) == []

