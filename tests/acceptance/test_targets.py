"""Other accounts: targets through their life, groups and drills in them, and the Region of the tables.

Who called what is asked of the simulated world: what concerns another account is called as its role, or not at all.
"""

import json
from collections.abc import Callable

import pytest

from . import golden
from .configuration import Expression, data, drill, group, output, plan, resource, wave
from .host import Workspace
from .simulator import ENVIRONMENT, Simulator
from .test_progress import drsctl

SPOKE = "444455556666"
ROLE = f"arn:aws:iam::{SPOKE}:role/dr"
HUB_CALLER = "arn:aws:iam::111122223333:user/simulator"
ROLE_CALLER = f"arn:aws:sts::{SPOKE}:assumed-role/dr/drs-orchestration"
LEDGER = {"Application": "ledger"}
FLEET = """
accounts:
  - id: "111122223333"
    regions:
      - { name: us-east-1, servers: [{ hostname: web-1, origin: { region: us-west-2 } }] }
      - { name: us-west-2, servers: [{ hostname: west-1 }] }
  - id: "444455556666"
    external_id: of-the-role
    regions:
      - { name: eu-west-1, servers: [{ hostname: ledger-1, tags: { Application: ledger } }] }
      - { name: eu-central-1, servers: [{ hostname: ledger-2, tags: { Application: ledger } }] }
"""


@pytest.fixture
def accounts(workspace: Workspace, simulator: Simulator) -> Simulator:
    """A world of two accounts."""
    simulator.fleet = workspace.folder / "fleet.yaml"
    simulator.fleet.write_text(FLEET)
    return simulator


def target(**attributes: object) -> str:
    """The target of the other account, whose role asks for an external id of its own."""
    given = {"account_id": SPOKE, "regions": ["eu-west-1"], "role_arn": ROLE, "external_id": "of-the-role"}
    return resource("drs_target_account", "ledger", **(given | attributes))


def ledger(**attributes: object) -> str:
    """A group of servers of the other account."""
    given = {
        "account_id": Expression("drs_target_account.ledger.id"),
        "region": "eu-west-1",
        "server_selection_tags": LEDGER,
    }
    return group("ledger", **(given | attributes))


def check(account: str = "drs_target_account.ledger.id", body: str = "") -> str:
    return data("drs_target_check", "ledger", account_id=Expression(account), body=body)


# Targets through their life.


def test_a_target_is_created_changed_imported_and_destroyed(workspace: Workspace, accounts: Simulator) -> None:
    provider = accounts.provider()
    workspace.write(provider, target(external_id=None)).apply()
    workspace.plans_nothing()
    workspace.plans_nothing("-refresh=false")
    made = workspace.state()["drs_target_account.ledger"]
    statement = json.loads(made["trust_policy"])["Statement"][0]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{accounts.account}:root"}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": made["external_id"]}}
    assert made["id"] == SPOKE and len(made["external_id"]) > 30
    assert set(accounts.callers()) == {HUB_CALLER}, "nobody went there"
    assert worked(accounts, HUB_CALLER) == set(), "only STS was asked, and the tables written"

    changed = target(external_id=None, regions=["eu-central-1", "eu-west-1"], name="ledger", session_name="drills")
    workspace.write(provider, changed)
    assert workspace.planned_actions() == {"drs_target_account.ledger": ["update"]}
    workspace.apply()
    workspace.plans_nothing()
    updated = workspace.state()["drs_target_account.ledger"]
    assert updated["external_id"] == made["external_id"] and updated["session_name"] == "drills"

    (workspace.folder / "terraform.tfstate").unlink()
    golden.check("target_exists", workspace.apply(expect=1), workspace)
    workspace.run("import", "-no-color", "-input=false", "drs_target_account.ledger", SPOKE)
    workspace.plans_nothing()
    assert workspace.state()["drs_target_account.ledger"] == updated

    accounts.table("protection-groups").delete_item(Key={"Id": f"target#{SPOKE}"})
    assert workspace.planned_actions() == {"drs_target_account.ledger": ["create"]}
    workspace.apply()
    assert workspace.state()["drs_target_account.ledger"]["external_id"] != made["external_id"]
    assert targets(accounts) == [SPOKE]
    workspace.destroy()
    assert targets(accounts) == []


def test_an_external_id_is_not_told(workspace: Workspace, accounts: Simulator) -> None:
    """Neither the terminal nor the most talkative log of the provider has it."""
    workspace.environment |= {"TF_LOG_PROVIDER": "trace", "TF_LOG_PATH": str(workspace.folder / "provider.log")}
    external_id = "of-the-role-0123456789"
    accounts.command({"set_trust": {"account_id": SPOKE, "external_id": external_id}})
    texts = accounts.provider(), target(external_id=external_id), check(), ledger()
    shown = workspace.write(*texts).apply().text
    shown += workspace.write(*texts[:2]).apply().text + workspace.destroy().text
    log = (workspace.folder / "provider.log").read_text()
    assert "drs_target_account" in log, "it is talkative"
    assert external_id not in shown and external_id not in log


def test_a_target_goes_after_its_groups(workspace: Workspace, accounts: Simulator) -> None:
    workspace.write(accounts.provider(), target(), ledger()).apply()
    workspace.destroy()
    assert targets(accounts) == [] and accounts.groups() == []


# Drills.


def test_a_drill_over_two_accounts(workspace: Workspace, accounts: Simulator) -> None:
    workspace.write(
        accounts.provider(),
        target(),
        ledger(),
        group("web", source_server_ids=accounts.ids("web-1")),
        group("west", region="us-west-2", server_selection_tags={"Name": "nobody"}),
        plan("shop", wave("all", "ledger", "web")),
        drill("quarterly", "shop"),
        output("targets", "[for s in drs_drill_execution.quarterly.servers : s.hostname]"),
    )
    workspace.apply()
    workspace.plans_nothing()
    drilled = workspace.state()["drs_drill_execution.quarterly"]
    assert drilled["status"] == "COMPLETED"
    assert {server["hostname"]: server["status"] for server in drilled["servers"]} == {
        "ledger-1": "LAUNCHED",
        "web-1": "LAUNCHED",
    }
    places = {(launch["account_id"], launch["region"], launch["caller"]) for launch in accounts.accepted()}
    assert places == {(accounts.account, "us-east-1", HUB_CALLER), (SPOKE, "eu-west-1", ROLE_CALLER)}
    workspace.destroy()
    left = accounts.client("drs", "eu-west-1", account=SPOKE).describe_recovery_instances()["items"]
    assert [item for item in left if item["ec2InstanceState"] != "TERMINATED"] == [] and accounts.instances() == []


def test_nothing_in_another_account_is_called_as_the_hub(workspace: Workspace, accounts: Simulator) -> None:
    """Plans, reads, checks, a drill and its end: all of it is about the other account."""
    servers = data(
        "drs_source_servers",
        "ledger",
        account_id=Expression("drs_target_account.ledger.id"),
        region="eu-west-1",
    )
    ids = Expression("data.drs_source_servers.ledger.ids")
    texts = [
        accounts.provider(),
        target(),
        check(),
        servers,
        ledger(source_server_ids=ids, server_selection_tags=None),
        plan("ledger", wave("all", "ledger")),
        drill("quarterly", "ledger"),
        output("ready", "data.drs_target_check.ledger.ready"),
    ]
    workspace.write(*texts).apply()
    workspace.plans_nothing()
    assert workspace.outputs()["ready"] is True
    workspace.destroy()
    assert worked(accounts, HUB_CALLER) == set()
    assert {"StartRecovery", "DescribeSourceServers", "TerminateRecoveryInstances"} <= worked(accounts, ROLE_CALLER)


def test_a_group_that_moves_is_replaced(workspace: Workspace, accounts: Simulator) -> None:
    tags = {"server_selection_tags": LEDGER}
    workspace.write(accounts.provider(), target(), group("ledger", **tags)).apply()
    workspace.write(accounts.provider(), target(), ledger())
    assert workspace.planned_actions() == {"drs_protection_group.ledger": ["delete", "create"]}
    workspace.apply()
    workspace.plans_nothing()
    moved = workspace.state()["drs_protection_group.ledger"]
    assert (moved["account_id"], moved["region"]) == (SPOKE, "eu-west-1")


def test_a_target_and_its_group_named_by_the_account(workspace: Workspace, accounts: Simulator) -> None:
    """The account is known at plan, and its target is not there yet: the group is looked at once it is."""
    texts = accounts.provider(), target(), ledger(account_id=Expression("drs_target_account.ledger.account_id"))
    workspace.write(*texts).apply()
    workspace.plans_nothing()


def test_a_target_stays_while_a_drill_has_instances_there(workspace: Workspace, accounts: Simulator) -> None:
    """A Region with instances of a drill that are meant to stay is not taken away until somebody terminated them.

    A plan says so, of the Region and of the whole target; it says nothing where a destroy terminates them.
    """
    both = ["eu-central-1", "eu-west-1"]
    drilled = [plan("ledger", wave("all", "ledger")), drill("quarterly", "ledger", cleanup="never")]
    workspace.write(accounts.provider(), target(regions=both), ledger(), *drilled).apply()
    execution = workspace.state()["drs_drill_execution.quarterly"]["id"]
    workspace.write(accounts.provider(), target(regions=both)).apply()
    golden.check("target_destroy_planned", workspace.plan("-destroy"), workspace)
    workspace.write(accounts.provider(), target(regions=["eu-central-1"]))
    golden.check("target_region_planned", workspace.plan(), workspace)
    golden.check("target_has_instances", workspace.apply(expect=1), workspace)
    terminated = drsctl(accounts, "terminate", execution, "--reason", "the ledger is sold")
    assert terminated.returncode == 0, terminated
    assert "Recovery Instances" not in workspace.apply().text
    workspace.plans_nothing()
    drilled = [plan("ledger", wave("all", "ledger")), drill("quarterly", "ledger")]
    workspace.write(accounts.provider(), target(regions=both), ledger(), *drilled).apply()
    assert "Recovery Instances" not in workspace.destroy().text
    assert targets(accounts) == []


# Targets that do not work.


def test_a_role_that_cannot_be_assumed(workspace: Workspace, accounts: Simulator) -> None:
    """A check says it and fails nothing by itself; a group that lists servers cannot be made."""
    body = "  lifecycle {\n    postcondition {\n      condition = self.ready\n"
    body += '      error_message = join("\\n", self.problems)\n    }\n  }\n'
    texts = [accounts.provider(), target(external_id="of-nobody"), check()]
    workspace.write(*texts, output("check", "data.drs_target_check.ledger")).apply()
    told = workspace.outputs()["check"]
    assert told["ready"] is False and told["role_arn"] is None
    assert [finding["outcome"] for finding in told["findings"]] == ["role_not_assumable"]
    golden.compare("target_check_problems", "\n".join(told["problems"]))
    assert "of-nobody" not in json.dumps(told)

    workspace.write(*texts[:2], check(body=body))
    golden.check("target_not_ready", workspace.plan(expect=1), workspace)
    workspace.write(*texts[:2], ledger())
    golden.check("role_not_assumable_at_plan", workspace.plan(), workspace)

    # The role is told the right one: everything works, and the check is made anew.
    accounts.command({"set_trust": {"account_id": SPOKE, "open": True, "external_id": "of-nobody"}})
    workspace.write(*texts[:2], check(body=body), ledger()).apply()
    workspace.plans_nothing()


def test_permissions_that_are_missing(workspace: Workspace, accounts: Simulator) -> None:
    workspace.write(accounts.provider(), target()).apply()
    accounts.inject("DescribeJobs", "access_denied", times=10)
    workspace.write(accounts.provider(), target(), check(), output("check", "data.drs_target_check.ledger")).apply()
    findings = {finding["action"]: finding["outcome"] for finding in workspace.outputs()["check"]["findings"]}
    assert findings.pop("drs:DescribeJobs") == "denied"
    assert set(findings.values()) == {"works"}


# Bad input.

REFUSED: dict[str, Callable[[], list[str]]] = {
    "target_malformed": lambda: [target(account_id="4444", regions=["Frankfurt", "eu-west-1"], role_arn="dr")],
    "target_of_odd_session": lambda: [target(session_name="a b", session_duration_seconds=60)],
    "target_role_of_another_account": lambda: [target(role_arn="arn:aws:iam::111122223333:role/dr")],
    "target_without_regions": lambda: [target(regions=[])],
    "target_of_the_own_account": lambda: [
        target(account_id="111122223333", role_arn="arn:aws:iam::111122223333:role/dr"),
    ],
    "target_not_configured": lambda: [ledger(account_id=SPOKE)],
    "planned_target_does_not_list_region": lambda: [
        target(),
        ledger(account_id=Expression("drs_target_account.ledger.account_id"), region="eu-central-1"),
    ],
    "target_check_of_no_target": lambda: [check(f'"{SPOKE}"')],
    "source_servers_of_no_target": lambda: [data("drs_source_servers", "ledger", account_id=SPOKE)],
    "group_of_malformed_place": lambda: [ledger(account_id="4444", region="Frankfurt")],
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_at_plan(name: str, workspace: Workspace, accounts: Simulator) -> None:
    workspace.write(accounts.provider(), *REFUSED[name]())
    golden.check(name, workspace.plan(expect=1), workspace)
    assert targets(accounts) == [] and accounts.groups() == []


def test_a_region_that_a_target_does_not_list(workspace: Workspace, accounts: Simulator) -> None:
    """The target is there this time; with the Region added in the same apply the group is made."""
    provider = accounts.provider()
    workspace.write(provider, target()).apply()
    workspace.write(provider, target(), ledger(region="eu-central-1"))
    golden.check("target_does_not_list_region", workspace.plan(expect=1), workspace)
    workspace.write(provider, target(regions=["eu-central-1", "eu-west-1"]), ledger(region="eu-central-1"))
    workspace.apply()
    workspace.plans_nothing()


# The Region of the tables.


def test_servers_that_run_in_the_region_of_the_tables(workspace: Workspace, accounts: Simulator) -> None:
    provider = accounts.provider(history_region="us-west-2")
    workspace.write(provider, group("web", source_server_ids=accounts.ids("web-1")))
    golden.check("servers_run_in_history_region", workspace.plan(), workspace)
    workspace.apply()
    workspace.plans_nothing()
    tables = {region: table_names(accounts, region) for region in ("us-east-1", "us-west-2")}
    assert tables["us-east-1"] == [] and f"protection-groups-{ENVIRONMENT}" in tables["us-west-2"]
    # Where the tables stay, the provider may work elsewhere, and the group moves with it.
    moved = accounts.provider(history_region="us-west-2", region="us-west-2")
    workspace.write(moved, group("web", server_selection_tags=LEDGER))
    assert workspace.planned_actions() == {"drs_protection_group.web": ["delete", "create"]}
    workspace.destroy()


def test_the_provider_block_counts_more_than_the_environment(workspace: Workspace, accounts: Simulator) -> None:
    workspace.environment["DRS_HISTORY_REGION"] = "eu-west-1"
    texts = group("web", server_selection_tags=LEDGER)
    workspace.write(accounts.provider(), texts).apply()
    assert table_names(accounts, "eu-west-1") and not table_names(accounts, "us-east-1")
    workspace.destroy()
    workspace.write(accounts.provider(history_region="us-east-1"), texts).apply()
    assert table_names(accounts, "us-east-1")


def worked(simulator: Simulator, caller: str) -> set[str]:
    """What somebody called beside STS and the tables."""
    calls = simulator.callers().get(caller, {})
    return {name for name in calls if not name.startswith(("sts:", "dynamodb:"))}


def targets(simulator: Simulator) -> list[str]:
    """The accounts that are targets."""
    return [item["AccountId"] for item in simulator.items("protection-groups") if item.get("Kind") == "TARGET"]


def table_names(simulator: Simulator, region: str) -> list[str]:
    return simulator.client("dynamodb", region).list_tables()["TableNames"]
