"""One seed through its life: applied, planned again, changed, changed back, imported, destroyed."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ..configuration import Expression, block, value
from ..host import State, Workspace
from ..simulator import Simulator
from ..test_progress import drsctl
from . import actions, text
from .changes import change
from .maker import MORE, generate, more
from .model import Configuration, plain
from .reads import Shown, hold, means_of
from .values import CARRIED
from .world import PLACES, World

DRILL = "drs_drill_execution."
# How many times something is changed in a life, and in one in which nearly all comes up.
CHANGES = [1, 1, 1, 2, 2, 3]
CHANGES_OF_ALL = [2, 3, 4]


@dataclass
class Executions:
    """What drills should have launched, and what of it should still be there."""

    world: World
    launches: Counter[str] = field(default_factory=Counter)
    # The execution whose instance of a server is the newest, by the server's host name.
    owners: dict[str, str] = field(default_factory=dict)
    # The attributes that drills were started with, by their executions.
    started: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Whether there ever was a drill whose instances no destroy terminates.
    some_stay: bool = False

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
        self.some_stay |= any(values["cleanup"] == "never" for values in new.values())
        cleaned = [id_ for id_, values in old.items() if id_ not in new and values["cleanup"] != "never"]
        cleaned += [id_ for id_, values in new.items() if values["cleanup"] in ("always", "on_success")]
        self.forget(cleaned)

    def acted(self, made: Configuration, said: str) -> None:
        """The same for drills that are actions, which what Terraform said of the apply tells."""
        for key in actions.STARTED.findall(said):
            names = made.launched(key, self.world)
            self.launches.update(names)
            stays = plain(made.plans[key].action.attributes.get("cleanup")) == "never"
            self.some_stay |= stays
            self.owners |= dict.fromkeys(names, "action" if stays else "nobody")
        self.forget(["nobody"])

    def emptied(self, made: Configuration, before: dict[str, dict], after: dict[str, dict]) -> bool:
        """And for what an action terminates once a drill was created; whether there is any."""
        old = {values["id"] for values in drills(before).values()}
        ids = {at: values["id"] for at, values in drills(after).items() if values["id"] not in old}
        emptied = [ids[at] for at in ids if made.drills[at.removeprefix(DRILL)].is_emptied]
        self.forget(emptied)
        return bool(emptied)

    def replaced(self) -> set[str]:
        """Executions of before that no longer have the newest instance of their first server."""
        first = {id_: values["servers"][0]["hostname"] for id_, values in self.started.items()}
        return {id_ for id_, name in first.items() if self.owners.get(name) != id_}

    def forget(self, executions: list[str]) -> None:
        self.owners = {name: owner for name, owner in self.owners.items() if owner not in executions}

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
    """The recovery instances of all accounts that are there."""
    found = []
    for account, region in PLACES:
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
    has_actions: bool
    executions: Executions
    # What the last apply was of, and left.
    made: Configuration = field(default_factory=Configuration)
    now: dict[str, dict] = field(default_factory=dict)
    installed: set[str] = field(default_factory=set)

    def write(self, name: str, made: Configuration, style: int, *more: str) -> None:
        """Writes a configuration, and keeps a copy of it for whoever looks for a fault."""
        tags = made.default_tags or None
        written = text.write(made, self.world, style, has_actions=self.has_actions)
        texts = [self.simulator.provider(default_tags=tags), *written, *more]
        steps = self.workspace.folder / "steps"
        steps.mkdir(exist_ok=True)
        (steps / f"{len(list(steps.iterdir())) + 1}_{name}.tf").write_text("\n".join(texts))
        self.workspace.write(*texts)
        used = set(re.findall(r'^module "(\w+)"', "\n".join(written), re.MULTILINE))
        if not used <= self.installed:
            for module, main in text.modules().items():
                (self.workspace.folder / module).mkdir(exist_ok=True)
                (self.workspace.folder / module / "main.tf").write_text(main)
            self.workspace.run("get", "-no-color")
            self.installed = used

    def apply(self, name: str, made: Configuration, style: int) -> None:
        """Applies a configuration: it is done as planned, and a second plan is empty, also of the same in another style."""
        self.write(name, made, style, *text.moves(self.made, made))
        said = self.workspace.apply().text
        shown = self.goes_on()
        self.workspace.plans_nothing("-refresh=false")
        self.write("same", made, style + 1)
        self.workspace.plans_nothing()
        before, now = self.now, self.holding(made, shown)
        self.executions.applied(made, before, now)
        if self.has_actions:
            self.executions.acted(made, said)
            if self.executions.emptied(made, before, now):
                # What an action did after a drill was created, its state has only from the next look on.
                self.workspace.apply("-refresh-only")
                now = self.holding(made, self.workspace.shown())
        self.executions.holds(self.simulator)
        runs_again_when_told(self.by_identity(before, self.made), self.by_identity(now, made))
        self.made, self.now = made, now

    def goes_on(self) -> State:
        """The state after an apply, once drills have gone on that it left paused: an operator lets them."""
        shown = self.workspace.shown()
        paused = {at: it["id"] for at, it in drills(shown.resources).items() if it["status"] == "PAUSED"}
        if not paused:
            return shown
        planned = self.workspace.planned_actions()
        updates = {at: what for at, what in planned.items() if not at.startswith("data.")}
        assert updates == dict.fromkeys(paused, ["update"])
        for execution in paused.values():
            self.resume(execution)
        self.workspace.apply()
        return self.workspace.shown()

    def resume(self, execution: str) -> None:
        why = "the network is ready"
        if not self.has_actions:
            asked = drsctl(self.simulator, "resume", execution, "--reason", why)
            assert asked.returncode == 0, asked
            return
        config = f"config {{\nexecution_id = {value(execution)}\nreason = {value(why)}\n}}\n"
        self.workspace.write(block("action", "drs_resume", "now", body=config), name="now.tf")
        self.workspace.apply("-invoke=action.drs_resume.now")
        (self.workspace.folder / "now.tf").unlink()

    def holding(self, made: Configuration, shown: State) -> dict[str, dict]:
        """What there is of the provider's; the outputs are held to what they mean."""
        found = {at: it for at, it in shown.resources.items() if ".drs_" in f".{at}" and not at.startswith("data.")}
        hold(Shown(made, self.world, found, shown.outputs, self.executions.replaced()))
        return found

    def by_identity(self, state: dict[str, dict], made: Configuration) -> dict[str, dict]:
        return {identity: state[at] for identity, at in made.addresses().items() if at in state}

    def imports(self, style: int) -> None:
        """Imports everything into a state that has none of it: nothing is changed that could be known."""
        before, made = self.now, self.made
        self.workspace.run("state", "rm", *before)
        blocks = [self.of_import(address, values) for address, values in before.items()]
        self.write("import", made, style, *blocks)
        changed = [address for address, values in before.items() if self.is_not_told(values, made)]
        summary = f"{len(before)} imported, 0 added, {len(changed)} changed, 0 destroyed"
        finished = self.workspace.apply()
        assert summary in finished.flat, f"expected {summary}; {changed} cannot be known\n{finished}"
        now = self.holding(made, self.workspace.shown())
        if self.has_actions:
            self.executions.acted(made, finished.text)
        assert means(now) == means(before), differences(means(before), means(now))
        self.workspace.plans_nothing()

    def destroys(self) -> None:
        """Destroys everything, once an operator terminated what no destroy does: a target stays while instances may be there."""
        if self.made.targets and self.executions.some_stay:
            shown = {values["id"]: values["cleanup"] for values in drills(self.now).values()}
            listed = json.loads(drsctl(self.simulator, "list", "--output", "json").stdout)["executions"]
            for execution in [it["execution_id"] for it in listed if shown.get(it["execution_id"], "never") == "never"]:
                ended = drsctl(self.simulator, "terminate", execution, "--reason", "the targets are to go")
                assert ended.returncode == 0, ended
                self.executions.forget([execution, "action"])
        self.workspace.destroy()
        self.executions.applied(self.made, self.now, {})
        self.executions.holds(self.simulator)

    def of_import(self, address: str, values: dict[str, Any]) -> str:
        """By the id, and by what else each host takes."""
        ways: list[dict[str, Any]] = [{"id": values["id"]}]
        if "name" in values and "drs_target_account" not in address:
            ways.append({"id": values["name"]})
        if self.has_actions:
            ways.append({"identity": {"id": values["id"]}})
        return block("import", to=Expression(address), **ways[sum(map(ord, address)) % len(ways)])

    def is_not_told(self, values: dict[str, Any], made: Configuration) -> bool:
        """Whether something of a resource cannot be told by what is stored of it."""
        started = self.executions.started.get(values["id"])
        if started:
            return any(values[name] != started[name] for name in CARRIED)
        own = values.get("tags")
        # Tags that are none, and those that the provider gives everything, are told apart by the configuration alone.
        return own is not None and (not own or own.items() & made.default_tags.items() != set())


def means(state: dict[str, dict]) -> dict[str, dict]:
    """A state with objectives as they mean: an import has them in the words of the store."""
    return {at: means_of(values) for at, values in state.items()}


def differences(before: dict[str, dict], after: dict[str, dict]) -> list[str]:
    """The attributes whose values differ, for whoever looks for a fault."""
    both = before.keys() & after.keys()
    found = [f"{at} is in one state only" for at in sorted(before.keys() ^ after.keys())]
    for at, name in ((at, name) for at in sorted(both) for name in sorted(before[at].keys() | after[at].keys())):
        old, new = before[at].get(name), after[at].get(name)
        if old != new:
            found.append(f"{at}.{name}: {old!r} -> {new!r}")
    return found


def runs_again_when_told(before: dict[str, dict], after: dict[str, dict]) -> None:
    """A drill of which something changed that says which run it is, is another one."""
    for identity, values in after.items():
        old = before.get(identity)
        if identity.startswith("drill ") and old and old["id"] == values["id"]:
            for name in ("recovery_plan_id", "triggers", "recovery_point_before", "recovery_snapshots"):
                assert values[name] == old[name], f"{name} of {identity} changed, and it did not run again"


def steps_of(seed: int, world: World) -> list[tuple[list[str], Configuration]]:
    """The configurations of a seed, each with the changes that lead to it: a first one, and those that follow."""
    steps = [([], generate(seed, world))]
    count = Random(f"steps {seed}").choice(CHANGES_OF_ALL if more(seed) == max(MORE) else CHANGES)
    for _ in range(count):
        known = [name for names, _ in steps for name in names]
        steps.append(change(seed, known, [made for _, made in steps], world))
    return steps
