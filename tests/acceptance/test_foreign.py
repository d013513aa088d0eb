"""Tables that hold what we did not write: items of others, items of a newer version, tables of another shape."""

from . import golden
from .configuration import data, drill, group, plan, wave
from .host import STATE, Workspace
from .simulator import ENVIRONMENT, Simulator
from .test_resources import TAGS

WEB = group("web", server_selection_tags=TAGS)
SHOP = plan("shop", wave("web", "web"))
DRILL = "drs_drill_execution.quarterly"
HISTORY = "execution-history"


def test_a_table_of_another_shape_is_refused(workspace: Workspace, simulator: Simulator) -> None:
    simulator.client("dynamodb").create_table(
        TableName=f"protection-groups-{ENVIRONMENT}",
        KeySchema=[{"AttributeName": "GroupId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "GroupId", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    workspace.write(simulator.provider(), WEB)
    golden.check("table_of_another_shape", workspace.apply(expect=1), workspace)
    table = simulator.client("dynamodb").describe_table(TableName=f"protection-groups-{ENVIRONMENT}")["Table"]
    assert table["KeySchema"] == [{"AttributeName": "GroupId", "KeyType": "HASH"}], "it was left alone"


def test_items_of_others_are_left_alone(workspace: Workspace, simulator: Simulator) -> None:
    """The tables are there and hold items of another program; ours work beside them."""
    workspace.write(simulator.provider(), WEB, SHOP).apply()
    foreign = {
        "protection-groups": {"Id": "team-notes", "Text": "Not a group."},
        "recovery-plans": {"PlanId": "team-notes", "Text": "Not a plan."},
    }
    for name, item in foreign.items():
        simulator.table(name).put_item(Item=item)
    workspace.write(simulator.provider(), WEB, SHOP, drill("quarterly", "shop")).apply()
    workspace.plans_nothing()
    workspace.destroy()
    for name, item in foreign.items():
        assert item in simulator.items(name)


def test_a_foreign_item_in_the_place_of_ours_is_named(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(simulator.provider(), WEB, SHOP).apply()
    group_id = workspace.state()["drs_protection_group.web"]["id"]
    table = simulator.table("protection-groups")
    ours = table.get_item(Key={"Id": group_id})["Item"]
    table.put_item(Item={"Id": group_id, "Text": "Not a group."})
    golden.check("foreign_item", workspace.plan(expect=1), workspace)
    table.put_item(Item=ours)
    workspace.plans_nothing()


def test_items_of_a_newer_version_are_refused(workspace: Workspace, simulator: Simulator) -> None:
    texts = simulator.provider(), WEB, SHOP, drill("quarterly", "shop")
    workspace.write(*texts).apply()
    state = workspace.state()
    ids = {kind: state[f"{kind}.{label}"]["id"] for kind, label in LABELS.items()}
    newer = {
        "drs_protection_group": ("protection-groups", {"Id": ids["drs_protection_group"]}),
        "drs_recovery_plan": ("recovery-plans", {"PlanId": ids["drs_recovery_plan"]}),
    }
    for kind, (table, key) in newer.items():
        version = simulator.table(table).get_item(Key=key)["Item"]["SchemaVersion"]
        simulator.update_item(table, key, "SchemaVersion", 99)
        golden.check(f"newer_version_{kind}", workspace.plan(expect=1), workspace)
        simulator.update_item(table, key, "SchemaVersion", version)
    workspace.plans_nothing()


def test_a_history_of_a_newer_version_is_refused(workspace: Workspace, simulator: Simulator) -> None:
    """One event of a newer version stops every command that would read the drill; nothing is lost meanwhile."""
    workspace.write(simulator.provider(), WEB, SHOP, drill("quarterly", "shop")).apply()
    state = (workspace.folder / STATE).read_bytes()
    instances = simulator.instances()
    # The first: how many there are depends on which servers are found healthy by one look.
    event = min((item for item in simulator.items(HISTORY) if "Event" in item), key=lambda item: item["Sequence"])
    key = history_key(simulator, event)
    simulator.update_item(HISTORY, key, "SchemaVersion", 99)
    history = simulator.items(HISTORY)
    golden.check("newer_version_drs_drill_execution", workspace.plan(expect=1), workspace)
    workspace.apply(expect=1)
    # Without a refresh it is the deletion itself that reads the history.
    for arguments in ((), ("-refresh=false",)):
        refused = workspace.destroy(*arguments, f"-target={DRILL}", expect=1)
        assert "Written by a Newer Version" in refused.text, refused
    assert simulator.items(HISTORY) == history and simulator.instances() == instances
    assert (workspace.folder / STATE).read_bytes() == state
    simulator.update_item(HISTORY, key, "SchemaVersion", event["SchemaVersion"])
    workspace.plans_nothing()
    workspace.destroy()
    assert simulator.instances() == []


def history_key(simulator: Simulator, item: dict) -> dict:
    return {part["AttributeName"]: item[part["AttributeName"]] for part in simulator.table(HISTORY).key_schema}


def test_a_history_that_is_gone_loses_nothing(workspace: Workspace, simulator: Simulator) -> None:
    """Somebody deletes the history of a drill: the state stays as it was, and a warning says so."""
    texts = simulator.provider(), WEB, SHOP, drill("quarterly", "shop", cleanup="never")
    workspace.write(*texts).apply()
    before = workspace.state()
    for item in simulator.items(HISTORY):
        simulator.table(HISTORY).delete_item(Key=history_key(simulator, item))
    planned = workspace.plan("-detailed-exitcode")
    golden.check("history_is_gone", planned, workspace)
    workspace.apply()
    assert workspace.state() == before


def test_an_execution_that_does_not_exist(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(simulator.provider(), WEB).apply()
    workspace.write(simulator.provider(), data("drs_execution", "last", id="nothing"))
    golden.check("no_such_execution", workspace.plan(expect=1), workspace)


LABELS = {"drs_protection_group": "web", "drs_recovery_plan": "shop"}
