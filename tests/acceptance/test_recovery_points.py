"""What drills launch their servers from: points by name, the newest ones before a time, or what is not there any more."""

from . import golden
from .configuration import Expression, block, drill, group, plan, wave
from .host import Workspace
from .simulator import Simulator

DRILL = "drs_drill_execution.quarterly"


def shop(simulator: Simulator, **attributes: object) -> list[str]:
    return [
        simulator.provider(),
        group("web", source_server_ids=simulator.ids("web-1", "web-2")),
        plan("shop", wave("web", "web")),
        drill("quarterly", "shop", **attributes),
    ]


def points(simulator: Simulator, hostname: str) -> list[dict]:
    """The recovery points of a server, oldest first."""
    pages = simulator.client("drs").get_paginator("describe_recovery_snapshots")
    (server,) = simulator.ids(hostname)
    items = [item for page in pages.paginate(sourceServerID=server) for item in page["items"]]
    return sorted(items, key=lambda it: it["timestamp"])


def servers(workspace: Workspace) -> dict[str, dict]:
    return {server["hostname"]: server for server in workspace.state()[DRILL]["servers"]}


def test_a_drill_from_points_by_name(workspace: Workspace, simulator: Simulator) -> None:
    # What was launched from is looked for in five minutes of the world, which must not be a blink of this machine's.
    simulator.slow_down()
    oldest, newest = (points(simulator, "web-1")[position]["snapshotID"] for position in (0, -1))
    texts = shop(simulator, recovery_snapshots={"web-1": oldest}, triggers={"quarter": "2026-Q4"})
    workspace.write(*texts).apply()
    workspace.plans_nothing()
    workspace.plans_nothing("-refresh=false")
    found = servers(workspace)
    assert found["web-1"]["recovery_snapshot_id"] == oldest and found["web-1"]["launched_from"] == "named"
    assert found["web-2"]["recovery_snapshot_id"] is None and found["web-2"]["launched_from"] == "latest"
    assert found["web-1"]["launched_from_at"] < found["web-2"]["launched_from_at"]

    before = workspace.state()
    (workspace.folder / "terraform.tfstate").unlink()
    imports = [block("import", to=Expression(address), id=values["id"]) for address, values in before.items()]
    finished = workspace.write(*texts, *imports).apply()
    assert "3 imported, 0 added, 0 changed, 0 destroyed" in finished.flat, finished
    assert workspace.state() == before

    # Another point is another drill.
    workspace.write(*shop(simulator, recovery_snapshots={"web-1": newest}, triggers={"quarter": "2026-Q4"}))
    assert workspace.planned_actions() == {DRILL: ["delete", "create"]}


def test_a_drill_from_before_a_time(workspace: Workspace, simulator: Simulator) -> None:
    # What was launched from is looked for in five minutes of the world, which must not be a blink of this machine's.
    simulator.slow_down()
    at = points(simulator, "web-1")[1]["timestamp"][:19] + "Z"
    texts = shop(simulator, recovery_point_before=at)
    workspace.write(*texts).apply()
    workspace.plans_nothing()
    for server in servers(workspace).values():
        assert server["launched_from"] == "named" and server["launched_from_at"] <= at
        assert server["recovery_snapshot_id"].startswith("pit-")
    state = workspace.state()
    (workspace.folder / "terraform.tfstate").unlink()
    imports = [block("import", to=Expression(address), id=values["id"]) for address, values in state.items()]
    workspace.write(*texts, *imports).apply()
    assert workspace.state() == state
    assert workspace.state()[DRILL]["recovery_point_before"] == at

    # Without it, it is another drill.
    workspace.write(*shop(simulator))
    assert workspace.planned_actions() == {DRILL: ["delete", "create"]}


def test_points_that_are_not_there(workspace: Workspace, simulator: Simulator) -> None:
    missing = "pit-" + "0" * 17
    workspace.write(*shop(simulator)[:-1]).apply()
    for name, attributes in {
        "points_missing": {"recovery_snapshots": {"web-1": missing, "mail-9": missing}},
        "points_none_before": {"recovery_point_before": "2001-01-01T00:00:00+01:00"},
    }.items():
        workspace.write(*shop(simulator, **attributes))
        golden.check(f"{name}_at_plan", workspace.plan(), workspace)
        golden.check(f"{name}_at_apply", workspace.apply(expect=1), workspace)
    assert simulator.accepted() == []


def test_points_that_cannot_be_read(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator)[:-1]).apply()
    workspace.write(*shop(simulator, recovery_point_before="2027-01-01T00:00:00Z"))
    simulator.inject("DescribeRecoverySnapshots", "access_denied", times=1000)
    golden.check("points_denied", workspace.apply(expect=1), workspace)
    assert simulator.accepted() == []
