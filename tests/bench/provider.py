"""What the provider costs a user of Terraform: `make bench` prints these tables.

Medians of several runs of a release build, against a simulator in a process of its own, for each Terraform. Nothing is
asserted: figures of a machine do not belong in tests. Each plan and apply is also made with as many `terraform_data`, which
need no provider process and no look at AWS, so that what is Terraform's own time can be told apart.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance import processes
from tests.acceptance.configuration import TERRAFORM, Expression, block, resource
from tests.acceptance.host import HOSTS, Host, Running, Workspace
from tests.acceptance.simulator import ENVIRONMENT, REGION, Simulator

ROOT = Path(__file__).parents[2]
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIASIM0111122223333", "AWS_SECRET_ACCESS_KEY": "not-verified"}
# What a host gives a provider: the second is a certificate as a host makes one, so that the provider makes its own.
COOKIE = {
    "TF_PLUGIN_MAGIC_COOKIE": "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
    "PLUGIN_CLIENT_CERT": (ROOT / "tests" / "acceptance" / "certificates" / "stranger.pem").read_text(),
}
STARTS = 31
RUNS = 3
# Between two looks at a process that may end at any time.
LOOK_SECONDS = 0.01
# Above it a run of Terraform hangs.
LONGEST_SECONDS = 900.0


@dataclass
class Measured:
    """One run of Terraform."""

    seconds: float
    resident_mb: float
    calls: Counter


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", type=Path, required=True, help="folder of the provider and of drsctl")
    parser.add_argument("--groups", type=int, default=1000)
    given = parser.parse_args()
    binaries = given.binaries.resolve()
    print_start(binaries)
    for name, host in HOSTS.items():
        print_groups(name, host(), binaries, given.groups)


def print_start(binaries: Path) -> None:
    """From the start of the process to its first line, which tells the host where to connect."""
    path = binaries / processes.PROVIDER
    seconds, resident = zip(*(start(path) for _ in range(STARTS)), strict=True)
    print(f"Binary: {path.stat().st_size / 1e6:.1f} MB. {STARTS} starts:\n")
    print("| | median | most |\n|---|---|---|")
    print(f"| start to the handshake's line | {middle(seconds) * 1e3:.1f} ms | {max(seconds) * 1e3:.1f} ms |")
    print(f"| resident then | {middle(resident):.1f} MB | {max(resident):.1f} MB |\n", flush=True)
    print("| | median | size |\n|---|---|---|", flush=True)
    subprocess.run([binaries / "examples" / "schema", path], check=True)
    print(flush=True)


def start(path: Path) -> tuple[float, float]:
    began = time.perf_counter()
    process = subprocess.Popen(
        [path],
        env=COOKIE | {"PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        line = process.stdout.readline()
        took = time.perf_counter() - began
        assert line.startswith(b"1|6|"), line
        return took, resident_mb(process.pid)
    finally:
        process.kill()
        process.wait()


def print_groups(name: str, host: Host, binaries: Path, count: int) -> None:
    """A life of many groups of one server each, beside the same with as many resources of Terraform's own."""
    with tempfile.TemporaryDirectory(prefix="drs-") as folder:
        workspace = Workspace(host, Path(folder) / "groups", binaries, CREDENTIALS)
        simulator = Simulator(workspace.folder / "simulator", binaries, fleet=fleet(Path(folder), count))
        version = workspace.run("version").out.split()[1]
        try:
            workspace.write(provider(simulator), groups(simulator, count))
            ours = life(workspace, simulator)
        finally:
            simulator.stop()
        plain = Workspace(host, Path(folder) / "plain", binaries)
        plain.write(block("resource", "terraform_data", "all", count=count, input=Expression("count.index")))
        theirs = life(plain, None)
    print(f"Terraform {version} ({name}), {count:,} groups of one server each, median of {RUNS}:\n")
    print("| | takes | with terraform_data | ratio | resident | AWS calls |\n|---|---|---|---|---|---|")
    for step, runs in ours.items():
        seconds = middle([run.seconds for run in runs])
        bare = middle([run.seconds for run in theirs[step]])
        calls = runs[-1].calls
        listed = ", ".join(f"{number:,} {operation}" for operation, number in sorted(calls.items()))
        each = sum(calls.values()) / count
        print(
            f"| {step} | {seconds:.1f} s | {bare:.1f} s | {seconds / bare:.1f} | {max(run.resident_mb for run in runs):.0f} MB "
            f"| {each:.2f} a group: {listed} |",
            flush=True,
        )
    print()


def life(workspace: Workspace, simulator: Simulator | None) -> dict[str, list[Measured]]:
    """Everything that is done to a configuration, several times."""
    found: dict[str, list[Measured]] = {}

    def take(step: str, run: Callable[[], Running]) -> None:
        found.setdefault(step, []).append(measure(run, simulator))

    for _ in range(RUNS):
        take("plan of new groups", lambda: workspace.start("plan", *QUIET))
        take("apply of new groups", lambda: workspace.start("apply", *QUIET, "-auto-approve"))
        take("plan without a change", lambda: workspace.start("plan", *QUIET))
        take("destroy", lambda: workspace.start("destroy", *QUIET, "-auto-approve"))
    return found


QUIET = ("-no-color", "-input=false")


def measure(run: Callable[[], Running], simulator: Simulator | None) -> Measured:
    before = Counter(simulator.counts() if simulator else {})
    began = time.perf_counter()
    running = run()
    most = Most(running.group)
    running.wait(LONGEST_SECONDS).expect(0)
    seconds = time.perf_counter() - began
    after = Counter(simulator.counts() if simulator else {})
    return Measured(seconds, most.end(), after - before)


class Most:
    """The most memory that a provider of a process group has had resident."""

    def __init__(self, group: int) -> None:
        self._group = group
        self._over = threading.Event()
        self._most = 0.0
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        known: int | None = None
        while not self._over.wait(LOOK_SECONDS):
            if known is None or not Path(f"/proc/{known}").exists():
                known = next((process.pid for process in processes.providers(self._group)), None)
            if known is not None:
                self._most = max(self._most, resident_mb(known))

    def end(self) -> float:
        self._over.set()
        self._thread.join()
        return self._most


def resident_mb(pid: int) -> float:
    """The most that a process has had resident until now; nothing when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0


def fleet(folder: Path, count: int) -> Path:
    """One account with so many servers."""
    path = folder / "fleet.yaml"
    servers = "".join(f"          - {{ hostname: server-{number:04} }}\n" for number in range(count))
    path.write_text(
        f'accounts:\n  - id: "111122223333"\n    regions:\n      - name: {REGION}\n        servers:\n{servers}'
    )
    return path


def provider(simulator: Simulator) -> str:
    """The provider as it is with AWS: it carries no simulated world."""
    endpoints = dict.fromkeys(("drs", "dynamodb", "ec2", "sts", "servicequotas"), simulator.process["endpoint"])
    given = {"region": REGION, "environment": ENVIRONMENT, "create_tables": True, "endpoints": endpoints}
    return TERRAFORM + block("provider", "drs", **given)


def groups(simulator: Simulator, count: int) -> str:
    ids = [server["sourceServerID"] for _, server in sorted(simulator.servers.items())]
    assert len(ids) == count, f"{len(ids)} servers"
    return f"locals {{\n  ids = {ids}\n}}\n".replace("'", '"') + resource(
        "drs_protection_group",
        "all",
        count=count,
        name=Expression('"group-${count.index}"'),
        source_server_ids=Expression("[local.ids[count.index]]"),
    )


def middle(figures: list[float] | tuple[float, ...]) -> float:
    return statistics.median(figures)


if __name__ == "__main__":
    main()
