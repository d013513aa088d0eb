"""Checks and hooks of waves: what they call, what they find, and what follows. Nothing of it runs but in the stand-ins."""

from typing import Any

import pytest

from . import golden
from .configuration import Expression, block, data, drill, group, output, plan, wave
from .host import Workspace
from .simulator import Simulator

DRILL = "drs_drill_execution.quarterly"
PLAN = "drs_recovery_plan.shop"
HOOKS = {
    "before_hooks": [{"name": "warn", "lambda_function": "warn-the-team"}],
    "after_hooks": [
        {
            "name": "repoint-dns",
            "automation_document": "Shop-Failover",
            "document_version": "3",
            "parameters": {"Instances": ["{instance_ids}"], "Zone": ["shop.example"]},
            "timeout_seconds": 900,
            "on_failure": "continue",
        },
    ],
}
CHECKS = {
    "instance_status_timeout_seconds": 900,
    "ssm_document": "AWS-RunShellScript",
    "ssm_parameters": {"commands": ["systemctl is-active nginx"]},
    "lambda_function": "shop-smoke-test",
}


def shop(simulator: Simulator, *, more: dict[str, Any] | None = None, **attributes: Any) -> list[str]:
    """A wave of two servers with these attributes, and a drill of it."""
    return [
        simulator.provider(),
        group("web", source_server_ids=simulator.ids("web-1", "web-2")),
        plan("shop", wave("web", "web", **attributes)),
        drill("quarterly", "shop", **(more or {})),
    ]


def script(simulator: Simulator, kind: str, name: str, *steps: dict) -> None:
    """What comes of calling a function or a document."""
    stub = {"name": name, "script": list(steps)}
    simulator.command({"script_stub": {"place": simulator.place, "kind": kind, "stub": stub}})


def calls(simulator: Simulator, *operations: str) -> list[dict]:
    """What was called, in order."""
    found = simulator.admin("GET", "/calls")["calls"]
    return [call for call in found if call["operation"] in operations]


BEGINNINGS = ("lambda:Invoke", "ssm:SendCommand", "ssm:StartAutomationExecution")


def test_a_wave_with_checks_and_hooks(workspace: Workspace, simulator: Simulator) -> None:
    script(simulator, "function", "warn-the-team", {"output": "told"})
    texts = shop(simulator, checks=CHECKS, **HOOKS)
    workspace.write(*texts).apply()
    workspace.plans_nothing()
    workspace.plans_nothing("-refresh=false")

    ids = sorted(simulator.ids("web-1", "web-2"))
    state = workspace.state()
    instances = {server["id"]: server["instance_id"] for server in state[DRILL]["servers"]}
    begun = calls(simulator, *BEGINNINGS)
    assert [call["operation"] for call in begun] == [BEGINNINGS[0], BEGINNINGS[1], BEGINNINGS[0], BEGINNINGS[2]]
    before, command, check, after = (call["input"] for call in begun)
    assert before["FunctionName"] == "warn-the-team" and before["Payload"]["hook"] == "warn"
    assert before["Payload"]["instance_ids"] == [], "nothing was launched before it"
    assert command["DocumentName"] == "AWS-RunShellScript"
    assert command["Parameters"] == CHECKS["ssm_parameters"]
    assert sorted(command["InstanceIds"]) == sorted(instances.values())
    assert check["FunctionName"] == "shop-smoke-test"
    assert sorted(check["Payload"]["source_server_ids"]) == ids
    assert after["DocumentName"] == "Shop-Failover" and after["DocumentVersion"] == "3"
    assert sorted(after["Parameters"]["Instances"]) == sorted(instances.values())
    assert after["Parameters"]["Zone"] == ["shop.example"]

    for server in state[DRILL]["servers"]:
        assert (server["status"], server["health"], server["health_reason"]) == ("LAUNCHED", "HEALTHY", None)
        assert server["launched_at"] < server["health_at"]
    (ran,) = state[DRILL]["waves"]
    assert ran["degraded"] == 0
    assert [(hook["when"], hook["name"], hook["status"]) for hook in ran["hooks"]] == [
        ("before", "warn", "SUCCEEDED"),
        ("after", "repoint-dns", "SUCCEEDED"),
    ]
    assert "told" in ran["hooks"][0]["detail"]
    assert ran["hooks"][0]["ended_at"] <= ran["started_at"] and ran["hooks"][1]["ended_at"] <= ran["ended_at"]
    workspace.write(
        *texts,
        data("drs_execution", "last", id=Expression(f"{DRILL}.id")),
        output("same", f"data.drs_execution.last.waves == {DRILL}.waves && data.drs_execution.last.servers == {DRILL}.servers"),
    ).apply()
    assert workspace.outputs()["same"]


def test_what_is_written_is_read_and_imported(workspace: Workspace, simulator: Simulator) -> None:
    texts = shop(simulator, checks=CHECKS, **HOOKS)[:-1]
    workspace.write(*texts).apply()
    before = workspace.state()
    (ran,) = before[PLAN]["waves"]
    assert ran["checks"] == CHECKS | {"timeout_seconds": 600, "on_degraded": "continue"}
    assert ran["before_hooks"][0]["timeout_seconds"] == 300 and ran["before_hooks"][0]["on_failure"] == "fail"
    (workspace.folder / "terraform.tfstate").unlink()
    imports = [block("import", to=Expression(address), id=values["id"]) for address, values in before.items()]
    finished = workspace.write(*texts, *imports).apply()
    assert "2 imported, 0 added, 0 changed, 0 destroyed" in finished.flat, finished
    assert workspace.state() == before

    # Another check is another plan, in place.
    workspace.write(*shop(simulator, checks={"instance_status_timeout_seconds": 0}, **HOOKS)[:-1])
    assert workspace.planned_actions() == {PLAN: ["update"]}
    workspace.apply()
    workspace.plans_nothing()
    assert workspace.state()[PLAN]["digest"] != before[PLAN]["digest"]


def test_defaults_of_checks_and_hooks_that_are_written_out_change_nothing(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator)[:-1]).apply()
    digest = workspace.state()[PLAN]["digest"]
    written = {"checks": {"timeout_seconds": 600, "on_degraded": "continue"}, "before_hooks": [], "after_hooks": []}
    workspace.write(*shop(simulator, **written)[:-1]).apply()
    workspace.plans_nothing()
    assert workspace.state()[PLAN]["digest"] == digest
    workspace.write(*shop(simulator, checks={})[:-1]).apply()
    workspace.plans_nothing()
    assert workspace.state()[PLAN]["digest"] == digest


def test_names_that_are_known_only_after_apply(workspace: Workspace, simulator: Simulator) -> None:
    """Whatever of a hook is not known yet is no mistake, and what it turns out to be is written."""
    name = Expression("terraform_data.name.output")
    hooks = [
        {"name": name, "lambda_function": name},
        {"name": "failover", "automation_document": name, "parameters": {"Zone": [name]}},
    ]
    texts = shop(simulator, before_hooks=hooks, checks={"ssm_document": name, "ssm_parameters": {"a": ["b"]}})[:-1]
    workspace.write(*texts, block("resource", "terraform_data", "name", input="shop-smoke-test")).apply()
    workspace.plans_nothing()
    (ran,) = workspace.state()[PLAN]["waves"]
    assert [hook["name"] for hook in ran["before_hooks"]] == ["shop-smoke-test", "failover"]
    assert ran["before_hooks"][1]["parameters"] == {"Zone": ["shop-smoke-test"]}


def test_a_hook_that_fails_fails_its_wave(workspace: Workspace, simulator: Simulator) -> None:
    failing = {"outcome": "fail", "reason": "the change freeze is on", "times": 1}
    script(simulator, "function", "warn-the-team", failing)
    workspace.write(*shop(simulator, before_hooks=HOOKS["before_hooks"]))
    golden.check("hook_failed", workspace.apply(expect=1), workspace)
    assert simulator.accepted() == [], "nothing was launched"
    state = workspace.state()[DRILL]
    (hook,) = state["waves"][0]["hooks"]
    assert state["status"] == "FAILED" and hook["status"] == "FAILED"
    assert "the change freeze is on" in hook["detail"]

    # The same failure, where the hook says that the wave goes on.
    script(simulator, "function", "warn-the-team", failing)
    lenient = [HOOKS["before_hooks"][0] | {"on_failure": "continue"}]
    workspace.write(*shop(simulator, before_hooks=lenient)).apply()
    state = workspace.state()[DRILL]
    assert state["status"] == "COMPLETED" and state["waves"][0]["hooks"][0]["status"] == "FAILED"
    workspace.plans_nothing()


def test_a_hook_whose_function_nobody_made_is_told_before_anything_is_launched(
    workspace: Workspace, simulator: Simulator
) -> None:
    hook = HOOKS["before_hooks"][0] | {"lambda_function": "warn-the-taem"}
    workspace.write(*shop(simulator, before_hooks=[hook]))
    golden.check("hook_missing", workspace.apply(expect=1), workspace)
    assert simulator.accepted() == [] and not simulator.events()


@pytest.mark.parametrize(("word", "status"), [("continue", "COMPLETED"), ("fail", "FAILED")])
def test_a_degraded_server(word: str, status: str, workspace: Workspace, simulator: Simulator) -> None:
    """LAUNCHED is not healthy: what a degraded server means for the drill is settable."""
    faults = [{"phase": "status_checks"}]
    simulator.command({"script_launches": {"place": simulator.place, "server": "web-2", "faults": faults}})
    workspace.write(*shop(simulator, checks={"on_degraded": word}))
    finished = workspace.apply(expect=0 if status == "COMPLETED" else 1)
    if word == "fail":
        golden.check("degraded_fails", finished, workspace)
    state = workspace.state()[DRILL]
    health = {server["hostname"]: (server["status"], server["health"]) for server in state["servers"]}
    assert health == {"web-1": ("LAUNCHED", "HEALTHY"), "web-2": ("LAUNCHED", "DEGRADED")}
    assert state["status"] == status and state["waves"][0]["degraded"] == 1
    assert len(simulator.instances()) == 2, "it stays launched"
    workspace.destroy()
    assert simulator.instances() == []


def test_an_instance_that_fails_its_command_is_degraded_and_says_why(workspace: Workspace, simulator: Simulator) -> None:
    script(simulator, "document", "Shop-Check", {"instances": {"web-1": "fail"}, "reason": "nginx is dead"})
    workspace.write(*shop(simulator, checks={"ssm_document": "Shop-Check"})).apply()
    servers = {server["hostname"]: server for server in workspace.state()[DRILL]["servers"]}
    assert servers["web-1"]["health"] == "DEGRADED" and "nginx is dead" in servers["web-1"]["health_reason"]
    assert servers["web-2"]["health"] == "HEALTHY"


def test_a_hook_in_an_account_that_is_no_target(workspace: Workspace, simulator: Simulator) -> None:
    hook = {"name": "warn", "lambda_function": "warn-the-team", "account_id": "444455556666", "region": "eu-west-1"}
    workspace.write(*shop(simulator, before_hooks=[hook])[:-1])
    golden.check("hook_in_no_target", workspace.plan(), workspace)
    workspace.apply()
    workspace.plans_nothing()
