"""A drill that runs again: the plan shows a replacement, and says why; a plan with nothing to do says nothing."""

from . import golden
from .configuration import Expression, drill, group, plan, wave
from .host import Workspace
from .simulator import Simulator

DRILL = "drs_drill_execution.quarterly"
DIGEST = Expression("drs_recovery_plan.shop.digest")


def shop(simulator: Simulator, quarter: str, **of_the_wave: object) -> list[str]:
    return [
        simulator.provider(),
        group("web", source_server_ids=simulator.ids("web-1")),
        plan("shop", wave("web", "web", **of_the_wave)),
        drill("quarterly", "shop", triggers={"plan": DIGEST, "quarter": quarter}),
    ]


def test_the_plan_says_why_a_drill_runs_again(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator, "2026-Q3")).apply()
    unchanged = workspace.plan("-detailed-exitcode", expect=0)
    assert golden.diagnostics(unchanged) == [], unchanged
    workspace.write(*shop(simulator, "2026-Q4", retries=1))
    planned = workspace.plan("-out=plan")
    golden.check("runs_again", planned, workspace)
    assert f"# {DRILL} must be replaced" in planned.out and "# forces replacement" in planned.out, planned
    applied = workspace.run("apply", "-no-color", "-input=false", "plan")
    assert golden.diagnostics(applied) == [] or "The Drill Runs Again" in applied.out, applied
    workspace.plans_nothing()
    assert simulator.launches() == {"web-1": 2}
