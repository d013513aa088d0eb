"""A cloud of two parts: our simulator for DRS and the tables, and ministack for Lambda and Step Functions.

ministack runs our function as it is built, from a zip, and our state machine as `drsctl state-machine` prints it, in real
time. The function reaches the simulator by the variables that every program of ours reads. What is asserted is what the
simulator saw and what the history says; that a run of the machine succeeded proves nothing.
"""

import io
import json
import os
import subprocess
import uuid
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from acceptance.simulator import ENVIRONMENT, REGION, Simulator
from acceptance.waiting import until
from emulator import Ministack

# Job phases of minutes take seconds, and a status check passes at once.
SHORTEN = 60.0
# After so many a machine goes on as a new run.
TURNS = 1500
# Whatever runs in real time here is over well before.
RUN_SECONDS = 240.0


@dataclass
class Cloud:
    """A simulated account whose executions may be driven by a state machine."""

    simulator: Simulator
    ministack: Ministack
    folder: Path
    machines: dict[str, str] = field(default_factory=dict)

    # What is in it.

    def client(self, service: str) -> Any:
        """A client of ministack."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.ministack.endpoint,
            # What ministack takes for the account; it hands the same to the function.
            aws_access_key_id=self.simulator.account,
            aws_secret_access_key="not-verified",
        )

    def add_machine(self, name: str, modes: str = "DRILL", turns: int = TURNS, **variables: str) -> str:
        """A function, and a state machine that calls it; the ARN of the machine. It goes on as a new run after some turns."""
        machine = f"arn:aws:states:{REGION}:{self.simulator.account}:stateMachine:{name}"
        given = {"DRS_FUNCTION": "runner", "DRS_ALLOWED_MODES": modes, "DRS_STATE_MACHINES": machine}
        return self.add_machine_for(name, self.add_function(name, **given | variables), turns)

    def add_machine_for(self, name: str, function: str, turns: int = TURNS) -> str:
        """A state machine that calls a function."""
        machine = f"arn:aws:states:{REGION}:{self.simulator.account}:stateMachine:{name}"
        definition = self.drsctl("state-machine", "--function", function).stdout
        assert definition.count(f"$turns >= {TURNS}") == 1
        made = self.client("stepfunctions").create_state_machine(
            name=name,
            definition=definition.replace(f"$turns >= {TURNS}", f"$turns >= {turns}"),
            roleArn=f"arn:aws:iam::{self.simulator.account}:role/machine",
            type="STANDARD",
        )
        assert made["stateMachineArn"] == machine
        return machine

    def add_function(self, name: str, **variables: str) -> str:
        """Our function under a name; its ARN."""
        made = self.client("lambda").create_function(
            FunctionName=name,
            Runtime="provided.al2023",
            Handler="bootstrap",
            Role=f"arn:aws:iam::{self.simulator.account}:role/function",
            Code={"ZipFile": self.package.read_bytes()},
            Timeout=60,
            Environment={"Variables": self.variables | variables},
        )
        return made["FunctionArn"]

    def add_stranger(self, source: str) -> str:
        """A function of somebody else's, in Python; its ARN."""
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("other.py", source)
        client = self.client("lambda")
        name = f"stranger-{uuid.uuid4()}"
        made = client.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Handler="other.answer",
            Role=f"arn:aws:iam::{self.simulator.account}:role/function",
            Code={"ZipFile": package.getvalue()},
        )
        return made["FunctionArn"]

    @property
    def package(self) -> Path:
        """The function's zip; it is stored, for packing takes longer than everything else."""
        package = self.folder / "bootstrap.zip"
        if not package.exists():
            slim = self.folder / "bootstrap"
            subprocess.run(["strip", "-o", slim, self.simulator.binaries / "bootstrap"], check=True)
            with zipfile.ZipFile(package, "w", zipfile.ZIP_STORED) as archive:
                archive.write(slim, "bootstrap")
        return package

    @property
    def variables(self) -> dict[str, str]:
        """How programs of ours find the simulator, and Step Functions."""
        return {
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self.simulator.account,
            "AWS_SECRET_ACCESS_KEY": "not-verified",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_SFN": self.ministack.endpoint,
            "DRS_ENVIRONMENT": ENVIRONMENT,
        } | {f"AWS_ENDPOINT_URL_{name}": self.simulator.process["endpoint"] for name in SIMULATED}

    # What is done to it.

    def drsctl(self, *arguments: str, expect: int | None = 0, seconds: float = RUN_SECONDS) -> subprocess.CompletedProcess:
        """drsctl to its end."""
        ran = self.begin(*arguments)
        out, err = ran.communicate(timeout=seconds)
        finished = subprocess.CompletedProcess(arguments, ran.returncode, out, err)
        if expect is not None:
            assert ran.returncode == expect, f"drsctl {' '.join(arguments)}: {ran.returncode}\n{out}\n{err}"
        return finished

    def begin(self, *arguments: str) -> subprocess.Popen:
        """drsctl, which goes on while the test does something else."""
        return subprocess.Popen(
            [self.simulator.binaries / "drsctl", *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)} | self.variables,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    # What happened in it.

    def executions(self, plan: str) -> list[str]:
        """The ids of a plan's executions, the newest first."""
        listed = json.loads(self.drsctl("list", "--plan", plan, "--output", "json").stdout)
        return [execution["execution_id"] for execution in listed["executions"]]

    def history(self, execution: str) -> list[dict]:
        """The recorded events of an execution."""
        items = self.simulator.items("execution-history")
        events = [json.loads(item["Event"]) for item in items if item["ExecutionId"] == execution and "Event" in item]
        return sorted(events, key=lambda event: event["seq"])

    def await_event(self, execution: str, name: str, seconds: float = RUN_SECONDS) -> dict:
        """An event, once it is in the history."""

        def look() -> dict | None:
            return next((event for event in self.history(execution) if event["event"]["type"] == name), None)

        return until(f"{name} of {execution}", look, seconds)

    def runs(self, machine: str) -> list[dict]:
        """The runs of a state machine."""
        return self.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]


SIMULATED = ("DRS", "DYNAMODB", "EC2", "STS", "SERVICE_QUOTAS", "LAMBDA", "SSM", "SNS")
