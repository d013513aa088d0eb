"""Processes of a process group, as the kernel lists them. Nothing is ever ended by name, only by id."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

PROVIDER = "terraform-provider-drs"


@dataclass(frozen=True)
class Process:
    """A process that lives."""

    pid: int
    group: int
    executable: str

    @property
    def is_provider(self) -> bool:
        return self.executable == PROVIDER

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self.end(signal.SIGKILL)

    def end(self, with_signal: signal.Signals) -> None:
        try:
            os.kill(self.pid, with_signal)
        except ProcessLookupError:
            pass


def of_group(group: int) -> list[Process]:
    """The processes of a group that have not ended."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            process = _read(folder)
            if process and process.group == group:
                found.append(process)
    return found


def providers(group: int) -> list[Process]:
    """The provider processes of a group."""
    return [process for process in of_group(group) if process.is_provider]


def _read(folder: Path) -> Process | None:
    try:
        # The name in parentheses may hold spaces; what follows it does not.
        status = (folder / "stat").read_text().rpartition(")")[2].split()
        executable = Path(os.readlink(folder / "exe")).name
    except OSError:
        return None
    state, group = status[0], int(status[2])
    is_over = state in "ZX"
    return None if is_over else Process(int(folder.name), group, executable)
