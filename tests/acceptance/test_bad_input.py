"""Bad input: a clear error, nothing lost. Each text that the terminal shows is a golden file.

What can be known at plan is said at plan. Where a text names a way out, the way is the right one.
"""

from collections.abc import Callable

import pytest

from . import golden
from .configuration import TERRAFORM, Expression, block, drill, group, output, plan, resource, value, wave
from .host import Workspace
from .simulator import ENVIRONMENT, REGION, Simulator
from .test_resources import TAGS

WEB = group("web", server_selection_tags=TAGS)
UNKNOWN = "s-" + "0" * 17
POINT = "pit-" + "0" * 17
HOOK = {"name": "warn", "lambda_function": "warn-the-team"}

LONG = Expression('format("%01025d", 7)')
LONGER = Expression('format("%02049d", 7)')
CYCLE = [{"name": "a", "depends_on_waves": ["b"]}, {"name": "b", "depends_on_waves": ["a"]}]


def waves(*given: dict) -> list[str]:
    """A plan of these waves over one good group."""
    return [WEB, plan("shop", *given)]


# Configurations that are wrong in themselves, or wrong in a world that can be looked at: each is refused at plan.
REFUSED_AT_PLAN: dict[str, Callable[[Simulator], list[str]]] = {
    "ids_and_tags": lambda it: [group("web", source_server_ids=it.ids("web-1"), server_selection_tags=TAGS)],
    "neither_ids_nor_tags": lambda it: [group("web")],
    "unknown_server": lambda it: [group("web", source_server_ids=[*it.ids("web-1"), UNKNOWN])],
    "malformed_server": lambda it: [group("web", source_server_ids=["web-1"])],
    "server_twice": lambda it: [group("web", source_server_ids=it.ids("web-1", "web-1"))],
    "server_of_another_region": lambda it: [
        group("web", source_server_ids=it.ids("web-1"), region="us-west-2"),
    ],
    "another_account": lambda it: [group("web", server_selection_tags=TAGS, account_id="444455556666")],
    "no_servers": lambda it: [group("web", source_server_ids=[])],
    "no_tags": lambda it: [group("web", server_selection_tags={})],
    "blank_name": lambda it: [group("web", name=" ", server_selection_tags=TAGS)],
    "group_of_nulls": lambda it: [
        group("web", source_server_ids=[*it.ids("web-1"), None]),
        group("app", server_selection_tags={"Tier": None}, description=LONG),
    ],
    "wave_cycle": lambda it: waves(
        wave("a", "web", depends_on_waves=["c"]),
        wave("b", "web", depends_on_waves=["a"]),
        wave("c", "web", depends_on_waves=["b"]),
    ),
    "unknown_dependency": lambda it: waves(wave("a", "web", depends_on_waves=["z"])),
    "duplicate_wave": lambda it: waves(wave("a", "web"), wave("a", "web")),
    "empty_wave": lambda it: waves(wave("a")),
    "no_waves": lambda it: waves(),
    "negative_wait": lambda it: waves(wave("a", "web", wait_time_seconds=-1)),
    "absurd_timeout": lambda it: waves(wave("a", "web", timeout_seconds=10**9)),
    "zero_in_flight": lambda it: waves(wave("a", "web", max_in_flight=0)),
    "number_not_whole": lambda it: waves(wave("a", "web", timeout_seconds=1.5)),
    "number_beyond_all": lambda it: waves(wave("a", "web", timeout_seconds=Expression("1e400"))),
    "number_beyond_reading": lambda it: waves(wave("a", "web", timeout_seconds=Expression("1e5000"))),
    "function_of_words": lambda it: [
        output("order", 'provider::drs::wave_order([{ name = "a", timeout_seconds = "soon" }])'),
    ],
    "objective_of_words": lambda it: [WEB, plan("shop", wave("a", "web"), rto_objective="soon")],
    "policies_of_words": lambda it: [
        WEB,
        plan(
            "shop",
            wave("a", "web", on_failure="stop", retries=99, min_success_percent=101),
            wave("b", "web", critical_server_ids=it.ids("web-1"), min_success_percent=50),
            execution_timeout_seconds=0,
        ),
    ],
    "wave_of_nulls": lambda it: waves(
        {"name": "a", "protection_group_ids": [None], "depends_on_waves": [None], "source_server_ids": [None]},
    ),
    "null_tag": lambda it: [group("web", server_selection_tags=TAGS, tags={"Team": None})],
    "unknown_order": lambda it: waves(wave("a", "web", launch_order="RANDOM")),
    "hook_runs_two_things": lambda it: waves(
        wave("a", "web", before_hooks=[HOOK | {"automation_document": "Shop-Failover"}]),
    ),
    "hook_runs_nothing": lambda it: waves(wave("a", "web", after_hooks=[{"name": "warn"}])),
    "hook_in_malformed_account": lambda it: waves(wave("a", "web", before_hooks=[HOOK | {"account_id": "4444"}])),
    "hook_of_function_with_parameters": lambda it: waves(
        wave("a", "web", before_hooks=[HOOK | {"parameters": {"Zone": ["shop"]}, "document_version": "1"}]),
    ),
    "hook_names": lambda it: waves(wave("a", "web", before_hooks=[HOOK, HOOK], after_hooks=[HOOK | {"name": " "}])),
    "hook_durations_and_words": lambda it: waves(
        wave("a", "web", before_hooks=[HOOK | {"timeout_seconds": 0, "on_failure": "halt"}]),
    ),
    "hook_with_null_parameter": lambda it: waves(
        wave("a", "web", before_hooks=[{"name": "warn", "automation_document": "A", "parameters": {"Zone": [None]}}]),
    ),
    "too_many_hooks": lambda it: waves(
        wave("a", "web", before_hooks=Expression('[for n in range(51) : { name = "h${n}", lambda_function = "warn" }]')),
    ),
    "checks_of_nothing": lambda it: waves(wave("a", "web", checks={"ssm_parameters": {"commands": ["true"]}})),
    "checks_durations_and_words": lambda it: waves(
        wave(
            "a",
            "web",
            checks={
                "instance_status_timeout_seconds": -1,
                "timeout_seconds": 14401,
                "lambda_function": "two words",
                "on_degraded": "halt",
            },
        ),
    ),
    "drill_guard_without_tags": lambda it: [WEB, plan("shop", wave("a", "web"), drill_guard={"subnet_tags": {}})],
    "drill_guard_with_null_tag": lambda it: [
        WEB,
        plan("shop", wave("a", "web"), drill_guard={"subnet_tags": {"Purpose": None}}),
    ],
    "notifications_to_nobody": lambda it: [
        WEB,
        plan("shop", wave("a", "web"), notifications={"topic_arns": ["disaster-recovery"], "events": ["ENDED"]}),
    ],
    "lifetime_too_short": lambda it: [*waves(wave("a", "web")), drill("quarterly", "shop", max_lifetime="10s")],
    "two_kinds_of_points": lambda it: [
        *waves(wave("a", "web")),
        drill("quarterly", "shop", recovery_point_before="2026-01-01T00:00:00Z", recovery_snapshots={"web-1": POINT}),
    ],
    "malformed_points": lambda it: [
        *waves(wave("a", "web")),
        drill("quarterly", "shop", recovery_snapshots={"web-1": "pit-12", "web-2": "snap-" + "0" * 17}),
    ],
    "no_points": lambda it: [*waves(wave("a", "web")), drill("quarterly", "shop", recovery_snapshots={})],
    "time_without_zone": lambda it: [
        *waves(wave("a", "web")),
        drill("quarterly", "shop", recovery_point_before="2026-01-01 00:00"),
    ],
    "unknown_on_pause": lambda it: [*waves(wave("a", "web")), drill("quarterly", "shop", on_pause="sleep")],
    "unknown_cleanup": lambda it: [*waves(wave("a", "web")), drill("quarterly", "shop", cleanup="sometimes")],
    "negative_create_timeout": lambda it: [
        *waves(wave("a", "web")),
        drill("quarterly", "shop", timeouts={"create": "-5m"}),
    ],
    "unreadable_create_timeout": lambda it: [
        *waves(wave("a", "web")),
        drill("quarterly", "shop", timeouts={"create": "soon"}),
    ],
    "read_only_attribute": lambda it: [group("web", server_selection_tags=TAGS, digest="abc")],
    "unknown_plan_of_drill": lambda it: [
        resource("drs_drill_execution", "quarterly", recovery_plan_id="p-nothing"),
    ],
    "function_of_cycle": lambda it: [output("order", f"provider::drs::wave_order({value(CYCLE)})")],
    "names_of_plans_and_waves": lambda it: [
        WEB,
        plan("shop", wave("x" * 65, "web"), wave("b\tc", "web"), name=" shop ", description=LONG),
    ],
    "lists_of_nothing": lambda it: [
        WEB,
        plan(
            "shop",
            wave("a", "web", source_server_ids=[], critical_server_ids=[]),
            notifications={"topic_arns": [], "events": []},
        ),
    ],
    "drill_guard_with_long_tag": lambda it: [
        WEB,
        plan("shop", wave("a", "web"), drill_guard={"subnet_tags": Expression('{ (format("%0129d", 7)) = "v" }')}),
    ],
    "hook_of_large_parameters": lambda it: waves(
        wave(
            "a",
            "web",
            before_hooks=[
                {"name": "warn", "automation_document": "A", "document_version": "", "parameters": {"Zone": [LONGER]}}
            ],
        ),
    ),
    "server_as_arn": lambda it: [
        group("web", source_server_ids=[f"arn:aws:drs:{REGION}:111122223333:source-server/{UNKNOWN}"]),
    ],
    "null_point": lambda it: [*waves(wave("a", "web")), drill("quarterly", "shop", recovery_snapshots={"web-1": None})],
    "several_at_once": lambda it: waves(
        wave("a", "web", wait_time_seconds=-1),
        wave("a", "web", depends_on_waves=["z"]),
        wave("c"),
    ),
}


@pytest.mark.parametrize("name", REFUSED_AT_PLAN)
def test_refused_at_plan(name: str, workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(simulator.provider(), *REFUSED_AT_PLAN[name](simulator))
    golden.check(name, workspace.plan(expect=1), workspace)
    assert simulator.groups() == [] and simulator.plans() == []


# Provider blocks that are wrong in themselves; nothing is asked of anybody.
BAD_PROVIDERS: dict[str, Callable[[Simulator], dict]] = {
    "provider_of_words": lambda it: {
        "region": "Frankfurt",
        "profile": "",
        "environment": "my tests",
        "allowed_account_ids": ["111122223333", "4444"],
        "assume_role": {"role_arn": "dr"},
        "endpoints": {"drs": "localhost:8000"},
        "simulator": None,
    },
    "simulator_of_words": lambda it: {"simulator": {"path": "", "speed": 0, "seed": -1}},
    "simulator_and_endpoints": lambda it: {
        "endpoints": {"drs": "http://127.0.0.1:1"},
        "simulator": {"path": str(it.directory), "speed": it.speed},
    },
    "null_default_tag": lambda it: {"default_tags": {"Team": None}},
}


@pytest.mark.parametrize("name", BAD_PROVIDERS)
def test_a_provider_block_that_is_refused(name: str, workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(simulator.provider(**BAD_PROVIDERS[name](simulator)), WEB)
    golden.check(name, workspace.plan(expect=1), workspace)


def test_a_provider_that_is_known_only_after_apply_fails_no_plan(workspace: Workspace, simulator: Simulator) -> None:
    """What exists is planned from its state, and said to be; apply knows everything."""
    later = resource("terraform_data", "later", input=ENVIRONMENT)
    workspace.write(simulator.provider(), later, WEB).apply()
    unknown = Expression("terraform_data.later.output")
    changed = resource("terraform_data", "later", input=ENVIRONMENT, triggers_replace=["again"])
    workspace.write(simulator.provider(environment=unknown), changed, WEB)
    golden.check("not_refreshed", workspace.plan(), workspace)
    workspace.apply()
    workspace.plans_nothing()


def test_default_tags_that_are_known_only_after_apply(workspace: Workspace, simulator: Simulator) -> None:
    owner = resource("terraform_data", "owner", input="dr")
    tags = {"Owner": Expression("terraform_data.owner.output"), "Team": "dr"}
    texts = [group("web", server_selection_tags=TAGS, tags={"Team": "web"}), *waves(wave("a", "web"))[1:]]
    workspace.write(simulator.provider(default_tags=tags), owner, *texts)
    assert golden.diagnostics(workspace.plan()) == []
    workspace.apply()
    workspace.plans_nothing()
    state = workspace.state()
    assert state["drs_protection_group.web"]["tags_all"] == {"Owner": "dr", "Team": "web"}
    assert state["drs_recovery_plan.shop"]["tags_all"] == {"Owner": "dr", "Team": "dr"}
    again = resource("terraform_data", "owner", input="ops", triggers_replace=["again"])
    workspace.write(simulator.provider(default_tags=tags), again, *texts).apply()
    workspace.plans_nothing()
    assert workspace.state()["drs_protection_group.web"]["tags_all"] == {"Owner": "ops", "Team": "web"}


def test_a_server_that_lives_in_another_region(workspace: Workspace, simulator: Simulator) -> None:
    """It is named at plan, and the way out that the text shows, a group with its Region, is one."""
    simulator.fleet = workspace.folder / "fleet.yaml"
    simulator.fleet.write_text(TWO_REGIONS)
    elsewhere = simulator.client("drs", "eu-west-1").describe_source_servers()["items"]
    ids = [*simulator.ids("web-1"), *(server["sourceServerID"] for server in elsewhere)]
    workspace.write(simulator.provider(), group("web", source_server_ids=ids))
    golden.check("server_lives_in_another_region", workspace.plan(expect=1), workspace)
    assert simulator.groups() == []
    workspace.write(simulator.provider(), group("web", source_server_ids=ids[1:], region="eu-west-1"))
    workspace.apply()
    workspace.plans_nothing()


TWO_REGIONS = """
accounts:
  - id: "111122223333"
    regions:
      - { name: us-east-1, servers: [{ hostname: web-1 }] }
      - { name: eu-west-1, servers: [{ hostname: web-9 }] }
"""


def test_a_group_whose_tags_select_nothing(workspace: Workspace, simulator: Simulator) -> None:
    nothing = group("web", server_selection_tags={"Application": "nothing"})
    texts = [simulator.provider(), nothing, plan("shop", wave("web", "web"))]
    workspace.write(*texts)
    golden.check("tags_select_nothing_at_plan", workspace.plan(), workspace)
    workspace.apply()
    workspace.write(*texts, drill("quarterly", "shop"))
    golden.check("group_without_servers_at_start", workspace.apply(expect=1), workspace)
    assert simulator.accepted() == []


def test_more_servers_than_the_quotas_allow(workspace: Workspace, simulator: Simulator) -> None:
    simulator.command({"change_settings": {"quotas": {"servers_in_jobs": 3, "servers_per_job": 2}}})
    texts = [simulator.provider(), group("shop", server_selection_tags={"Application": "shop"})]
    workspace.write(*texts).apply()
    workspace.write(*texts, plan("shop", wave("all", "shop")), drill("quarterly", "shop"))
    finished = workspace.apply(expect=1)
    golden.check("more_servers_than_quotas", finished, workspace)
    assert simulator.accepted() == []


def test_an_uninitialised_drs(workspace: Workspace, simulator: Simulator) -> None:
    place = simulator.place
    simulator.command({"set_initialized": {"place": place, "initialized": False}})
    workspace.write(simulator.provider(), WEB)
    golden.check("uninitialised", workspace.plan(expect=1), workspace)
    simulator.command({"set_initialized": {"place": place, "initialized": True}})
    workspace.plan()


# Credentials and endpoints. These have no embedded simulator.

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIASIM0111122223333", "AWS_SECRET_ACCESS_KEY": "secret"}


def provider(**attributes: object) -> str:
    given = {"region": REGION, "environment": ENVIRONMENT, "create_tables": True} | attributes
    return TERRAFORM + block("provider", "drs", **given)


def test_an_unreachable_endpoint(workspace: Workspace) -> None:
    # Port 1 is reserved, and nothing listens on it.
    nowhere = "http://127.0.0.1:1"
    services = ("drs", "dynamodb", "ec2", "sts", "servicequotas", "lambda", "ssm", "sns")
    workspace.write(provider(endpoints=dict.fromkeys(services, nowhere)), WEB)
    golden.check("unreachable_endpoint", workspace.run(*PLAN, expect=1, env=CREDENTIALS), workspace)


def test_missing_credentials(workspace: Workspace) -> None:
    workspace.write(provider(), WEB)
    golden.check("missing_credentials", workspace.plan(expect=1), workspace)


def test_no_region(workspace: Workspace) -> None:
    workspace.write(provider(region=None), WEB)
    golden.check("no_region", workspace.run(*PLAN, expect=1, env=CREDENTIALS), workspace)


def test_expired_credentials(workspace: Workspace, simulator: Simulator) -> None:
    message = "The security token included in the request is expired"
    refused = {"refuse": {"code": "ExpiredToken", "status": 403, "message": message}}
    simulator.inject("sts:GetCallerIdentity", refused, times=10)
    workspace.write(simulator.provider(), WEB)
    golden.check("expired_credentials", workspace.plan(expect=1), workspace)


def test_another_account_than_allowed(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(simulator.provider(allowed_account_ids=["999988887777"]), WEB)
    golden.check("account_not_allowed", workspace.plan(expect=1), workspace)


def test_tables_that_are_not_there(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(simulator.provider(create_tables=None), WEB)
    golden.check("no_tables", workspace.apply(expect=1), workspace)


def test_a_simulator_that_cannot_be_used(workspace: Workspace, simulator: Simulator) -> None:
    fleet = workspace.folder / "fleet.yaml"
    fleet.write_text("accounts:\n  - id: twelve\n    regions: [{name: us-east-1, server: []}]\n")
    simulator.fleet = fleet
    workspace.write(simulator.provider(), WEB)
    golden.check("unusable_fleet", workspace.plan(expect=1), workspace)


def test_ids_that_are_wrong_after_apply_are_errors_of_apply(workspace: Workspace, simulator: Simulator) -> None:
    """What was unknown at plan is checked when it is known, and nothing is made of it."""
    workspace.write(
        simulator.provider(),
        resource("terraform_data", "ids", input=[UNKNOWN]),
        group("web", source_server_ids=Expression("terraform_data.ids.output")),
    )
    workspace.plan()
    golden.check("unknown_server_at_apply", workspace.apply(expect=1), workspace)
    assert simulator.groups() == []


def test_import_of_what_does_not_exist(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(simulator.provider(), group("tables", server_selection_tags=TAGS)).apply()
    workspace.write(simulator.provider(), WEB, plan("shop", wave("web", "web")), drill("quarterly", "shop"))
    addresses = ("drs_protection_group.web", "drs_recovery_plan.shop", "drs_drill_execution.quarterly")
    for address in addresses:
        finished = workspace.run("import", "-no-color", "-input=false", address, "nothing", expect=1)
        golden.check(f"import_nothing_{address.split('.')[0]}", finished, workspace)


PLAN = ("plan", "-no-color", "-input=false")
