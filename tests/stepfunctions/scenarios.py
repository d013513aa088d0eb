"""Scenarios that end in the same history, whoever drives: one table for both runners.

Each has its own simulator, so that nothing of one is seen by another. One server is launched at a time, so that what is
seen together does not depend on when somebody looks.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from acceptance.configuration import group, plan, wave
from acceptance.host import HOSTS, Workspace
from acceptance.simulator import Simulator

from .cloud import Cloud

PLAN = "shop"
# Two servers that come up, and one whose launch fails for want of capacity.
FLEET = {
    "accounts": [
        {
            "id": "111122223333",
            "regions": [
                {
                    "name": "us-east-1",
                    "servers": [
                        {"hostname": "db-1"},
                        {"hostname": "web-1"},
                        {"hostname": "broken-1", "faults": [{"phase": "capacity"}] * 9},
                    ],
                }
            ],
        }
    ]
}


@dataclass(frozen=True)
class Scenario:
    """What is run, what somebody does meanwhile, and how it ends."""

    name: str
    status: str
    # The attributes of the second wave, and its servers.
    wave: dict
    servers: tuple[str, ...] = ("web-1",)
    meddle: Callable[[Cloud, str], None] = lambda cloud, execution: None
    prepare: Callable[[Simulator], None] = lambda simulator: None
    # Whether a process begins and dies, the runner takes over, is ended too, and a process brings it to its end.
    changes_hands: bool = False
    # What the simulator must have been asked to launch, by host name.
    launched: tuple[str, ...] = ("db-1", "web-1")


def resumes(cloud: Cloud, execution: str) -> None:
    cloud.await_event(execution, "WavePaused")
    cloud.drsctl("resume", execution, "--reason", "approved")


def cancels_while_running(cloud: Cloud, execution: str) -> None:
    cloud.await_event(execution, "LaunchAccepted")
    cloud.drsctl("cancel", execution, "--reason", "enough", expect=None)


def cancels_while_paused(cloud: Cloud, execution: str) -> None:
    cloud.await_event(execution, "WavePaused")
    cloud.drsctl("cancel", execution, "--reason", "enough", expect=None)


def throttles(simulator: Simulator) -> None:
    for operation in ("StartRecovery", "DescribeJobs", "DescribeRecoveryInstances", "dynamodb:TransactWriteItems"):
        simulator.inject(operation, {"throttle": {}}, times=2, skip=1)


def loses_the_answer(simulator: Simulator) -> None:
    simulator.inject("StartRecovery", "lost_answer")


SCENARIOS = [
    Scenario("success", "COMPLETED", {}),
    Scenario(
        "partial failure",
        "PARTIAL",
        {"on_failure": "continue", "min_success_percent": 50, "launch_order": "SEQUENTIAL"},
        servers=("broken-1", "web-1"),
        launched=("db-1", "broken-1", "web-1"),
    ),
    Scenario("pause and resume", "COMPLETED", {"pause_before": True}, meddle=resumes),
    Scenario("cancel while running", "CANCELLED", {}, meddle=cancels_while_running, launched=("db-1",)),
    Scenario("cancel while paused", "CANCELLED", {"pause_before": True}, meddle=cancels_while_paused, launched=("db-1",)),
    Scenario("throttling", "COMPLETED", {}, prepare=throttles),
    Scenario("lost launch answer", "COMPLETED", {}, prepare=loses_the_answer),
    Scenario("takeover and back", "COMPLETED", {}, changes_hands=True),
]


def build(scenario: Scenario, folder: Path, binaries: Path) -> Simulator:
    """A simulator with the scenario's plan; Terraform has made it."""
    fleet = folder / "fleet.yaml"
    # JSON is YAML.
    fleet.write_text(json.dumps(FLEET))
    simulator = Simulator(folder / "simulator", binaries, fleet=fleet, speed=1)
    workspace = Workspace(HOSTS["path"](), folder / "terraform", binaries)
    workspace.write(
        simulator.provider(),
        group("database", source_server_ids=simulator.ids("db-1")),
        group("web", source_server_ids=simulator.ids(*scenario.servers)),
        plan(PLAN, wave("database", "database"), wave("web", "web", **scenario.wave)),
    )
    workspace.run("apply", "-auto-approve", "-no-color").expect()
    return simulator
