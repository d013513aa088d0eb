"""The examples: each can be planned and applied as it is, and its second plan is empty."""

from .conftest import ROOT
from .host import Workspace
from .simulator import SPEED, Simulator

SCENARIOS = ROOT / "examples" / "scenarios"


def written(name: str, workspace: Workspace, simulator: Simulator) -> Workspace:
    """The example in the workspace, on the test's own simulator."""
    settings = {"TF_VAR_simulator_path": str(simulator.directory), "TF_VAR_speed": str(SPEED)}
    workspace.environment.update(settings)
    return workspace.write((SCENARIOS / name / "main.tf").read_text())


def test_three_tier(workspace: Workspace, simulator: Simulator) -> None:
    planned = written("three-tier", workspace, simulator).plan()
    assert "Plan: 5 to add" in planned.out, planned


def test_a_verified_drill(workspace: Workspace, simulator: Simulator) -> None:
    written("verified-drill", workspace, simulator).plan()
    workspace.apply()
    assert workspace.planned_actions() == {}
    outputs = workspace.outputs()
    assert outputs["health"] == {"web-1": "HEALTHY", "web-2": "HEALTHY"}
    assert outputs["hooks"] == {"fail-over-database": "SUCCEEDED", "smoke-test": "SUCCEEDED"}
    workspace.destroy()
