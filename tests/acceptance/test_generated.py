"""Generated configurations through their life: what is planned is what is done, and a second plan is empty.

A seed makes a configuration and a change of it ([`generated`], [`generated_changes`]). It is applied, planned again, written in
another way, changed, imported and destroyed; drills launch exactly the servers that the configuration says, each once.

`SEEDS` is how many seeds are run, `SEED` where they begin. When one fails, its configurations and what Terraform said stay in
a folder that is printed with the command that runs it again.
"""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .configuration import Expression, block
from .generated import EMPTY_REGION, HOME, REGION, SPOKE, Configuration, World, generate, plain
from .generated_changes import CHANGES, KEEP_DIGESTS, change
from .generated_text import write
from .host import Workspace
from .simulator import Simulator

FIRST = int(os.environ.get("SEED", "1"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("SEEDS", "6")))
DRILL = "drs_drill_execution."
# World seconds per wall second, and how much shorter than life jobs are: an execution is over in seconds, and a limit of
# minutes is no blink of a busy machine.
SPEED, SHORTEN = 300, 20.0
# Seeds that are only generated.
MANY = 300
# What a drill carries from its start, so that an import has it; a change in place is not carried.
CARRIED = ("cleanup", "fail_on_unsuccessful", "max_lifetime", "timeouts")


@dataclass
class Executions:
    """What drills should have launched, and what of it should still be there."""

    world: World
    launches: Counter[str] = field(default_factory=Counter)
    # The execution whose instance of a server is the newest, by the server's host name.
    owners: dict[str, str] = field(default_factory=dict)
    # The attributes that drills were started with, by their executions.
    started: dict[str, dict[str, Any]] = field(default_factory=dict)

    def applied(self, made: Configuration, before: dict[str, dict], after: dict[str, dict]) -> None:
        """Takes down what an apply did, which the state alone tells, and holds it to the configuration."""
        old, new = ({values["id"]: values for values in drills(state).values()} for state in (before, after))
        begun = sorted(drills(after).items(), key=lambda drill: drill[1]["started_at"])
        for address, values in begun:
            if values["id"] in old:
                continue
            names = made.launched(made.drills[address.removeprefix(DRILL)].plan, self.world)
            assert [server["hostname"] for server in values["servers"]] == names, address
            assert {server["status"] for server in values["servers"]} == {"LAUNCHED"}, address
            assert values["status"] == "COMPLETED", f"{address}: {values['summary']}"
            self.launches.update(names)
            self.owners |= dict.fromkeys(names, values["id"])
            self.started[values["id"]] = values
        cleaned = [id_ for id_, values in old.items() if id_ not in new and values["cleanup"] != "never"]
        cleaned += [id_ for id_, values in new.items() if values["cleanup"] in ("always", "on_success")]
        self.owners = {name: owner for name, owner in self.owners.items() if owner not in cleaned}

    def holds(self, simulator: Simulator) -> None:
        """Whether the simulated world counts the same launches and instances."""
        names = {server.id: name for name, server in self.world.servers.items()}
        launched = [names[server] for launch in simulator.accepted() for server in launch["servers"]]
        assert Counter(launched) == self.launches
        there = [names[item["sourceServerID"]] for item in instances(simulator)]
        assert sorted(there) == sorted(self.owners), "an instance is there that should not be, or the other way round"


def drills(state: dict[str, dict]) -> dict[str, dict]:
    return {address: values for address, values in state.items() if address.startswith(DRILL)}


def instances(simulator: Simulator) -> list[dict]:
    """The recovery instances of both accounts that are there."""
    found = []
    for account, region in ((HOME, REGION), (HOME, EMPTY_REGION), (SPOKE, REGION)):
        items = simulator.client("drs", region, account).describe_recovery_instances()["items"]
        found += [item for item in items if item["ec2InstanceState"] not in ("TERMINATED", "NOT_FOUND")]
    return found


@dataclass
class Life:
    """One seed in one folder."""

    seed: int
    workspace: Workspace
    simulator: Simulator
    world: World
    executions: Executions
    # What the last apply left.
    now: dict[str, dict] = field(default_factory=dict)

    def write(self, name: str, made: Configuration, style: int, *more: str) -> None:
        """Writes a configuration, and keeps a copy of it for whoever looks for a fault."""
        tags = made.default_tags or None
        texts = [self.simulator.provider(default_tags=tags), *write(made, self.world, style), *more]
        steps = self.workspace.folder / "steps"
        steps.mkdir(exist_ok=True)
        (steps / f"{len(list(steps.iterdir())) + 1}_{name}.tf").write_text("\n".join(texts))
        self.workspace.write(*texts)

    def apply(self, name: str, made: Configuration, style: int) -> dict[str, dict]:
        """Applies a configuration: it is done as planned, and a second plan is empty."""
        self.write(name, made, style)
        self.workspace.apply()
        self.workspace.plans_nothing()
        self.workspace.plans_nothing("-refresh=false")
        before, self.now = self.now, self.state()
        self.executions.applied(made, before, self.now)
        self.executions.holds(self.simulator)
        runs_again_when_told(before, self.now)
        return self.now

    def state(self) -> dict[str, dict]:
        return {address: values for address, values in self.workspace.state().items() if address.startswith("drs_")}

    def imports(self, made: Configuration, style: int) -> None:
        """Imports everything into a state that has none of it: nothing is changed that could be known."""
        before = self.now
        self.workspace.run("state", "rm", *before)
        blocks = [block("import", to=Expression(address), id=values["id"]) for address, values in before.items()]
        self.write("import", made, style, *blocks)
        changed = [address for address, values in before.items() if self.is_not_told(values, made)]
        summary = f"{len(before)} imported, 0 added, {len(changed)} changed, 0 destroyed"
        finished = self.workspace.apply()
        assert summary in finished.flat, f"expected {summary}; {changed} cannot be known\n{finished}"
        assert self.state() == before

    def is_not_told(self, values: dict[str, Any], made: Configuration) -> bool:
        """Whether something of a resource cannot be told by what is stored of it."""
        started = self.executions.started.get(values["id"])
        if started:
            return any(values[name] != started[name] for name in CARRIED)
        own = values.get("tags")
        # Tags that are none, and those that the provider gives everything, are told apart by the configuration alone.
        return own is not None and (not own or own.items() & made.default_tags.items() != set())


def runs_again_when_told(before: dict[str, dict], after: dict[str, dict]) -> None:
    """A drill of which something changed that says which run it is, is another one."""
    for address, values in drills(after).items():
        old = before.get(address)
        if old and old["id"] == values["id"]:
            for name in ("recovery_plan_id", "triggers", "recovery_point_before", "recovery_snapshots"):
                assert values[name] == old[name], f"{name} of {address} changed, and it did not run again"


def keeps_digests(before: dict[str, dict], after: dict[str, dict]) -> None:
    """Plans and groups that are still there decide the same."""
    for address, values in after.items():
        old = before.get(address)
        if old and old["id"] == values["id"]:
            assert values.get("digest") == old.get("digest"), f"{address} has another digest"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_generated_configuration_through_its_life(seed: int, workspace: Workspace, simulator: Simulator) -> None:
    simulator.speed = SPEED
    simulator.command({"change_settings": {"shorten": SHORTEN}})
    world = World.of(simulator)
    first = generate(seed, world)
    names, second = change(seed, first, world)
    life = Life(seed, workspace, simulator, world, Executions(world))
    with kept(seed, workspace, " and ".join(names)):
        before = life.apply("first", first, 0)
        life.write("same", first, seed)
        workspace.plans_nothing()
        after = life.apply("_".join(names), second, seed + 1)
        if KEEP_DIGESTS.issuperset(names):
            keeps_digests(before, after)
        life.write("same_again", second, seed + 2)
        workspace.plans_nothing("-refresh=false")
        life.imports(second, seed + 2)
        workspace.destroy()
        life.executions.applied(second, after, {})
        life.executions.holds(simulator)
        assert simulator.groups() == [] and simulator.plans() == [] and targets(simulator) == []


def test_seeds_make_the_same_again_and_every_change_comes_up(simulator: Simulator) -> None:
    world, seen = World.of(simulator), set()
    for seed in range(MANY):
        first = generate(seed, world)
        names, second = change(seed, first, world)
        assert (first, (names, second)) == (generate(seed, world), change(seed, first, world))
        assert write(first, world, seed) == write(first, world, seed)
        seen.update(names)
    assert seen == {todo.__name__ for todo in CHANGES}


def targets(simulator: Simulator) -> list[dict]:
    return [item for item in simulator.items("protection-groups") if item.get("Kind") == "TARGET"]


@contextmanager
def kept(seed: int, workspace: Workspace, change: str) -> Iterator[None]:
    """Keeps the configurations and what was printed when something in it fails."""
    try:
        yield
    except BaseException:
        place = Path(tempfile.mkdtemp(prefix="drs-kept-"))
        for name in ("steps", "out"):
            shutil.copytree(workspace.folder / name, place / name)
        print(f"seed {seed}, whose change is {change}, failed on {workspace.host.name}. Its configurations are in {place}/steps")
        print(f"To run it again: SEED={seed} SEEDS=1 make soak-plans")
        raise
