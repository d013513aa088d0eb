"""The examples: each can be planned and applied as it is, and its second plan is empty. Pages of the registry show them."""

import re
import shutil
from pathlib import Path

import pytest

from .configuration import resource
from .conftest import ROOT
from .host import Host, Workspace
from .simulator import Simulator

EXAMPLES = ROOT / "examples"
SCENARIOS = EXAMPLES / "scenarios"
IMPORTS = ("import-by-string-id.tf", "import-by-identity.tf")
# Folders that hold no configuration of one type.
# Examples run in the world that a reader has, where nothing is shortened but time.
SPEED = 600
OTHERS = ("fleets", "iam", "modules", "provider", "scenarios")
TYPED = sorted(
    path.relative_to(EXAMPLES)
    for path in EXAMPLES.rglob("*.tf")
    if path.relative_to(EXAMPLES).parts[0] not in OTHERS and path.name not in IMPORTS
)
IMPORTABLE = sorted(
    path.relative_to(EXAMPLES) for path in EXAMPLES.rglob("*") if path.name in IMPORTS or path.name == "import.sh"
)
# An id is known once something is there, so examples have one that is not.
ID = re.compile(r"(exec|pg|rp)-[0-9a-f]{32}")
IDENTITIES_ARE_UNKNOWN = 'An argument named "identity" is not expected here'
ACTIONS_ARE_UNKNOWN = 'Blocks of type "action" are not expected here'
# What is recovered in the two accounts of `scenarios/accounts`.
STAGING = [f"444455556666 staging-{tier}-1 LAUNCHED HEALTHY" for tier in ("db", "app", "web")]
PRODUCTION = [f"111122223333 {tier}-{number} LAUNCHED HEALTHY" for tier in ("db", "app", "web") for number in (1, 2)]


def name(path: Path) -> str:
    return str(path)


def written(name: str, workspace: Workspace, simulator: Simulator) -> Workspace:
    """The example in the workspace, on the test's own simulator."""
    settings = {"TF_VAR_simulator_path": str(simulator.directory), "TF_VAR_speed": str(SPEED)}
    workspace.environment.update(settings)
    return workspace.write((SCENARIOS / name / "main.tf").read_text())


def typed(path: Path, workspace: Workspace, simulator: Simulator) -> Workspace:
    """The example of a type, beside a provider block of the test's own."""
    workspace.write(simulator.provider(), name="provider.tf")
    return workspace.write((EXAMPLES / path).read_text())


def test_there_is_no_other_kind_of_example(host: Host) -> None:
    """What is not looked at here would be found out by a reader."""
    known = {"actions", "data-sources", "drs.yaml", "ephemeral-resources", "functions", "list-resources", "resources"}
    assert {path.name for path in EXAMPLES.iterdir()} <= known.union(OTHERS)
    assert {path.name for path in SCENARIOS.iterdir()} == {"accounts", "gates", "three-tier", "two-accounts", "verified-drill"}
    assert TYPED and IMPORTABLE


def test_examples_are_formatted(host: Host, workspace: Workspace) -> None:
    workspace.run("fmt", "-check", "-recursive", "-diff", str(EXAMPLES))


@pytest.mark.parametrize("path", TYPED, ids=name)
def test_example(path: Path, workspace: Workspace, simulator: Simulator) -> None:
    planned = typed(path, workspace, simulator).plan(expect=None)
    if path.parts[0] == "actions" and planned.exit_code == 1:
        # Terraform has had actions since 1.14. An older one must say so, and nothing else.
        assert workspace.host.name != "terraform_1_15" and ACTIONS_ARE_UNKNOWN in planned.flat, planned
        return
    planned.expect(0)
    workspace.apply()
    workspace.plans_nothing()
    workspace.destroy()


@pytest.mark.parametrize("path", IMPORTABLE, ids=name)
def test_import(path: Path, workspace: Workspace, simulator: Simulator) -> None:
    """What the example made is forgotten, and found again as the example says."""
    typed(path.parent / "resource.tf", workspace, simulator).apply()
    text = (EXAMPLES / path).read_text()
    address = re.search(rf"\b{path.parent.name}\.\w+", text).group()
    before = workspace.state()[address]
    text = ID.sub(before["id"], text)
    workspace.run("state", "rm", address)
    if path.name == "import-by-identity.tf" and workspace.host.name != "terraform_1_15":
        # Terraform has had identities since 1.12. An older one must say so, and nothing else.
        planned = workspace.write(text, name="import.tf").plan(expect=1)
        assert IDENTITIES_ARE_UNKNOWN in planned.flat, planned
        return
    if path.suffix == ".sh":
        (command,) = (line.split() for line in text.splitlines() if not line.startswith("#"))
        assert command[:2] == ["terraform", "import"], text
        workspace.run("import", "-no-color", "-input=false", *command[2:])
        actions = workspace.planned_actions()
        assert all(action == ["update"] for action in actions.values()), actions
    else:
        workspace.write(text, name="import.tf")
        planned = workspace.plan()
        assert "1 to import, 0 to add" in planned.flat and "0 to destroy" in planned.flat, planned
    workspace.apply()
    workspace.plans_nothing()
    assert workspace.state()[address]["id"] == before["id"]
    workspace.destroy()


def test_provider(workspace: Workspace, simulator: Simulator) -> None:
    """The provider block is one for AWS; the environment says that there is none."""
    workspace.environment["DRS_SIMULATOR"] = str(simulator.directory)
    workspace.write((EXAMPLES / "provider" / "provider.tf").read_text(), name="provider.tf")
    group = {"name": "shop", "server_selection_tags": {"Application": "shop"}}
    workspace.write(resource("drs_protection_group", "shop", **group))
    workspace.apply()
    assert workspace.state()["drs_protection_group.shop"]["tags_all"] == {"ManagedBy": "terraform"}
    workspace.plans_nothing()
    workspace.destroy()


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


def test_two_accounts(workspace: Workspace, simulator: Simulator) -> None:
    simulator.fleet = ROOT / "examples" / "fleets" / "two-regions.yaml"
    workspace.environment["TF_VAR_fleet"] = str(simulator.fleet)
    written("two-accounts", workspace, simulator).plan()
    workspace.apply()
    workspace.plans_nothing()
    assert workspace.outputs()["servers"] == ["ledger-1 LAUNCHED", "db-1 LAUNCHED"]
    workspace.destroy()


def root(name: str, workspace: Workspace, simulator: Simulator) -> Workspace:
    """A root that uses a module, in a folder of its own that lies to the module as it does in the repository."""
    modules = workspace.folder / "modules"
    if not modules.exists():
        shutil.copytree(EXAMPLES / "modules", modules)
    workspace.environment["TF_VAR_fleet"] = str(EXAMPLES / "fleets" / "production-and-staging.yaml")
    made = written(f"accounts/{name}", workspace.sibling(at=f"scenarios/accounts/{name}"), simulator)
    made.run("get", "-no-color")
    return made


def test_one_module_in_two_accounts(workspace: Workspace, simulator: Simulator) -> None:
    """Two roots, each with a provider of its own, in one world: names are the same, and neither knows of the other."""
    roots = {name: root(name, workspace, simulator) for name in ("staging", "production")}
    for made in roots.values():
        assert "Plan: 5 to add" in made.plan().out
        made.apply()
    for made in roots.values():
        made.plans_nothing()
    outputs = {name: made.outputs() for name, made in roots.items()}
    assert outputs["staging"] == {"drill": "COMPLETED: 3 of 3 servers launched", "servers": STAGING}
    assert outputs["production"] == {"drill": "COMPLETED: 6 of 6 servers launched", "servers": PRODUCTION}
    for made in roots.values():
        assert "5 destroyed" in made.destroy().out


def test_two_accounts_from_a_hub(workspace: Workspace, simulator: Simulator) -> None:
    hub = root("hub", workspace, simulator)
    assert "Plan: 12 to add" in hub.plan().out
    hub.apply()
    hub.plans_nothing()
    assert hub.outputs() == {"drill": "COMPLETED: 9 of 9 servers launched", "servers": STAGING + PRODUCTION}
    assert "12 destroyed" in hub.destroy().out
