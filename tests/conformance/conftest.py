"""Starts simulators for the conformance tests, which drive them with boto3, the AWS CLI and raw sockets only."""

import json
import os
import pathlib
import select
import signal
import subprocess
import urllib.error
import urllib.request

import boto3
import botocore.config
import botocore.session
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARIES = ["target/debug/examples/serve", "target/release/examples/serve"]
START_SECONDS = 20
ACCOUNT = "111122223333"
REGION = "us-east-1"

# One session for all clients: the models are large, and it reads each of them once.
SESSION = boto3.Session(botocore_session=botocore.session.Session())


def binary():
    """The simulator. That it is missing is a failure, never a reason to skip."""
    named = os.environ.get("DRS_SIMULATOR_BIN")
    candidates = [pathlib.Path(named)] if named else [ROOT / name for name in BINARIES]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    looked = ", ".join(str(candidate) for candidate in candidates)
    pytest.fail(f"no simulator at {looked}; build it with: cargo build -p drs-simulator --example serve")


class Simulator:
    """One simulator process."""

    def __init__(self, directory, *, fleet=None, seed=None, speed=None, manual=True):
        directory = pathlib.Path(directory)
        self.directory = directory
        self.clients = {}
        path = binary()
        command = [str(path), "--directory", str(directory)]
        if path.name == "drsctl":
            command[1:1] = ["simulator", "--json", "--admin-port", "0"]
        if fleet is not None:
            # JSON is YAML.
            path = directory.parent / f"{directory.name}.fleet.yaml"
            path.write_text(json.dumps(fleet))
            command += ["--fleet", str(path)]
        if seed is not None:
            command += ["--seed", str(seed)]
        if speed is not None:
            command += ["--speed", str(speed)]
        if manual:
            command += ["--manual"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.where = self._read_line(command)
        self.endpoint = self.where["endpoint"]
        self.region = self.where["region"]
        self.token = pathlib.Path(self.where["admin_token_path"]).read_text().strip()

    def _read_line(self, command):
        ready, _, _ = select.select([self.process.stdout], [], [], START_SECONDS)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.process.kill()
            _, errors = self.process.communicate()
            raise RuntimeError(f"{' '.join(command)} did not start: {errors}")
        return json.loads(line)

    def client(self, service, *, region=None, account=ACCOUNT, attempts=1, validate=True, **credentials):
        """A boto3 client. Without retries unless told, so that a test sees every answer."""
        key = (service, region, account, attempts, validate)
        if not credentials and key in self.clients:
            return self.clients[key]
        config = botocore.config.Config(
            retries={"total_max_attempts": attempts, "mode": "standard"},
            parameter_validation=validate,
            connect_timeout=10,
            read_timeout=20,
        )
        keys = {"aws_access_key_id": f"AKIASIM0{account}", "aws_secret_access_key": "not-verified"}
        client = SESSION.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region or self.region,
            config=config,
            **(credentials or keys),
        )
        if not credentials:
            self.clients[key] = client
        return client

    def drs(self, **options):
        return self.client("drs", **options)

    def admin(self, method, path, body=None):
        """A request to the admin API; what it answers."""
        request = urllib.request.Request(self.where["admin_endpoint"] + path, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, data, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def advance(self, seconds):
        """Moves the world's clock."""
        self.admin("POST", "/clock", {"advance_seconds": seconds})

    def fault(self, operation, fault, **options):
        """Scripts a fault for the next call of an operation."""
        self.admin("POST", "/faults", {"operation": operation, "fault": fault, **options})

    def kill(self):
        """SIGKILL, at once."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture
def start(tmp_path):
    """Starts simulators and kills them at the end of the test."""
    running = []

    def start_one(name="store", **options):
        simulator = Simulator(tmp_path / name, **options)
        running.append(simulator)
        return simulator

    yield start_one
    for simulator in running:
        simulator.kill()


@pytest.fixture
def simulator(start):
    """A simulator of the built-in fleet, whose clock stands still."""
    return start(seed=7)
