"""Which group a server belongs to: moves within one apply, conflicts, deletions in the order that Terraform chooses."""

from . import golden
from .configuration import Expression, drill, group, plan, wave
from .host import Workspace
from .simulator import Simulator


def test_a_server_moves_between_groups_in_one_apply(workspace: Workspace, simulator: Simulator) -> None:
    ids = simulator.ids("app-1", "app-2", "app-3")
    provider = simulator.provider()
    workspace.write(
        provider, group("left", source_server_ids=ids[:2]), group("right", source_server_ids=ids[2:])
    ).apply()
    # Terraform changes both at the same time, so whichever comes first has to wait for the other.
    workspace.write(
        provider, group("left", source_server_ids=ids[2:]), group("right", source_server_ids=ids[:2])
    ).apply()
    workspace.plans_nothing()
    state = workspace.state()
    assert state["drs_protection_group.left"]["source_server_ids"] == ids[2:]
    assert state["drs_protection_group.right"]["source_server_ids"] == ids[:2]


def test_a_server_moves_to_a_new_group_in_one_apply(workspace: Workspace, simulator: Simulator) -> None:
    ids = simulator.ids("app-1", "app-2")
    provider = simulator.provider()
    workspace.write(provider, group("old", source_server_ids=ids)).apply()
    workspace.write(
        provider, group("old", source_server_ids=ids[:1]), group("new", source_server_ids=ids[1:])
    ).apply()
    workspace.plans_nothing()


def test_a_name_moves_to_a_new_group_in_one_apply(workspace: Workspace, simulator: Simulator) -> None:
    ids = simulator.ids("app-1", "app-2")
    provider = simulator.provider()
    workspace.write(provider, group("old", name="app", source_server_ids=ids[:1])).apply()
    workspace.write(
        provider,
        group("old", name="app, old", source_server_ids=ids[:1]),
        group("new", name="app", source_server_ids=ids[1:]),
    ).apply()
    workspace.plans_nothing()


def test_names_are_exchanged_in_one_apply(workspace: Workspace, simulator: Simulator) -> None:
    """Also in a circle, and together with servers."""
    ids = simulator.ids("app-1", "app-2", "app-3")
    provider = simulator.provider()
    labels = ("first", "second", "third")

    def texts(names: tuple[str, ...], servers: list[str]) -> list[str]:
        named = list(zip(labels, names, servers, strict=True))
        groups = [group(label, name=name, source_server_ids=[server]) for label, name, server in named]
        return groups + [plan(label, wave("all", label), name=name) for label, name, _ in named]

    workspace.write(provider, *texts(("a", "b", "c"), ids)).apply()
    before = workspace.state()
    workspace.write(provider, *texts(("B", "c", "a"), ids[1:] + ids[:1])).apply()
    workspace.plans_nothing()
    after = workspace.state()
    assert {at: values["id"] for at, values in after.items()} == {at: values["id"] for at, values in before.items()}
    assert [after[f"drs_recovery_plan.{label}"]["name"] for label in labels] == ["B", "c", "a"]
    assert sorted(it["GroupName"] for it in simulator.groups()) == ["B", "a", "c"]


def test_a_name_that_is_kept_leaves_the_others_as_they_were(workspace: Workspace, simulator: Simulator) -> None:
    provider = simulator.provider()
    web = group("web", source_server_ids=simulator.ids("web-1"))
    workspace.write(provider, web, plan("shop", wave("web", "web"))).apply()
    other = workspace.sibling()
    mine = [group("mine", source_server_ids=simulator.ids("web-2")), plan("second", wave("web", "mine"))]
    other.write(provider, *mine).apply()
    renamed = [group("mine", name="web", source_server_ids=simulator.ids("web-2"))]
    other.write(provider, *renamed, plan("second", wave("web", "mine"), name="shop")).apply(expect=1)
    other.write(provider, *mine).plans_nothing()


def test_a_group_goes_while_its_plan_still_names_it(workspace: Workspace, simulator: Simulator) -> None:
    provider = simulator.provider()
    web = group("web", source_server_ids=simulator.ids("web-1"))
    database = group("database", source_server_ids=simulator.ids("db-1"))
    workspace.write(provider, web, database, plan("shop", wave("all", "database", "web"))).apply()
    # Terraform destroys the group before it changes the plan.
    workspace.write(provider, database, plan("shop", wave("all", "database"))).apply()
    workspace.plans_nothing()


def test_a_start_with_a_missing_group_is_refused(workspace: Workspace, simulator: Simulator) -> None:
    provider = simulator.provider()
    web = group("web", source_server_ids=simulator.ids("web-1"))
    shop = plan("shop", wave("web", "web"))
    workspace.write(provider, web, shop).apply()
    simulator.delete_group(workspace.state()["drs_protection_group.web"]["id"])
    workspace.write(provider, web, shop, drill("quarterly", "shop"))
    refused = workspace.apply("-refresh=false", expect=1)
    golden.check("missing_group_at_start", refused, workspace)
    assert simulator.accepted() == []


def test_nothing_that_runs_can_be_changed_or_deleted(workspace: Workspace, simulator: Simulator) -> None:
    ids = simulator.ids("web-1", "web-2")
    provider = simulator.provider()
    shop = plan("shop", wave("web", "web"))
    web = group("web", source_server_ids=ids[:1])
    workspace.write(provider, web, shop).apply()
    workspace.write(provider, web, shop, drill("quarterly", "shop"))
    simulator.hold("StartRecovery")
    running = workspace.start_apply()
    held = simulator.wait_for_hold("StartRecovery")

    colleague = workspace.sibling(with_state=True)
    colleague.write(provider, group("web", source_server_ids=ids), shop)
    golden.check("change_under_execution", colleague.apply(expect=1), colleague)
    colleague.write(provider)
    golden.check("delete_under_execution", colleague.apply(expect=1), colleague)

    simulator.release(held)
    running.wait().expect(0)
    assert simulator.launches() == {"web-1": 1}
    workspace.plans_nothing()


def test_two_plans_race_for_a_server(workspace: Workspace, simulator: Simulator) -> None:
    """Two people apply at once, each from a state of their own; one of them gets the server."""
    ids = simulator.ids("web-1")
    other = workspace.sibling()
    # Names of one length, so that the terminal breaks lines at the same words whoever wins.
    for place, name in ((workspace, "mine"), (other, "hers")):
        place.write(simulator.provider(), group(name, source_server_ids=ids))
        place.plan("-out=plan")
    runs = [place.start("apply", "-no-color", "-input=false", "plan") for place in (workspace, other)]
    finished = [running.wait() for running in runs]
    assert sorted(run.exit_code for run in finished) == [0, 1], finished
    [(place, loser)] = [it for it in zip((workspace, other), finished) if it[1].exit_code == 1]
    [won] = simulator.groups()
    assert won["ServerIds"] == set(ids)
    lost = ({"mine", "hers"} - {won["GroupName"]}).pop()
    # Whether there is a warning too is chance: Terraform plans anew as it applies, and the winner may be done by then.
    shown = "\n\n".join(text for text in golden.shown(loser, place) if text.startswith("Error: "))
    shown = shown.replace(won["GroupName"], "<winner>").replace(lost, "<loser>")
    golden.compare("race_for_a_server_lost", shown, whole=str(loser))


def test_overlapping_tag_groups_are_shown_at_plan_and_refused_at_start(
    workspace: Workspace, simulator: Simulator
) -> None:
    provider = simulator.provider()
    groups = (
        group("shop", server_selection_tags={"Application": "shop"}),
        group("web", server_selection_tags={"Tier": "web"}),
    )
    texts = (provider, *groups, plan("shop", wave("all", "shop"), wave("web", "web")))
    workspace.write(*texts).apply()
    workspace.write(*texts, drill("quarterly", "shop", triggers={"quarter": "2026-Q4"}))
    planned = workspace.plan()
    assert "web-1" in planned.text, planned
    golden.check("server_twice_in_a_plan", workspace.apply(expect=1), workspace)
    assert simulator.accepted() == []


def test_a_group_held_by_another_is_waited_for_and_then_refused(workspace: Workspace, simulator: Simulator) -> None:
    provider = simulator.provider()
    ids = simulator.ids("web-1", "web-2")
    workspace.write(provider, group("web", source_server_ids=ids)).apply()
    other = workspace.sibling()
    other.write(provider, group("mine", source_server_ids=ids))
    planned = other.plan()
    golden.check("server_in_another_group_at_plan", planned, other)
    golden.check("server_in_another_group_at_apply", other.apply(expect=1), other)
    assert len(simulator.groups()) == 1


def test_names_are_taken_without_regard_to_case(workspace: Workspace, simulator: Simulator) -> None:
    provider = simulator.provider()
    tags = {"Application": "shop"}
    workspace.write(provider, group("web", server_selection_tags=tags), plan("shop", wave("web", "web"))).apply()
    state = workspace.state()
    other = workspace.sibling()
    web_id = Expression(f'"{state["drs_protection_group.web"]["id"]}"')
    other.write(
        provider,
        group("mine", name="WEB", server_selection_tags=tags),
        plan("mine", {"name": "web", "protection_group_ids": [web_id]}, name="Shop"),
    )
    golden.check("name_taken_at_apply", other.apply(expect=1), other)
