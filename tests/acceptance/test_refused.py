"""The whole of AWS refuses connections for a while, once for every operation that we call: nothing about the outcome changes.

The provider reaches the simulator through a door, as it would reach AWS, so time is the wall's and a drill takes as long as
its polls. Both hosts are played at the same time.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from .configuration import TERRAFORM, Expression, block, data, drill, group, output, plan, wave
from .conftest import folder
from .door import Door
from .host import HOSTS, Workspace
from .simulator import ENVIRONMENT, REGION, Simulator
from .test_faults import BESIDE, FROM, GUARDED, LEDGER, OPERATIONS
from .test_kill import WRITE
from .waiting import until

# A StartRecovery that is cut has an unknown outcome, which is another test; here it must not get through at all.
# What happens to its connection is told by the provider's log, the door's count and the history.
AT_THE_DOOR = [name for name in OPERATIONS if name != "StartRecovery"]
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIASIM0111122223333", "AWS_SECRET_ACCESS_KEY": "not-verified"}


def life(host: str, path: Path, binaries: Path, stack: ExitStack) -> dict:
    """Everything once, with a door that shuts for every operation; what came of it."""
    simulator = Simulator(path / "simulator", binaries, speed=1)
    stack.callback(simulator.stop)
    simulator.command({"change_settings": {"shorten": 1000.0}})
    simulator.command({"script_launches": {"place": simulator.place, "server": "web-2", "faults": [{"phase": "launch"}]}})
    ids = simulator.ids("web-1", "web-2")
    door = Door(simulator.process["endpoint"])
    stack.callback(door.close)
    log = path / "provider.log"
    logged = {"TF_LOG_PROVIDER": "warn", "TF_LOG_PATH": str(log)}
    workspace = Workspace(HOSTS[host](), path / "workspace", binaries, CREDENTIALS | logged)
    stack.callback(workspace.leftovers)
    services = ("drs", "dynamodb", "ec2", "sts", "servicequotas", "lambda", "ssm", "sns")
    endpoints = dict.fromkeys(services, door.endpoint)
    given = {"region": REGION, "environment": ENVIRONMENT, "create_tables": True, "endpoints": endpoints}
    workspace.write(
        TERRAFORM + block("provider", "drs", **given),
        group("web", source_server_ids=ids),
        *LEDGER,
        plan("shop", wave("web", "web", "ledger", **BESIDE), **GUARDED),
        drill("quarterly", "shop", fail_on_unsuccessful=False, **FROM),
        data("drs_execution", "last", id=Expression("drs_drill_execution.quarterly.id")),
        output("statuses", "{ for s in drs_drill_execution.quarterly.servers : s.hostname => s.status }"),
    )
    door.refuse_next(*AT_THE_DOOR)
    # One after another: a call that waits for a door that opens must not meet another that is shut for its neighbour.
    running = workspace.start_apply("-parallelism=1")
    # The intent to launch is written, and the call that it announces meets a shut door.
    held = simulator.step_until(WRITE, lambda: simulator.has_event("LaunchIntended"), 120)
    door.shut()
    simulator.release(held)
    # Nobody listens, so only the caller can tell; its history has to wait until the door is open again.
    until("a refused launch", lambda: has_met_a_shut_door(log))
    let_in = door.let_in.count("StartRecovery")
    door.open()
    running.wait().expect(0)
    outputs = workspace.outputs()
    workspace.destroy()
    return {
        "statuses": outputs["statuses"],
        "launches": simulator.launches(),
        "left": simulator.instances(),
        "never_refused": sorted(set(AT_THE_DOOR) - set(door.refused)),
        "launches_let_in": (let_in, door.let_in.count("StartRecovery")),
        "launches_told": outcomes(simulator),
    }


def has_met_a_shut_door(log: Path) -> bool:
    """Whether the provider says that its connection for a launch was refused."""
    return log.exists() and any("StartRecovery" in line and "refused" in line for line in log.read_text().splitlines())


def outcomes(simulator: Simulator) -> list[tuple[str, str | None]]:
    """What became of each call that launches, as the history says, with the error code where there is one."""
    events = [recorded["event"] for recorded in simulator.history()]
    return [(event["type"], event.get("code")) for event in events if event["type"] in OUTCOMES]


OUTCOMES = {"LaunchAccepted", "LaunchRefused", "LaunchUnknown"}


@pytest.fixture(scope="module")
def lives(request: pytest.FixtureRequest, binaries: Path) -> Iterator[dict[str, "Future[dict]"]]:
    """The lives of all hosts that are going to be tested."""
    tests = [item for item in request.session.items if item.function is test_refused_connections_change_nothing]
    hosts = [item.callspec.params["name"] for item in tests]
    with ExitStack() as stack:
        paths = {host: stack.enter_context(folder()) for host in hosts}
        with ThreadPoolExecutor(len(hosts)) as pool:
            yield {host: pool.submit(life, host, paths[host], binaries, stack) for host in hosts}


@pytest.mark.parametrize("name", HOSTS)
def test_refused_connections_change_nothing(name: str, lives: dict) -> None:
    assert lives[name].result() == {
        "statuses": {"ledger-1": "LAUNCHED", "web-1": "LAUNCHED", "web-2": "FAILED"},
        "launches": {"web-1": 1, "web-2": 1},
        "left": [],
        "never_refused": [],
        # One for each account. None while the door was shut, all afterwards: the first calls were refused, and said to be so.
        "launches_let_in": (0, 2),
        "launches_told": [*[("LaunchRefused", "Unreachable")] * 2, *[("LaunchAccepted", None)] * 2],
    }
