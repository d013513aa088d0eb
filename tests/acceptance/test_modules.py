"""The example modules by their own tests: `terraform test`, with the simulator and with a provider that is mocked.

Terraform says that nothing failed also where nothing was run, so the runs are counted. What is here is not about a use of a
module by a root; those are scenarios, and looked at with the other examples.
"""

import re
import shutil
from pathlib import Path

import pytest

from .conftest import ROOT
from .host import Finished, Host, Workspace

MODULES = ROOT / "examples" / "modules"
GUIDE = ROOT / "docs" / "guides" / "modules-across-accounts.md"
TESTS = sorted(path.relative_to(MODULES) for path in MODULES.rglob("*.tftest.hcl"))
RUN = re.compile(r'^run "(\w+)" \{$', re.MULTILINE)
DECLARED = re.compile(r'^(?:variable|output) "(\w+)" \{$', re.MULTILINE)
EXCERPT = re.compile(r"^```terraform\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What somebody might break in the module, and the run that is to notice.
BREAKS = {
    "groups": ('"${var.name}-${each.key}"', '"${each.key}-${var.name}"'),
    "waves": ('["database", "application", "web"]', '["application", "database", "web"]'),
    "a_drill_cleans_up": ("{ for name, group in drs_protection_group.tier : name => group.digest },", "{},"),
    "failed_is_not_good_enough": ('["FAILED", "CANCELLED", "TIMED_OUT", "HALTED"]', '["CANCELLED", "TIMED_OUT", "HALTED"]'),
}


def checked(workspace: Workspace, test: Path, expect: int = 0) -> Finished:
    """A file of tests, run in the folder of its module."""
    return workspace.run("test", "-no-color", "-compact-warnings", f"-filter={Path(*test.parts[1:])}", expect=expect)


def copied(workspace: Workspace, module: str) -> Workspace:
    """The module, where what its tests leave behind is in nobody's way."""
    ignored = shutil.ignore_patterns(".terraform")
    shutil.copytree(MODULES / module, workspace.folder, ignore=ignored, dirs_exist_ok=True)
    return workspace


def test_every_module_has_both_kinds_of_tests(host: Host) -> None:
    """Those that want the aws provider have none: also to mock it, Terraform wants its binary, which is not here."""
    kinds = {module.name: {path.name for path in module.rglob("*.tftest.hcl")} for module in MODULES.iterdir()}
    of_aws = {module.name for module in MODULES.iterdir() if '"hashicorp/aws"' in (module / "versions.tf").read_text()}
    assert of_aws == {"hub", "spoke"}
    assert kinds == {"three-tier": {"mock.tftest.hcl", "simulator.tftest.hcl"}} | {name: set() for name in of_aws}
    assert 'mock_provider "drs" {}' in (MODULES / "three-tier" / "tests" / "mock.tftest.hcl").read_text()


@pytest.mark.parametrize("test", TESTS, ids=str)
def test_runs_pass(test: Path, workspace: Workspace) -> None:
    runs = RUN.findall((MODULES / test).read_text())
    finished = checked(copied(workspace, test.parts[0]), test)
    assert len(runs) >= 5 and f"Success! {len(runs)} passed, 0 failed." in finished.out, finished
    assert re.findall(r'^  run "(\w+)"\.\.\. pass$', finished.out, re.MULTILINE) == runs, finished


@pytest.mark.parametrize("run", BREAKS)
def test_a_broken_module_fails(run: str, workspace: Workspace) -> None:
    """Tests that would let a mistake pass are none."""
    main = copied(workspace, "three-tier").folder / "main.tf"
    there, instead = BREAKS[run]
    assert main.read_text().count(there) == 1
    main.write_text(main.read_text().replace(there, instead))
    finished = checked(workspace, Path("three-tier/tests/mock.tftest.hcl"), expect=1)
    assert f'run "{run}"... fail' in finished.out, finished


def test_papers_of_a_module_name_what_it_takes_and_gives(host: Host) -> None:
    for module in MODULES.iterdir():
        declared = [name for path in module.glob("*.tf") for name in DECLARED.findall(path.read_text())]
        paper = (module / "README.md").read_text()
        # Attributes of a nested object have rows of their own, in tables that come later.
        missing = [name for name in declared if f"\n| `{name}` |" not in paper]
        assert declared and not missing, f"{module.name}: {missing}"


def test_the_guide_shows_what_is_there(host: Host) -> None:
    """Every excerpt of the guide about modules is a piece of the files that are applied, and its runs are those of the tests."""
    folders = (MODULES, ROOT / "examples" / "scenarios" / "accounts")
    files = [path.read_text() for folder in folders for path in folder.rglob("*.tf")]
    guide = GUIDE.read_text()
    excerpts = EXCERPT.findall(guide)
    assert excerpts
    for excerpt in excerpts:
        assert any(excerpt in text for text in files), excerpt
    runs = [run for test in TESTS for run in RUN.findall((MODULES / test).read_text())]
    assert re.findall(r'^  run "(\w+)"\.\.\. pass$', guide, re.MULTILINE) == runs
    assert f"Success! {len(runs)} passed, 0 failed." in guide
