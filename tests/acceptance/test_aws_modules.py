"""The modules for the hub and for spokes, which use the aws provider: that provider is not here, so a list stands in for it.

Every argument and block of a resource or data source of AWS must be in `aws_arguments.json`, which was written by hand from
the provider's documentation. That they are formatted is tested with the examples; that they work is not tested here.
"""

import json
import re
from pathlib import Path

import pytest

from .conftest import ROOT
from .host import Host

MODULES = ROOT / "examples" / "modules"
KNOWN = json.loads((Path(__file__).parent / "aws_arguments.json").read_text())
# Terraform's own, of every resource.
META = {"for_each", "count", "depends_on", "provider", "lifecycle"}
BLOCK = re.compile(r'^(resource|data|dynamic|[a-z_]+)((?:\s+"[^"]+")*)\s*\{\s*$')
ARGUMENT = re.compile(r"^([a-z_][a-z0-9_]*)\s*=")

once = pytest.mark.parametrize("host", ["path"], indirect=True)


def used(text: str) -> list[tuple[str, str]]:
    """Every argument and block by the path of its block: `aws_x`, `aws_x.block`."""
    found, path, depth = [], [], []
    brackets = 0
    for line in (line.split(" #")[0].strip() for line in text.splitlines()):
        block = None if brackets else BLOCK.match(line)
        if block:
            labels = re.findall(r'"([^"]+)"', block[2])
            name = labels[0] if labels and block[1] in ("resource", "data", "dynamic") else block[1]
            if path and block[1] not in ("resource", "data", "content"):
                found.append((".".join(path), name))
            path += [] if block[1] == "content" else [name]
            depth.append(block[1] != "content")
            continue
        if line == "}" and not brackets and depth:
            path = path[: -1 if depth.pop() else None]
            continue
        argument = None if brackets else ARGUMENT.match(line)
        if argument and path:
            found.append((".".join(path), argument[1]))
        brackets += sum(line.count(left) for left in "{[(") - sum(line.count(right) for right in "}])")
    return found


def files() -> list[Path]:
    return sorted([*(MODULES / "hub").glob("*.tf"), *(MODULES / "spoke").glob("*.tf")])


@once
@pytest.mark.parametrize("file", files(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_argument_is_one_of_the_provider(host: Host, file: Path) -> None:
    of_aws = [(path, name) for path, name in used(file.read_text()) if path.startswith("aws_")]
    unknown = [f"{path}: {name}" for path, name in of_aws if name not in META and name not in KNOWN.get(path, ())]
    assert unknown == []


@once
@pytest.mark.parametrize("file", files(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_argument_is_one_of_ours(host: Host, file: Path) -> None:
    """Our own data sources, by their pages, which are written from the schemas."""
    ours = [(path, name) for path, name in used(file.read_text()) if path.startswith("drs_") and name not in META]
    for path, name in ours:
        page = ROOT / "docs" / "data-sources" / f"{path.removeprefix('drs_')}.md"
        assert f"- `{name}` (" in page.read_text(), f"{path}: {name}"


@once
def test_what_is_not_an_argument_is_found(host: Host) -> None:
    """The check can fail: a wrong argument, one in a block, one in a dynamic block."""
    text = """
resource "aws_sns_topic" "this" {
  name = "x"
  nmae = { a = 1 }
}
resource "aws_dynamodb_table" "this" {
  dynamic "attribute" {
    for_each = {}
    content {
      nmae = attribute.key
    }
  }
  point_in_time_recovery {
    enabeld = true
  }
}
"""
    wrong = [(path, name) for path, name in used(text) if name not in META and name not in KNOWN.get(path, ())]
    assert wrong == [
        ("aws_sns_topic", "nmae"),
        ("aws_dynamodb_table.attribute", "nmae"),
        ("aws_dynamodb_table.point_in_time_recovery", "enabeld"),
    ]


@once
def test_nothing_of_the_list_is_left_over(host: Host) -> None:
    """A resource that no module uses has no place in the list."""
    there = {path for file in files() for path, _ in used(file.read_text()) if path.startswith("aws_")}
    assert set(KNOWN) - there == set()
