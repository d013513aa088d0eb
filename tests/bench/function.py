"""What the function of a state machine takes: `make bench-function` prints this table.

The release build of the function is asked for the turns of one drill, as Lambda and a state machine would ask, against a
simulator in a process of its own. No call goes further than this machine, so the times are the function's own: what AWS takes
to answer comes on top, once for each of the calls that are counted. Jobs are shortened, so there are fewer turns than in life;
docs/guides/cost-and-limits.md has their number from runs in virtual time.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from tests.acceptance.configuration import group, plan, wave
from tests.acceptance.host import HOSTS, Workspace
from tests.acceptance.simulator import ENVIRONMENT, REGION, Simulator
from tests.acceptance.waiting import until
from tests.stepfunctions.function import Function

ACCOUNT = "111122223333"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:drills"
SERVICES = ("DRS", "DYNAMODB", "EC2", "STS", "SERVICE_QUOTAS", "LAMBDA", "SSM", "SNS", "SFN")
# Servers, and waves of them.
SIZES = ((10, 1), (100, 2), (1000, 10))
SHORTEN = 60
LONGEST_SECONDS = 1200.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", type=Path, required=True, help="folder of the function, the provider and drsctl")
    binaries = parser.parse_args().binaries.resolve()
    print("| servers | turns | median | 9 of 10 | longest | memory | DRS and EC2 calls a turn | DynamoDB calls a turn |")
    print("|---|---|---|---|---|---|---|---|")
    for servers, waves in SIZES:
        with tempfile.TemporaryDirectory(prefix="drs-") as folder:
            measure(Path(folder), binaries, servers, waves)


def measure(folder: Path, binaries: Path, servers: int, waves: int) -> None:
    simulator = Simulator(folder / "simulator", binaries, fleet=fleet(folder, servers), speed=1)
    try:
        declare(simulator, folder, binaries, servers, waves)
        variables = environment(simulator, folder)
        asked = start(simulator, binaries, variables)
        before = simulator.counts()
        runner = {"DRS_FUNCTION": "runner", "DRS_ALLOWED_MODES": "DRILL", "DRS_STATE_MACHINES": MACHINE}
        function = Function(binaries / "bootstrap", variables | runner, folder / "log")
        try:
            took = turns(function, asked)
            resident = function.resident_mb
        finally:
            function.stop()
        calls = {name: count - before.get(name, 0) for name, count in simulator.counts().items()}
        tables = sum(count for name, count in calls.items() if name.startswith("dynamodb:"))
        looks = sum(calls.values()) - tables
        figures = [statistics.median(took), statistics.quantiles(took, n=10, method="inclusive")[-1], max(took)]
        spans = " | ".join(f"{figure * 1e3:.0f} ms" for figure in figures)
        each = f"{looks / len(took):.1f} | {tables / len(took):.1f}"
        print(f"| {servers:,} (waves: {waves}) | {len(took)} | {spans} | {resident:.0f} MB | {each} |", flush=True)
    finally:
        simulator.stop()


def turns(function: Function, asked: dict) -> list[float]:
    """How long each turn took, until the drill is over."""
    took: list[float] = []
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        began = time.perf_counter()
        answer = function.ask({"ask": "turn"} | asked)
        took.append(time.perf_counter() - began)
        if answer.get("next") == "done":
            return took
        assert answer.get("next") == "wait", answer
        time.sleep(answer["seconds"])
    raise AssertionError("the drill does not end")


def start(simulator: Simulator, binaries: Path, variables: dict[str, str]) -> dict:
    """Begins the drill; what a run of the machine asks with."""
    hosted = ("--runner", "step-functions", "--state-machine", MACHINE)
    started = subprocess.Popen(
        [binaries / "drsctl", "start", "all", *hosted], env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def begun() -> dict | None:
        calls = simulator.admin("GET", "/calls")["calls"]
        runs = [call["input"] for call in calls if call["operation"] == "states:StartExecution"]
        return json.loads(runs[0]["input"]) if runs else None

    run = until("the run of the machine", begun)
    started.kill()
    started.wait()
    return {"execution_id": run["execution_id"], "run": run["run"], "state_machine": MACHINE}


def declare(simulator: Simulator, folder: Path, binaries: Path, servers: int, waves: int) -> None:
    ids = simulator.ids(*(f"server-{number:04}" for number in range(servers)))
    size = servers // waves
    names = [f"wave-{number}" for number in range(waves)]
    groups = [group(name, source_server_ids=ids[at * size : (at + 1) * size]) for at, name in enumerate(names)]
    workspace = Workspace(HOSTS["path"](), folder / "terraform", binaries)
    workspace.write(simulator.provider(), *groups, plan("all", *(wave(name, name) for name in names)))
    workspace.run("apply", "-auto-approve", "-no-color").expect()


def environment(simulator: Simulator, folder: Path) -> dict[str, str]:
    endpoints = {f"AWS_ENDPOINT_URL_{name}": simulator.process["endpoint"] for name in SERVICES}
    return endpoints | {
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": f"AKIASIM0{ACCOUNT}",
        "AWS_SECRET_ACCESS_KEY": "not-verified",
        "AWS_EC2_METADATA_DISABLED": "true",
        "DRS_ENVIRONMENT": ENVIRONMENT,
        "HOME": str(folder),
    }


def fleet(folder: Path, count: int) -> Path:
    """One account with so many servers and a state machine that runs nothing."""
    path = folder / "fleet.yaml"
    servers = [{"hostname": f"server-{number:04}"} for number in range(count)]
    region = {"name": REGION, "servers": servers, "state_machines": [{"name": "drills"}]}
    # JSON is YAML. A quota of vCPUs is no subject here.
    settings = {"shorten": SHORTEN, "quotas": {"standard_vcpus": 100_000}}
    path.write_text(json.dumps({"settings": settings, "accounts": [{"id": ACCOUNT, "regions": [region]}]}))
    return path


if __name__ == "__main__":
    main()
