"""Every resource and data source through its life: created, planned again, changed, replaced, imported, drifted, destroyed."""

import pytest

from . import golden
from .configuration import Expression, block, data, drill, group, output, plan, resource, wave
from .host import Workspace
from .simulator import Simulator
from .test_progress import drsctl

TAGS = {"Application": "shop", "Tier": "web"}


def triggers(quarter: str) -> dict:
    return {"plan": Expression("drs_recovery_plan.shop.digest"), "quarter": quarter}


def shop(simulator: Simulator, *, provider: str | None = None, **drill_attributes) -> list[str]:
    """Two groups, a plan of two waves, and a drill when anything is said about one."""
    texts = [
        provider or simulator.provider(),
        group("database", source_server_ids=simulator.ids("db-1", "db-2")),
        group("web", server_selection_tags=TAGS),
        plan("shop", wave("database", "database"), wave("web", "web")),
    ]
    return texts + ([drill("quarterly", "shop", **drill_attributes)] if drill_attributes else [])


# Protection groups.


def test_a_group_is_created_changed_in_place_and_destroyed(workspace: Workspace, simulator: Simulator) -> None:
    ids = simulator.ids("db-1", "db-2")
    workspace.write(simulator.provider(), group("database", source_server_ids=ids[:1]))
    workspace.apply()
    workspace.plans_nothing()
    workspace.plans_nothing("-refresh=false")
    created = workspace.state()["drs_protection_group.database"]
    assert created["account_id"] == simulator.account and created["region"] == simulator.region

    changed = group("database", name="data base", description="Primary.", source_server_ids=ids, tags={"Team": "dba"})
    workspace.write(simulator.provider(), changed)
    assert workspace.planned_actions() == {"drs_protection_group.database": ["update"]}
    workspace.apply()
    workspace.plans_nothing()
    updated = workspace.state()["drs_protection_group.database"]
    assert updated["id"] == created["id"] and updated["source_server_ids"] == ids
    assert updated["digest"] != created["digest"]

    workspace.destroy()
    assert simulator.groups() == []


def test_a_group_can_change_from_servers_to_tags(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(simulator.provider(), group("web", source_server_ids=simulator.ids("web-1")))
    workspace.apply()
    workspace.write(simulator.provider(), group("web", server_selection_tags=TAGS))
    assert workspace.planned_actions() == {"drs_protection_group.web": ["update"]}
    workspace.apply()
    workspace.plans_nothing()
    # What it listed is free again.
    workspace.write(
        simulator.provider(),
        group("web", server_selection_tags=TAGS),
        group("other", source_server_ids=simulator.ids("web-1")),
    )
    workspace.apply()


def test_a_group_stays_where_it_is_when_the_provider_moves(workspace: Workspace, simulator: Simulator) -> None:
    tags = group("web", server_selection_tags=TAGS)
    workspace.write(simulator.provider(), tags)
    workspace.apply()
    workspace.write(simulator.provider(region="us-west-2"), tags)
    golden.check("group_of_another_place", workspace.plan(expect=1), workspace)
    workspace.destroy(expect=1)
    workspace.write(simulator.provider(), tags)
    workspace.plans_nothing()


def test_a_group_that_others_changed_is_changed_back(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(simulator.provider(), group("web", description="Ours.", server_selection_tags=TAGS))
    workspace.apply()
    group_id = workspace.state()["drs_protection_group.web"]["id"]
    simulator.update_item("protection-groups", {"Id": group_id}, "Description", "Theirs.")
    assert workspace.planned_actions() == {"drs_protection_group.web": ["update"]}
    workspace.apply()
    workspace.plans_nothing()
    simulator.delete_group(group_id)
    assert workspace.planned_actions() == {"drs_protection_group.web": ["create"]}
    workspace.apply()
    workspace.plans_nothing()


def test_a_group_is_replaced_when_it_is_told_to(workspace: Workspace, simulator: Simulator) -> None:
    """The servers that it lists and its name are given up by the old one in time for the new one."""
    workspace.write(*shop(simulator))
    workspace.apply()
    before = workspace.state()
    workspace.apply("-replace=drs_protection_group.database")
    after = workspace.state()
    old, new = (state["drs_protection_group.database"] for state in (before, after))
    assert new["id"] != old["id"] and new["source_server_ids"] == old["source_server_ids"]
    assert after["drs_recovery_plan.shop"]["id"] == before["drs_recovery_plan.shop"]["id"]
    assert after["drs_recovery_plan.shop"]["waves"][0]["protection_group_ids"] == [new["id"]]
    assert {item["Id"] for item in simulator.groups()} == {new["id"], after["drs_protection_group.web"]["id"]}
    workspace.plans_nothing()


# Recovery plans.


def test_a_plan_is_created_changed_in_place_and_destroyed(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator))
    workspace.apply()
    workspace.plans_nothing()
    workspace.plans_nothing("-refresh=false")
    created = workspace.state()["drs_recovery_plan.shop"]

    texts = shop(simulator)[:-1]
    waves = (wave("web", "web", wait_time_seconds=60), wave("database", "database", launch_order="SEQUENTIAL"))
    workspace.write(*texts, plan("shop", *waves, name="shop 2", description="Web first.", tags={"Team": "dba"}))
    assert workspace.planned_actions() == {"drs_recovery_plan.shop": ["update"]}
    workspace.apply()
    workspace.plans_nothing()
    updated = workspace.state()["drs_recovery_plan.shop"]
    assert updated["id"] == created["id"] and updated["digest"] != created["digest"]

    workspace.apply("-replace=drs_recovery_plan.shop")
    assert workspace.state()["drs_recovery_plan.shop"]["id"] != created["id"]
    workspace.plans_nothing()
    workspace.destroy()
    assert simulator.plans() == []


def test_defaults_that_are_written_out_change_nothing(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator))
    workspace.apply()
    waves = (
        wave("database", "database", launch_order="PARALLEL", wait_time_seconds=0),
        wave("web", "web", depends_on_waves=["database"], timeout_seconds=7200),
    )
    workspace.write(*shop(simulator)[:-1], plan("shop", *waves))
    digest = workspace.state()["drs_recovery_plan.shop"]["digest"]
    workspace.apply()
    assert workspace.state()["drs_recovery_plan.shop"]["digest"] == digest
    workspace.plans_nothing()


def test_a_plan_that_others_changed_is_changed_back(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator))
    workspace.apply()
    plan_id = workspace.state()["drs_recovery_plan.shop"]["id"]
    simulator.update_item("recovery-plans", {"PlanId": plan_id}, "Description", "Theirs.")
    assert workspace.planned_actions() == {"drs_recovery_plan.shop": ["update"]}
    workspace.apply()
    workspace.plans_nothing()


def test_a_plan_that_others_deleted_is_created_again(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator))
    workspace.apply()
    before = workspace.state()
    simulator.delete_plan(before["drs_recovery_plan.shop"]["id"])
    assert simulator.plans() == []
    assert workspace.planned_actions() == {"drs_recovery_plan.shop": ["create"]}
    workspace.apply()
    workspace.plans_nothing()
    after = workspace.state()["drs_recovery_plan.shop"]
    assert [item["PlanId"] for item in simulator.plans()] == [after["id"]]
    assert after["digest"] == before["drs_recovery_plan.shop"]["digest"], "the same plan was made"


# Drills.


def test_a_drill_runs_and_runs_again_when_a_trigger_changes(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator, triggers=triggers("2026-Q3")))
    workspace.apply()
    workspace.plans_nothing()
    workspace.plans_nothing("-refresh=false")
    first = workspace.state()["drs_drill_execution.quarterly"]
    assert first["status"] == "COMPLETED"
    launched = {server["hostname"] for server in first["servers"]}
    assert launched == {"db-1", "db-2", "web-1", "web-2"}
    assert all(server["instance_id"] for server in first["servers"])
    assert simulator.launches() == {name: 1 for name in launched}

    workspace.write(*shop(simulator, triggers=triggers("2026-Q4")))
    assert workspace.planned_actions() == {"drs_drill_execution.quarterly": ["delete", "create"]}
    workspace.apply()
    second = workspace.state()["drs_drill_execution.quarterly"]
    assert second["id"] != first["id"] and second["status"] == "COMPLETED"
    assert simulator.launches() == {name: 2 for name in launched}

    workspace.destroy()
    assert simulator.instances() == []


def test_a_drill_of_another_plan_replaces_the_first(workspace: Workspace, simulator: Simulator) -> None:
    texts = [*shop(simulator), plan("web", wave("web", "web"))]
    workspace.write(*texts, drill("quarterly", "shop")).apply()
    first = workspace.state()["drs_drill_execution.quarterly"]
    assert len(simulator.instances()) == 4

    workspace.write(*texts, drill("quarterly", "web"))
    assert workspace.planned_actions() == {"drs_drill_execution.quarterly": ["delete", "create"]}
    workspace.apply()
    state = workspace.state()
    second = state["drs_drill_execution.quarterly"]
    assert second["id"] != first["id"] and second["status"] == "COMPLETED"
    assert second["recovery_plan_id"] == state["drs_recovery_plan.web"]["id"]
    running = {instance["ec2InstanceID"] for instance in simulator.instances()}
    assert running == {server["instance_id"] for server in second["servers"]} and len(running) == 2
    # The first drill's instances were terminated by its own destruction, not deleted by the second's launches.
    steps = [name for name in simulator.events() if name in ("ExecutionStarted", "TerminationFinished")]
    assert steps == ["ExecutionStarted", "TerminationFinished", "ExecutionStarted"]
    assert simulator.launches() == {"db-1": 1, "db-2": 1, "web-1": 2, "web-2": 2}
    workspace.plans_nothing()
    workspace.destroy()
    assert simulator.instances() == []


def test_a_drill_changes_in_place_where_it_does_not_run_again(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator, triggers=triggers("2026-Q3")))
    workspace.apply()
    before = workspace.state()["drs_drill_execution.quarterly"]
    attributes = {"cleanup": "never", "fail_on_unsuccessful": False, "timeouts": {"create": "1h"}}
    workspace.write(*shop(simulator, triggers=triggers("2026-Q3"), **attributes))
    assert workspace.planned_actions() == {"drs_drill_execution.quarterly": ["update"]}
    workspace.apply()
    workspace.plans_nothing()
    after = workspace.state()["drs_drill_execution.quarterly"]
    assert after["id"] == before["id"] and after["cleanup"] == "never"
    workspace.destroy()
    assert len(simulator.instances()) == 4, "cleanup = never leaves the instances"


@pytest.mark.parametrize(("cleanup", "left"), [("on_success", 0), ("always", 0), ("on_destroy", 4)])
def test_a_drill_cleans_up_as_it_was_told(cleanup: str, left: int, workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator, triggers=triggers("2026-Q3"), cleanup=cleanup))
    workspace.apply()
    assert len(simulator.instances()) == left
    workspace.plans_nothing()
    workspace.destroy()
    assert simulator.instances() == []


def test_a_drill_outlives_instances_that_others_terminated(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator, triggers=triggers("2026-Q3")))
    workspace.apply()
    simulator.terminate_instances()
    workspace.plans_nothing()
    workspace.destroy()


# All of them.


def test_import_plans_nothing(workspace: Workspace, simulator: Simulator) -> None:
    texts = shop(simulator, triggers=triggers("2026-Q3"), cleanup="never", timeouts={"create": "1h"})
    workspace.write(*texts)
    workspace.apply()
    before = workspace.state()
    (workspace.folder / "terraform.tfstate").unlink()
    imports = [
        block("import", to=Expression(address), id=values["id"])
        for address, values in before.items()
        if address.startswith("drs_")
    ]
    workspace.write(*texts, *imports)
    finished = workspace.apply()
    assert "4 imported, 0 added, 0 changed, 0 destroyed" in finished.flat, finished
    assert workspace.state() == before
    workspace.write(*texts)
    workspace.plans_nothing()


def test_import_by_the_command(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(simulator.provider(), group("web", server_selection_tags=TAGS))
    workspace.apply()
    group_id = workspace.state()["drs_protection_group.web"]["id"]
    (workspace.folder / "terraform.tfstate").unlink()
    workspace.run("import", "-no-color", "-input=false", "drs_protection_group.web", group_id)
    workspace.plans_nothing()


def test_ids_that_are_known_only_after_apply(workspace: Workspace, simulator: Simulator) -> None:
    ids = simulator.ids("db-1", "db-2")
    workspace.write(
        simulator.provider(),
        resource("terraform_data", "ids", input=ids),
        resource("terraform_data", "tags", input=TAGS),
        resource("terraform_data", "name", input="shop"),
        group("database", source_server_ids=Expression("terraform_data.ids.output")),
        group("web", server_selection_tags=Expression("terraform_data.tags.output")),
        plan(
            "shop",
            wave("database", "database", source_server_ids=Expression("[terraform_data.ids.output[0]]")),
            wave("web", "web"),
            name=Expression("terraform_data.name.output"),
        ),
        drill("quarterly", "shop", triggers=triggers("2026-Q3")),
    )
    workspace.apply()
    workspace.plans_nothing()
    state = workspace.state()
    assert state["drs_protection_group.database"]["source_server_ids"] == ids
    assert simulator.launches() == {"db-1": 1, "web-1": 1, "web-2": 1}
    workspace.destroy()


def test_digests_are_known_at_plan(workspace: Workspace, simulator: Simulator) -> None:
    texts = [
        simulator.provider(),
        group("web", server_selection_tags=TAGS),
        output("group", "drs_protection_group.web.digest"),
        output("account", "drs_protection_group.web.account_id"),
        output("region", "drs_protection_group.web.region"),
    ]
    planned = workspace.write(*texts).plan()
    for name in ("group", "account", "region"):
        lines = [line for line in planned.out.splitlines() if line.strip().startswith(f"+ {name}")]
        assert lines and "known after apply" not in lines[-1], planned
    workspace.apply()
    digest = workspace.outputs()["group"]
    assert digest in planned.out

    # The digest of a plan over groups that exist is known too, and with it whether a drill runs again.
    waves = plan("shop", wave("web", "web")), output("plan", "drs_recovery_plan.shop.digest")
    planned = workspace.write(*texts, *waves).plan()
    workspace.apply()
    assert workspace.outputs()["plan"] in planned.out


def test_default_tags_reach_every_resource(workspace: Workspace, simulator: Simulator) -> None:
    provider = simulator.provider(default_tags={"Team": "dba", "Cost": "7"})
    own = {"Team": "web"}
    texts = [group("web", server_selection_tags=TAGS, tags=own), plan("shop", wave("web", "web"))]
    workspace.write(provider, *texts)
    workspace.apply()
    workspace.plans_nothing()
    state = workspace.state()
    assert state["drs_protection_group.web"]["tags_all"] == {"Team": "web", "Cost": "7"}
    assert state["drs_recovery_plan.shop"]["tags_all"] == {"Team": "dba", "Cost": "7"}

    workspace.write(simulator.provider(default_tags={"Team": "dba"}), *texts)
    updated = {"drs_protection_group.web": ["update"], "drs_recovery_plan.shop": ["update"]}
    assert workspace.planned_actions() == updated
    workspace.apply()
    workspace.plans_nothing()


def test_data_sources(workspace: Workspace, simulator: Simulator) -> None:
    texts = shop(simulator, triggers=triggers("2026-Q3"))
    workspace.write(*texts)
    workspace.apply()
    workspace.write(
        *texts,
        data("drs_source_servers", "shop", filters={"tags": {"Application": "shop"}}),
        data("drs_execution", "last", id=Expression("drs_drill_execution.quarterly.id")),
        output("servers", "{ for s in data.drs_source_servers.shop.servers : s.hostname => s.protection_group_id }"),
        output("execution", "data.drs_execution.last"),
    )
    workspace.apply()
    outputs = workspace.outputs()
    state = workspace.state()
    database = state["drs_protection_group.database"]["id"]
    assert outputs["servers"]["db-1"] == database and outputs["servers"]["web-1"] is None
    assert set(outputs["servers"]) == {"db-1", "db-2", "app-1", "app-2", "app-3", "web-1", "web-2"}
    assert outputs["execution"]["status"] == "COMPLETED"
    workspace.plans_nothing()


def test_source_servers_are_filtered(workspace: Workspace, simulator: Simulator) -> None:
    """Each filter lets servers through and keeps others out; all of several filters must hold."""
    wanted = filters(simulator)
    texts = [data("drs_source_servers", label, filters=given) for label, (given, _) in wanted.items()]
    outputs = [output(label, f"data.drs_source_servers.{label}") for label in wanted]
    workspace.write(simulator.provider(), *texts, *outputs).apply()
    found = workspace.outputs()
    hostnames = {label: [server["hostname"] for server in read["servers"]] for label, read in found.items()}
    assert hostnames == {label: names for label, (_, names) in wanted.items()}
    assert all(read["ids"] == simulator.ids(*hostnames[label]) for label, read in found.items())


def filters(simulator: Simulator) -> dict[str, tuple[dict | None, list[str]]]:
    """Filters, and the host names of the servers that carry what they ask for."""
    web = simulator.ids("web-1", "web-2")
    late = {"replication_states": ["STALLED", "BACKLOG"]}
    return {
        "none": (None, sorted(simulator.servers)),
        # One that does not exist is left out, and stops nothing.
        "ids": ({"ids": [*web, "s-" + "0" * 17]}, ["web-1", "web-2"]),
        "hostnames": ({"hostnames": ["web-1", "db-2", "nobody"]}, ["db-2", "web-1"]),
        # Host names are exact: no prefix, no other case.
        "hostnames_exactly": ({"hostnames": ["web", "WEB-1"]}, []),
        "replication_states": (late, ["mail-1", "print-1"]),
        "other_states": ({"replication_states": ["PAUSED"]}, []),
        "tags": ({"tags": TAGS}, ["web-1", "web-2"]),
        "tags_exactly": ({"tags": {"Tier": "WEB"}}, []),
        "all_must_hold": ({"ids": web, "hostnames": ["web-2", "db-1"], "tags": TAGS}, ["web-2"]),
        "none_holds_all": (late | {"ids": web}, []),
    }


def test_every_plan_says_that_the_simulator_is_in_use(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(simulator.provider(), group("web", server_selection_tags=TAGS))
    assert "Simulator In Use" in workspace.plan().text
    workspace.apply()
    assert "Simulator In Use" in workspace.plan().text


def test_objectives_are_kept_as_they_were_written(workspace: Workspace, simulator: Simulator) -> None:
    def with_objectives(**objectives: str) -> dict:
        texts = [group("web", server_selection_tags=TAGS), plan("shop", wave("web", "web"), **objectives)]
        workspace.write(simulator.provider(), *texts).apply()
        workspace.plans_nothing()
        return workspace.state()["drs_recovery_plan.shop"]

    without = with_objectives()
    kept = with_objectives(rto_objective="240m", rpo_objective="15m")
    assert (kept["rto_objective"], kept["rpo_objective"]) == ("240m", "15m")
    assert kept["digest"] == without["digest"], "they decide nothing"
    shown = drsctl(simulator, "plan", "show", "shop")
    assert "objectives: RTO 4h" in shown.stdout, shown
    assert with_objectives(rto_objective="4h")["rpo_objective"] is None
