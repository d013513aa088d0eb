"""A store that is served beside the function: who is who in it is up to the test, and so is what the function is asked.

The store has a plan over two accounts with hooks, checks and a notice, and one over a single server. Nothing runs in its state
machine: a test asks the function in its place.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from acceptance.configuration import Expression, group, plan, resource, wave
from acceptance.host import HOSTS, Workspace
from acceptance.simulator import ENVIRONMENT, REGION, Simulator
from acceptance.waiting import until

from .cloud import SIMULATED
from .function import Function
from .test_runners import BINARIES

ACCOUNT, OTHER = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{OTHER}:role/dr"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:disaster-recovery"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:drills"
KEY = "AKIAFUNCTION00000000"
LEDGER = "s-1edce000000000001"
FLEET = {
    "settings": {"shorten": 120},
    "accounts": [
        {
            "id": ACCOUNT,
            "regions": [
                {
                    "name": REGION,
                    "servers": [{"hostname": "db-1"}],
                    "functions": [{"name": "shop-smoke-test"}],
                    "documents": [{"name": "Shop-Failover"}],
                    "topics": [{"name": "disaster-recovery"}],
                    "state_machines": [{"name": "drills"}],
                }
            ],
        },
        {"id": OTHER, "regions": [{"name": REGION, "servers": [{"hostname": "ledger-1", "id": LEDGER}]}]},
    ],
}
RUNNER = {"DRS_FUNCTION": "runner", "DRS_ALLOWED_MODES": "DRILL", "DRS_STATE_MACHINES": MACHINE}


class Place:
    """A copy of a store, and the function beside it."""

    def __init__(self, store: Path, path: Path, key: str = f"AKIASIM0{ACCOUNT}", options: tuple[str, ...] = ()) -> None:
        shutil.copytree(store, path / "simulator")
        self.path = path
        # Of the function.
        self.key = key
        self.simulator = Simulator(path / "simulator", BINARIES, fleet=None, speed=1, options=options)
        self.answers: list[dict] = []

    def variables(self, key: str) -> dict[str, str]:
        endpoints = {f"AWS_ENDPOINT_URL_{name}": self.simulator.process["endpoint"] for name in (*SIMULATED, "SFN")}
        return endpoints | {
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": "not-verified",
            "AWS_EC2_METADATA_DISABLED": "true",
            "DRS_ENVIRONMENT": ENVIRONMENT,
            "HOME": str(self.path),
        }

    def drsctl(self, *arguments: str) -> subprocess.Popen:
        """drsctl as somebody who may do everything."""
        return subprocess.Popen(
            [BINARIES / "drsctl", *arguments],
            env=self.variables(f"AKIASIM0{ACCOUNT}"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @contextmanager
    def function(self, **variables: str) -> Iterator[Callable[[dict], dict]]:
        """The function, by what it answers to an event."""
        function = Function(BINARIES / "bootstrap", self.variables(self.key) | variables, self.log)

        def ask(event: dict) -> dict:
            self.answers.append(function.ask(event))
            return self.answers[-1]

        try:
            yield ask
        finally:
            function.stop()

    @property
    def log(self) -> Path:
        return self.path / "function.log"

    def start(self, plan: str, *options: str) -> dict:
        """Begins a drill that is given to the state machine; what the machine's run would ask the function, but for what."""
        hosted = ("--runner", "step-functions", "--state-machine", MACHINE)
        started = self.drsctl("start", plan, "--reason", "r", *options, *hosted)
        begun = until("the run of the machine", self.begun)
        started.kill()
        started.wait()
        return {"execution_id": begun["execution_id"], "run": begun["run"], "state_machine": MACHINE}

    def resume(self, execution: str) -> None:
        """Lets a drill go on that is paused. drsctl would follow it."""
        resuming = self.drsctl("resume", execution, "--reason", "r")
        until("the wish", lambda: "ResumeRequested" in [event["type"] for event in self.events()])
        resuming.kill()
        resuming.wait()

    def begun(self) -> dict | None:
        """What the run was begun with that was begun first."""
        calls = self.simulator.admin("GET", "/calls")["calls"]
        begun = [call["input"] for call in calls if call["operation"] == "states:StartExecution"]
        return json.loads(begun[0]["input"]) if begun else None

    def events(self) -> list[dict]:
        """Every event of the history."""
        return [json.loads(item["Event"])["event"] for item in self.simulator.items("execution-history") if "Event" in item]


def prepared(path: Path, speed: float | None = 1) -> Simulator:
    """A simulator that serves a new store."""
    fleet = path / "fleet.yaml"
    # JSON is YAML.
    fleet.write_text(json.dumps(FLEET))
    simulator = Simulator(path / "simulator", BINARIES, fleet=fleet, speed=speed)
    assert simulator.process
    return simulator


def declare(simulator: Simulator, path: Path) -> None:
    workspace = Workspace(HOSTS["path"](), path / "terraform", BINARIES)
    checks = {"ssm_document": "AWS-RunShellScript", "lambda_function": "shop-smoke-test"}
    hooks = {
        "before_hooks": [{"name": "announce", "automation_document": "Shop-Failover"}],
        "after_hooks": [{"name": "smoke", "lambda_function": "shop-smoke-test"}],
    }
    workspace.write(
        simulator.provider(simulator={"path": str(simulator.directory)}),
        resource("drs_target_account", "other", account_id=OTHER, regions=[REGION], role_arn=ROLE),
        group("database", source_server_ids=simulator.ids("db-1")),
        group("ledger", account_id=Expression("drs_target_account.other.id"), source_server_ids=[LEDGER]),
        plan(
            "both",
            wave("database", "database", checks=checks, **hooks),
            wave("ledger", "ledger", pause_before=True),
            notifications={"topic_arns": [TOPIC]},
        ),
        plan("alone", wave("database", "database")),
    )
    workspace.run("apply", "-auto-approve", "-no-color").expect()
