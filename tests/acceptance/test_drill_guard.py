"""The drill guard of a plan: a drill boots only in subnets that carry its tags, and is refused anywhere else."""

from . import golden
from .configuration import Expression, block, data, drill, group, output, plan, wave
from .host import Workspace
from .simulator import Simulator

PLAN = "drs_recovery_plan.shop"
HOOK = {"name": "warn", "lambda_function": "warn-the-taem"}
GUARD = {"subnet_tags": {"Purpose": "drill"}}


def shop(simulator: Simulator, waves: tuple = (wave("web", "web"),), **attributes: object) -> list[str]:
    return [
        simulator.provider(),
        group("web", source_server_ids=simulator.ids("web-1", "web-2")),
        plan("shop", *waves, **({"drill_guard": GUARD} | attributes)),
    ]


def move(simulator: Simulator, server: str, subnet: str) -> None:
    """Somebody changes where a server boots."""
    simulator.command({"set_launch_template": {"place": simulator.place, "server": server, "subnet": subnet}})


def test_a_drill_starts_only_where_drills_belong(workspace: Workspace, simulator: Simulator) -> None:
    move(simulator, "web-2", "production")
    workspace.write(*shop(simulator), drill("quarterly", "shop"))
    golden.check("drill_guard", workspace.apply(expect=1), workspace)
    assert simulator.accepted() == []

    look = data("drs_preflight", "now", recovery_plan_id=Expression(f"{PLAN}.id"))
    workspace.write(*shop(simulator), look, output("now", "data.drs_preflight.now")).apply()
    found = workspace.outputs()["now"]
    assert not found["ready"] and [it["check"] for it in found["problems"]] == ["drill guard"]

    # Both exist now, so that what would be refused is known at plan; the hook is missing in the plan as it will be.
    hooked = shop(simulator, waves=(wave("web", "web", before_hooks=[HOOK]),))
    planned = workspace.write(*hooked, drill("quarterly", "shop")).plan()
    golden.check("drill_guard_planned", planned, workspace)

    move(simulator, "web-2", "drill")
    workspace.write(*shop(simulator), drill("quarterly", "shop")).apply()
    workspace.plans_nothing()
    assert simulator.launches() == {"web-1": 1, "web-2": 1}


def test_a_guard_is_read_imported_and_counts_in_the_digest(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator)).apply()
    workspace.plans_nothing()
    before = workspace.state()
    assert before[PLAN]["drill_guard"] == GUARD
    (workspace.folder / "terraform.tfstate").unlink()
    imports = [block("import", to=Expression(address), id=values["id"]) for address, values in before.items()]
    workspace.write(*shop(simulator), *imports).apply()
    assert workspace.state() == before

    workspace.write(*shop(simulator, drill_guard=None)).apply()
    workspace.plans_nothing()
    assert workspace.state()[PLAN]["digest"] != before[PLAN]["digest"]


def test_tags_that_are_known_only_after_apply(workspace: Workspace, simulator: Simulator) -> None:
    tags = {"Purpose": Expression("terraform_data.purpose.output")}
    purpose = block("resource", "terraform_data", "purpose", input="drill")
    workspace.write(*shop(simulator, drill_guard={"subnet_tags": tags}), purpose).apply()
    workspace.plans_nothing()
    assert workspace.state()[PLAN]["drill_guard"] == GUARD
