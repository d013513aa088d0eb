"""Golden texts: what the terminal shows, word for word.

Only what differs from run to run is replaced: ids, paths, ports, times. `UPDATE_GOLDEN=1` writes the files anew; read the
difference as somebody who was woken at three in the morning would.
"""

import os
import re
from pathlib import Path

from .host import Finished, Workspace

FOLDER = Path(__file__).parent / "golden"
SIMULATED = "Simulator In Use"
# The host whose texts every other host's are compared with, unless it has a file of its own.
BASE_HOST = "terraform"

# What ends a warning on standard output, for nothing marks its end.
_END = re.compile(
    r"^(─{20,}|(Apply|Destroy) complete!.*|Terraform used the selected providers .*|Terraform planned .*"
    r"|(data\.)?drs_[a-z_]+\.[^:]*: .*|No changes\. .*|Outputs:|Plan: .*|Changes to Outputs:|Terraform will perform .*)$"
)
_BEGIN = re.compile(r"^(Warning|Error): ")


def check(name: str, finished: Finished, workspace: Workspace) -> None:
    """Compares the diagnostics of a run with the golden text of this name."""
    text = "\n\n".join(shown(finished, workspace))
    if workspace.host.name != BASE_HOST:
        name = _variant(name, workspace.host.name, text)
    compare(name, text, whole=str(finished))


def shown(finished: Finished, workspace: Workspace) -> list[str]:
    """The diagnostics of a run as golden texts have them."""
    # Terraform works on several resources at once, so the order of what it says is chance.
    return sorted(normalise(text, workspace) for text in diagnostics(finished))


def _variant(name: str, host: str, text: str) -> str:
    """The golden text of a host that points at other lines than the first one does, where there is one."""
    own, first = f"{name}.{host}", FOLDER / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        # What only this host shows has no text of the first one.
        is_shared = not first.exists() or first.read_text() == text.rstrip() + "\n"
        return name if is_shared else own
    return own if (FOLDER / f"{own}.txt").exists() else name


def compare(name: str, text: str, *, whole: str = "") -> None:
    """Compares a text with the golden text of this name."""
    text = text.rstrip() + "\n"
    path = FOLDER / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.exists(), f"there is no golden text {path.name}; UPDATE_GOLDEN=1 writes it:\n{text}\n{whole}"
    golden = path.read_text()
    assert text == golden, f"{path.name} says:\n{golden}\nthe terminal shows:\n{text}\n{whole}"


def diagnostics(finished: Finished) -> list[str]:
    """Warnings and errors of a run, without the two warnings that every run has: the development build and the simulator."""
    found = [*_blocks(finished.out), *_blocks(finished.err)]
    return [text for text in found if "development overrides" not in text and SIMULATED not in text]


def _blocks(text: str) -> list[str]:
    blocks: list[list[str]] = []
    is_inside = False
    for line in text.splitlines():
        if _BEGIN.match(line):
            blocks.append([])
            is_inside = True
        elif _END.match(line):
            is_inside = False
        if is_inside:
            blocks[-1].append(line.rstrip())
    return ["\n".join(block).strip() for block in blocks]


def normalise(text: str, workspace: Workspace) -> str:
    """Replaces what differs from run to run."""
    for path, name in ((workspace.folder, "<folder>"), (workspace.binaries, "<binaries>")):
        text = text.replace(str(path), name)
    for pattern, name in _REPLACED:
        text = re.sub(pattern, name, text)
    return "\n\n".join(_without_process(paragraph) for paragraph in text.split("\n\n"))


def _without_process(paragraph: str) -> str:
    """A paragraph that names a machine and a process breaks its lines where their lengths say, so it is made one line."""
    flat = " ".join(paragraph.split())
    named = re.sub(r"terraform on \S+, process \d+", "terraform on <host>, process <pid>", flat)
    return paragraph if named == flat else named


_REPLACED = (
    (r"(?<=of life)\s+\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?( UTC)?", " <time>"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "<time>"),
    (r'"[0-9a-f]{12}\.\.\."', '"<digest>..."'),
    (r"\bit has \d+ points\b", "it has <n> points"),
    (r"\b(drsjob|i|pit)-[0-9a-z]{17}\b", r"<\1>"),
    (r"\b(pg|rp|exec)-[0-9a-f]{32}\b", r"<\1>"),
    (r"(?<=>-run-)[0-9a-f]{16}\b", "<run>"),
)
