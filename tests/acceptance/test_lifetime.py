"""The lifetime of a drill: what it launched goes when it has passed, also when nobody applies again."""

from . import golden
from .configuration import Expression, block, drill, group, plan, wave
from .host import Workspace
from .simulator import Simulator
from .test_progress import drsctl

DRILL = "drs_drill_execution.quarterly"


def shop(simulator: Simulator, **attributes: object) -> list[str]:
    return [
        simulator.provider(),
        group("web", source_server_ids=simulator.ids("web-1", "web-2")),
        plan("shop", wave("web", "web")),
        drill("quarterly", "shop", **attributes),
    ]


def test_a_drill_is_swept_when_its_lifetime_has_passed(workspace: Workspace, simulator: Simulator) -> None:
    texts = shop(simulator, max_lifetime="720h")
    workspace.write(*texts).apply()
    workspace.plans_nothing()
    before = workspace.state()
    assert before[DRILL]["max_lifetime"] == "720h" and len(simulator.instances()) == 2
    (workspace.folder / "terraform.tfstate").unlink()
    imports = [block("import", to=Expression(address), id=values["id"]) for address, values in before.items()]
    workspace.write(*texts, *imports).apply()
    assert workspace.state() == before

    early = drsctl(simulator, "sweep")
    assert early.returncode == 0 and len(simulator.instances()) == 2, early
    simulator.admin("POST", "/clock", {"advance_seconds": 721 * 3600})
    swept = drsctl(simulator, "sweep")
    assert swept.returncode == 0 and simulator.instances() == [], swept
    workspace.write(*texts).plans_nothing()
    workspace.apply("-refresh-only")
    assert workspace.state()[DRILL]["instances_terminated"]


def test_another_lifetime_counts_for_the_next_drill(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator)).apply()
    workspace.write(*shop(simulator, max_lifetime="24h"))
    assert workspace.planned_actions() == {DRILL: ["update"]}
    golden.check("lifetime_of_the_next_drill", workspace.apply(), workspace)
    workspace.plans_nothing()
    assert simulator.launches() == {"web-1": 1, "web-2": 1}
