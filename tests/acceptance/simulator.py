"""The simulated AWS of a test.

The provider embeds a simulator over a folder. A second process, `drsctl simulator`, serves the same folder: the store is
shared, so what its admin API scripts (a fault, a held answer) meets the provider's calls, and what the provider launched is
counted here. The AWS side of the second process is how a test plays somebody else who changes things.
"""

import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from .configuration import TERRAFORM, block
from .waiting import SOON_SECONDS, until

REGION = "us-east-1"
ENVIRONMENT = "acceptance"
# World seconds per wall second. Jobs are shortened, too (see the fleet), so a drill is over in a second or two, and no time
# limit of a wave, a hook or a check is shorter than a busy machine may sleep.
SPEED = 300
FLEET = Path(__file__).parent / "world.yaml"
# Everything random in the simulated world comes from it, so ids of servers are the same in every run.
SEED = 7
SESSION = boto3.Session()
MAKING = threading.Lock()


@dataclass
class Simulator:
    """A simulated world in a folder."""

    directory: Path
    binaries: Path
    fleet: Path | None = FLEET
    # None stands still, until it is moved.
    speed: float | None = SPEED
    region: str = REGION
    account: str = "111122223333"
    # More of the second process's command line.
    options: tuple[str, ...] = ()
    _process: subprocess.Popen | None = field(default=None, repr=False)

    # Configuration.

    def provider(self, **attributes: Any) -> str:
        """The provider block that embeds it."""
        return TERRAFORM + block("provider", "drs", **self.settings(**attributes))

    def settings(self, **attributes: Any) -> dict[str, Any]:
        """What is in the provider block."""
        settings = {"path": str(self.directory), "speed": self.speed, "seed": SEED}
        if self.fleet:
            settings["fleet"] = str(self.fleet)
        given = {"region": self.region, "environment": ENVIRONMENT, "create_tables": True, "simulator": settings}
        return given | attributes

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which drsctl finds the same world and the same tables."""
        return {
            "DRS_SIMULATOR": str(self.directory),
            "DRS_ENVIRONMENT": ENVIRONMENT,
            "DRS_REGION": self.region,
        }

    # The second process.

    @cached_property
    def process(self) -> dict[str, Any]:
        """Starts the second process; what it says about itself."""
        arguments = [self.binaries / "drsctl", "simulator", "--json", "--admin-port", "0", "--directory", self.directory]
        arguments += ["--seed", str(SEED)]
        arguments += ["--speed", str(self.speed)] if self.speed else ["--manual-clock"]
        if self.fleet:
            arguments += ["--fleet", self.fleet]
        arguments += self.options
        log = self.directory.with_suffix(".log").open("w")
        self._process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self._process.stdout.readline()
        assert line, f"drsctl simulator did not start:\n{Path(log.name).read_text()}"
        return json.loads(line)

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def client(self, service: str, region: str | None = None, account: str | None = None) -> Any:
        """A boto3 client, as somebody else's; of the provider's Region and account unless others are named."""
        return self._boto(SESSION.client, service, region, account)

    def _boto(self, make: Callable[..., Any], service: str, region: str | None = None, account: str | None = None) -> Any:
        # boto3 reads its models once per session, and makes clients of one session one at a time.
        with MAKING:
            return make(
                service,
                region_name=region or self.region,
                endpoint_url=self.process["endpoint"],
                aws_access_key_id=f"AKIASIM0{account or self.account}",
                aws_secret_access_key="not-verified",
            )

    def slow_down(self) -> None:
        """Fewer world hours in the half minute for which an owner must be silent, and jobs that are short all the same.

        Launches without outcome are settled sooner too: requests are refused from an age of a few seconds.
        """
        self.speed = 60
        self.command({"change_settings": {"shorten": 20.0, "signature_age_seconds": 8}})

    # Faults and holds.

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the admin API."""
        endpoint = self.process["admin_endpoint"]
        token = (self.directory / "admin-token").read_text().strip()
        request = urllib.request.Request(
            endpoint + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=SOON_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def inject(self, operation: str, fault: Any, *, times: int = 1, skip: int = 0) -> None:
        """Scripts what goes wrong with coming calls of an operation."""
        self.admin("POST", "/faults", {"operation": operation, "fault": fault, "times": times, "skip": skip})

    def clear_faults(self) -> None:
        self.admin("POST", "/faults/clear", {})

    def faults(self) -> list[dict]:
        return self.admin("GET", "/faults")["faults"]

    def command(self, command: Any) -> Any:
        """A command to the world."""
        return self.admin("POST", "/world", command)

    @property
    def place(self) -> dict[str, str]:
        return {"account_id": self.account, "region": self.region}

    def hold(self, operation: str) -> None:
        """The next call of an operation has its effect, and is not answered until it is released."""
        self.inject(operation, "hold")

    def wait_for_hold(self, operation: str, seconds: float = SOON_SECONDS) -> int:
        """The number of the held call of an operation, once there is one."""

        def look() -> int | None:
            holds = self.admin("GET", "/holds")["holds"]
            return next((hold["id"] for hold in holds if hold["operation"] == operation), None)

        return until(f"a held call of {operation}", look, seconds)

    def release(self, hold: int | None = None) -> None:
        self.admin("POST", "/holds/release", {} if hold is None else {"id": hold})

    def step_until(self, operation: str, reached: Callable[[], bool], seconds: float = SOON_SECONDS) -> int:
        """Lets calls of an operation through one at a time until `reached`; the last one stays held.

        The condition is looked at while the call is held, when its effect is there and nobody knows yet.
        """
        deadline = time.monotonic() + seconds
        self.hold(operation)
        while True:
            number = self.wait_for_hold(operation, max(deadline - time.monotonic(), 0.1))
            if reached():
                return number
            # The next call is held before this one is answered, so none slips through.
            self.hold(operation)
            self.release(number)

    # What the world knows.

    def counts(self) -> dict[str, int]:
        """How often each operation was called."""
        return self.admin("GET", "/counts")["counts"]

    def callers(self) -> dict[str, dict[str, int]]:
        """The same by who called."""
        return self.admin("GET", "/callers")["callers"]

    def accepted(self) -> list[dict]:
        """Every launch that DRS accepted."""
        return self.admin("GET", "/launches")["launches"]

    def launches(self) -> dict[str, int]:
        """How often each server of the provider's account was launched, by host name."""
        names = {server["sourceServerID"]: name for name, server in self.servers.items()}
        own = [launch for launch in self.accepted() if launch["account_id"] == self.account]
        return dict(Counter(names[server] for launch in own for server in launch["servers"]))

    @cached_property
    def servers(self) -> dict[str, dict]:
        """The source servers of the Region, by host name."""
        pages = self.client("drs").get_paginator("describe_source_servers").paginate()
        found = [server for page in pages for server in page["items"]]
        return {server["sourceProperties"]["identificationHints"]["hostname"]: server for server in found}

    def ids(self, *hostnames: str) -> list[str]:
        """The ids of source servers."""
        return [self.servers[name]["sourceServerID"] for name in hostnames]

    def instances(self) -> list[dict]:
        """Recovery instances that are there."""
        items = self.client("drs").describe_recovery_instances()["items"]
        return [item for item in items if item["ec2InstanceState"] not in ("TERMINATED", "NOT_FOUND")]

    def terminate_instances(self) -> None:
        """Somebody terminates every recovery instance in EC2."""
        for instance in self.instances():
            self.command({"terminate_instance": {"place": self.place, "instance": instance["ec2InstanceID"]}})

    # What is stored.

    def table(self, name: str, environment: str = ENVIRONMENT) -> Any:
        """A DynamoDB table of an environment, e.g. `recovery-plans`."""
        resource = self._boto(SESSION.resource, "dynamodb")
        return resource.Table(f"{name}-{environment}")

    def items(self, name: str, environment: str = ENVIRONMENT) -> list[dict]:
        """Every item of a table; nothing while there is no table."""
        table = self.table(name, environment)
        try:
            return table.scan(ConsistentRead=True)["Items"]
        except table.meta.client.exceptions.ResourceNotFoundException:
            return []

    def groups(self, environment: str = ENVIRONMENT) -> list[dict]:
        return [item for item in self.items("protection-groups", environment) if "GroupName" in item]

    def plans(self) -> list[dict]:
        return [item for item in self.items("recovery-plans") if "PlanName" in item]

    def history(self) -> list[dict]:
        """The recorded events of all executions, in order."""
        recorded = [json.loads(item["Event"]) for item in self.items("execution-history") if "Event" in item]
        # Events of one execution may carry the same time; their numbers go on.
        return sorted(recorded, key=lambda it: (datetime.fromisoformat(it["now"]["wall"]), it["seq"]))

    def events(self) -> list[str]:
        """The names of the recorded events of all executions, in order."""
        return [recorded["event"]["type"] for recorded in self.history()]

    def has_event(self, name: str, times: int = 1) -> bool:
        return self.events().count(name) >= times

    def update_item(self, table: str, key: dict, attribute: str, value: Any) -> None:
        """Somebody changes one attribute of an item by another path."""
        self.table(table).update_item(
            Key=key,
            UpdateExpression="SET #attribute = :value",
            ExpressionAttributeNames={"#attribute": attribute},
            ExpressionAttributeValues={":value": value},
        )

    def delete_group(self, group_id: str) -> None:
        """Somebody deletes a group by another path, with the claims that it holds."""
        self._delete("protection-groups", "Id", group_id)

    def delete_plan(self, plan_id: str) -> None:
        """Somebody deletes a plan by another path, with the claim to its name."""
        self._delete("recovery-plans", "PlanId", plan_id)

    def _delete(self, table: str, key: str, owner: str) -> None:
        for item in self.items(table):
            if owner in (item[key], item.get("Owner")):
                self.table(table).delete_item(Key={key: item[key]})

