"""Every data source that reads one thing or lists many, against a world in which a drill has run."""

import pytest

from . import golden
from .configuration import Expression, data, drill, group, output, plan, wave
from .host import Workspace
from .simulator import Simulator

# Names of the outputs that are read, with the data source of each and its arguments.
READ = {
    "caller": ("drs_caller", {}),
    "regions": ("drs_regions", {"names": ["us-east-1", "us-west-2"]}),
    "own_regions": ("drs_regions", {}),
    "server": ("drs_source_server", {"hostname": "db-1"}),
    "selection": ("drs_server_selection", {"tags": {"Application": "shop", "Tier": "web"}}),
    "group": ("drs_protection_group", {"name": "DATABASE"}),
    "groups": ("drs_protection_groups", {}),
    "groups_elsewhere": ("drs_protection_groups", {"region": "eu-west-1"}),
    "plan": ("drs_recovery_plan", {"name": "shop"}),
    "plans": ("drs_recovery_plans", {}),
    "executions": ("drs_executions", {}),
    "recoveries": ("drs_executions", {"mode": "RECOVERY"}),
    "old_executions": ("drs_executions", {"started_before": "2020-01-01T00:00:00Z"}),
    "running": ("drs_executions", {"statuses": ["RUNNING", "PAUSED"]}),
    "instances": ("drs_recovery_instances", {}),
    "recovered": ("drs_recovery_instances", {"is_drill": False}),
    "templates": ("drs_launch_templates", {}),
    "quotas": ("drs_quotas", {}),
}


def shop(simulator: Simulator) -> list[str]:
    return [
        simulator.provider(),
        group("database", source_server_ids=simulator.ids("db-1", "db-2"), tags={"Owner": "dba"}),
        group("web", server_selection_tags={"Tier": "web"}),
        plan("shop", wave("database", "database"), wave("web", "web", pause_before=False, retries=1)),
        drill("quarterly", "shop", triggers={"quarter": "2026-Q4"}),
    ]


def read(**more: dict) -> list[str]:
    texts = []
    for name, (kind, arguments) in (READ | more).items():
        texts += [data(kind, name, **arguments), output(name, f"data.{kind}.{name}")]
    return texts


@pytest.fixture
def found(workspace: Workspace, simulator: Simulator) -> dict:
    """What all of them read after a drill."""
    workspace.write(*shop(simulator)).apply()
    before = {address: {k: v for k, v in it.items() if k != "_tainted"} for address, it in workspace.state().items()}
    jobs = {
        "log": ("drs_job_log", {"job_id": before["drs_drill_execution.quarterly"]["servers"][0]["job_id"]}),
        "plans_of_group": ("drs_recovery_plans", {"protection_group_id": before["drs_protection_group.web"]["id"]}),
        "plans_of_none": ("drs_recovery_plans", {"protection_group_id": "pg-none"}),
    }
    workspace.write(*shop(simulator), *read(**jobs)).apply()
    workspace.plans_nothing()
    return workspace.outputs() | {"state": before, "ids": simulator.ids("db-1", "db-2", "web-1", "web-2")}


def test_they_read_what_there_is(found: dict) -> None:
    state, (db_1, db_2, web_1, web_2) = found["state"], found["ids"]
    caller = found["caller"]
    assert (caller["account_id"], caller["region"], caller["simulated"]) == ("111122223333", "us-east-1", True)
    assert caller["drs_initialized"] and caller["arn"].startswith("arn:aws:iam::111122223333:")
    assert {it["name"]: it["initialized"] for it in found["regions"]["regions"]} == {"us-east-1": True, "us-west-2": True}
    assert found["own_regions"]["names"] == ["us-east-1"]

    server = found["server"]
    assert (server["id"], server["protection_group_name"]) == (db_1, "database")
    selection = found["selection"]
    assert selection["ids"] == [web_1, web_2] and selection["conflicts"] == [] and selection["not_ready"] == []

    made = state["drs_protection_group.database"]
    assert found["group"] == made
    assert [it["name"] for it in found["groups"]["groups"]] == ["database", "web"]
    assert found["groups"]["groups"][0] == made and found["groups_elsewhere"]["ids"] == []
    assert found["plan"]["digest"] == state["drs_recovery_plan.shop"]["digest"]
    assert found["plan"]["waves"] == state["drs_recovery_plan.shop"]["waves"]
    assert found["plans"]["ids"] == found["plans_of_group"]["ids"] == [found["plan"]["id"]]
    assert found["plans_of_none"]["ids"] == []

    ran = state["drs_drill_execution.quarterly"]
    (execution,) = found["executions"]["executions"]
    assert (execution["id"], execution["status"], execution["mode"]) == (ran["id"], "COMPLETED", "DRILL")
    for nothing in ("recoveries", "old_executions", "running"):
        assert found[nothing]["ids"] == [], nothing

    instances = {it["source_server_id"]: it for it in found["instances"]["instances"]}
    assert set(instances) == {db_1, db_2, web_1, web_2} and found["recovered"]["ids"] == []
    checks = {(it["ec2_state"], it["instance_status"], it["system_status"]) for it in instances.values()}
    assert checks == {("running", "ok", "ok")} and all(it["is_drill"] for it in instances.values())
    templates = {it["hostname"]: it for it in found["templates"]["servers"]}
    subnets = found["templates"]["subnets"]
    assert subnets[templates["db-1"]["subnet_ids"][0]]["Purpose"] == "drill"
    assert subnets[templates["files-1"]["subnet_ids"][0]]["Purpose"] == "production"
    quotas = {it["code"]: it for it in found["quotas"]["quotas"]}
    assert quotas["L-D88FAC3A"] | {"name": ""} == {
        "code": "L-D88FAC3A",
        "name": "",
        "allowed": 20,
        "in_use": 0,
        "available": 20,
    }
    assert quotas["L-E28BE5E0"]["in_use"] == len(templates) and found["quotas"]["running_jobs"] == 0
    log = found["log"]["entries"]
    assert [it["event"] for it in log][0] == "JOB_START" and [it["event"] for it in log][-1] == "JOB_END"


def test_arguments_that_are_known_only_after_apply(workspace: Workspace, simulator: Simulator) -> None:
    of_plan = {"recovery_plan_id": Expression("drs_recovery_plan.shop.id")}
    of_group = {"id": Expression("drs_protection_group.database.id")}
    workspace.write(
        *shop(simulator),
        data("drs_executions", "of_plan", **of_plan, statuses=["COMPLETED"]),
        data("drs_protection_group", "of_id", **of_group),
        output("name", "data.drs_protection_group.of_id.name"),
        output("ids", "data.drs_executions.of_plan.ids"),
    )
    planned = workspace.plan()
    assert "data.drs_executions.of_plan will be read during apply" in planned.out, planned
    workspace.apply()
    assert workspace.outputs()["name"] == "database"


# What is refused, with the golden text of each.
REFUSED = {
    "server_by_two_names": ("drs_source_server", {"id": "s-" + "0" * 17, "hostname": "db-1"}),
    "server_by_no_name": ("drs_source_server", {}),
    "server_of_no_host": ("drs_source_server", {"hostname": "db-9"}),
    "server_of_malformed_id": ("drs_source_server", {"id": "i-0123"}),
    "group_of_no_name": ("drs_protection_group", {"name": "nothing"}),
    "plan_of_no_id": ("drs_recovery_plan", {"id": "rp-nothing"}),
    "group_by_two_names": ("drs_protection_group", {"id": "pg-1", "name": "web"}),
    "executions_of_words": (
        "drs_executions",
        {"statuses": ["DONE"], "mode": "TEST", "started_after": "yesterday", "limit": 0},
    ),
    "selection_by_no_tags": ("drs_server_selection", {"tags": {}}),
    "instances_of_no_target": ("drs_recovery_instances", {"account_id": "444455556666"}),
    "execution_of_nothing": ("drs_execution", {}),
    "execution_by_two_ids": ("drs_execution", {"id": "exec-nothing", "recovery_plan_id": "rp-nothing"}),
    "execution_of_no_plan": ("drs_execution", {"recovery_plan_id": "rp-nothing"}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, workspace: Workspace, simulator: Simulator) -> None:
    kind, arguments = REFUSED[name]
    workspace.write(simulator.provider(), data(kind, "it", **arguments))
    golden.check(f"data_{name}", workspace.plan(expect=1), workspace)


def test_two_servers_of_one_host_name(workspace: Workspace, simulator: Simulator) -> None:
    simulator.command({"add_server": {"place": simulator.place, "server": {"hostname": "db-1", "id": "s-" + "1" * 17}}})
    workspace.write(simulator.provider(), data("drs_source_server", "it", hostname="db-1"))
    golden.check("data_server_of_two", workspace.plan(expect=1), workspace)
