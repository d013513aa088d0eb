"""The data source drs_preflight: whether a plan could be run now, said and never enforced."""

import re
from typing import Any

from . import golden
from .configuration import Expression, data, group, output, plan, wave
from .host import Workspace
from .simulator import Simulator
from .test_progress import drsctl

READY = """
  lifecycle {
    postcondition {
      condition     = self.ready
      error_message = join("; ", self.problems[*].message)
    }
  }
"""
OF_THE_PLAN = Expression("drs_recovery_plan.shop.id")


def shop(simulator: Simulator) -> list[str]:
    return [
        simulator.provider(),
        group("database", source_server_ids=simulator.ids("db-1", "db-2")),
        group("web", source_server_ids=simulator.ids("web-1", "web-2")),
        plan("shop", wave("database", "database", launch_order="SEQUENTIAL"), wave("web", "web")),
    ]


def preflight(**attributes: object) -> list[str]:
    """The data source, and all of it as an output."""
    given = {"recovery_plan_id": OF_THE_PLAN} | attributes
    return [data("drs_preflight", "now", **given), output("now", "data.drs_preflight.now")]


def test_a_plan_of_the_same_apply_is_looked_at_when_it_is_made(workspace: Workspace, simulator: Simulator) -> None:
    texts = [*shop(simulator), *preflight(body=READY)]
    planned = workspace.write(*texts).plan()
    assert "data.drs_preflight.now will be read during apply" in planned.out, planned
    workspace.apply()
    # What is found may be another thing a moment later; a plan with nothing to do is still one.
    assert workspace.planned_actions() == {}
    found = workspace.outputs()["now"]
    assert found["ready"] and found["problems"] == [] and found["mode"] == "DRILL"
    assert found["plan_name"] == "shop" and found["next_run"] == 1
    launched = [(job["wave"], [server["hostname"] for server in job["servers"]]) for job in found["jobs"]]
    assert launched == [("database", ["db-1"]), ("database", ["db-2"]), ("web", ["web-1", "web-2"])]
    assert {job["account_id"] for job in found["jobs"]} == {simulator.account}
    assert {finding["level"] for finding in found["findings"]} <= {"READY", "WARNING"}
    for finding in found["findings"]:
        assert_is_whole(finding, simulator)
    assert simulator.accepted() == [], "nothing was started"
    told = drsctl(simulator, "preflight", "shop")
    # Points in time have grown older in between.
    assert without_ages(told.stdout) == without_ages(found["summary"])


def without_ages(text: str) -> str:
    return re.sub(r"at most [0-9hms ]+ old", "at most <age> old", text).strip()


def test_what_is_found_fails_a_postcondition_and_nothing_else(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator)).apply()
    recovered = drsctl(simulator, "failover", "shop", "--reason", "the Region is down", "--confirm", "shop/1")
    assert recovered.returncode == 0, recovered
    simulator.command({"set_replication": {"place": simulator.place, "server": "web-1", "state": "STALLED"}})

    # By its name, in any case.
    workspace.write(*shop(simulator), *preflight(recovery_plan_id="SHOP", mode="RECOVERY")).apply()
    found = workspace.outputs()["now"]
    assert not found["ready"] and found["next_run"] == 2
    assert [finding["check"] for finding in found["problems"]] == ["recovery instances"]
    live = found["problems"][0]
    assert "live recovery instances exist" in live["message"]
    assert hostnames(live) == {"db-1", "db-2", "web-1", "web-2"} and live["waves"] == ["database", "web"]
    assert live["server"] is None and live["wave"] is None
    assert live["command"].startswith("aws drs describe-recovery-instances --filters sourceServerIDs=s-")
    stalled = of_check(found["warnings"], "replication")
    assert "web-1 STALLED" in stalled["message"]
    server = {"id": simulator.ids("web-1")[0], "hostname": "web-1"}
    assert stalled["server"] == server and stalled["servers"] == [server]
    assert stalled["wave"] == "web" and stalled["waves"] == ["web"]
    assert stalled["command"].endswith(f"sourceServerIDs={server['id']} --region {simulator.region}")
    for finding in found["findings"]:
        assert_is_whole(finding, simulator)
    assert all(it in found["findings"] for it in found["problems"] + found["warnings"])

    workspace.write(*shop(simulator), *preflight(body=READY))
    golden.check("preflight_postcondition", workspace.plan(expect=1), workspace)


def test_a_call_that_is_denied_is_a_problem_that_is_found(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator)).apply()
    workspace.write(*shop(simulator), *preflight())
    simulator.inject("DescribeRecoveryInstances", "access_denied", times=1000)
    workspace.apply()
    found = workspace.outputs()["now"]
    assert not found["ready"]
    for check in ("recovery instances", "permissions"):
        denied = of_check(found["problems"], check)
        assert "drs:DescribeRecoveryInstances" in denied["message"]
        assert denied["command"] == f"drsctl target check {simulator.account}"
        assert (denied["servers"], denied["waves"]) == ([], [])
        assert_is_whole(denied, simulator)


def of_check(findings: list[Any], check: str) -> Any:
    """The only finding of a check."""
    [finding] = [finding for finding in findings if finding["check"] == check]
    return finding


def hostnames(finding: Any) -> set[str]:
    return {server["hostname"] for server in finding["servers"]}


#: What is looked at as a whole, wherever its servers are.
NOWHERE = {"servers", "executions"}


def assert_is_whole(finding: Any, simulator: Simulator) -> None:
    """What holds for every finding of a plan that could be resolved."""
    servers, waves = finding["servers"], finding["waves"]
    assert finding["more_servers"] == 0
    assert finding["server"] == (servers[0] if len(servers) == 1 else None)
    assert finding["wave"] == (waves[0] if len(waves) == 1 else None)
    assert bool(servers) == bool(waves), "servers are launched by waves"
    place = (None, None) if finding["check"] in NOWHERE else (simulator.account, simulator.region)
    assert (finding["account_id"], finding["region"]) == place, finding
    if finding["level"] == "READY":
        assert (servers, finding["command"]) == ([], None), finding


def test_an_unknown_plan_is_an_error(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(simulator.provider(), *preflight(recovery_plan_id="nothing"))
    golden.check("preflight_of_unknown_plan", workspace.plan(expect=1), workspace)
    workspace.write(simulator.provider(), *preflight(recovery_plan_id="nothing", mode="REHEARSAL"))
    golden.check("preflight_of_unknown_mode", workspace.plan(expect=1), workspace)
