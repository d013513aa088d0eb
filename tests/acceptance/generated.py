"""Configurations from a seed, valid by construction, over the simulator's built-in fleet.

A [`Configuration`] is plain data: groups, plans, drills, a target. The same seed makes the same one, whatever host runs it.
What it means is said here as well, without a word of the provider's: which servers a drill launches, in which order, and
whether a rule is broken. How it is written as HCL is another matter ([`generated_text`]), and so is what somebody does to it
next ([`generated_changes`]).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from .configuration import Expression
from .simulator import Simulator

HOME = "111122223333"
SPOKE = "444455556666"
REGION = "us-east-1"
# A Region of the home account without servers.
EMPTY_REGION = "us-west-2"
TOPIC = f"arn:aws:sns:{REGION}:{HOME}:disaster-recovery"
# Servers that may be in one group together, where they share a tag or not.
UNITS = (
    ("db-1", "db-2"),
    ("app-1", "app-2", "app-3"),
    ("web-1", "web-2"),
    ("files-1", "directory-1"),
    ("print-1", "mail-1"),
    ("wiki-1",),
)
# It is in its initial sync, so no drill launches it.
UNDRILLED = "wiki-1"
# Those that boot in the subnets that are for drills.
GUARDED = {"db-1", "db-2", "app-1", "app-2", "app-3", "web-1", "web-2", "ledger-1"}
WAVES = 6
# How often a value is one that is known only after apply.
AFTER = 0.1


@dataclass(frozen=True)
class Server:
    """A source server of the built-in fleet."""

    id: str
    account: str
    tags: dict[str, str]
    points: tuple[str, ...]


@dataclass(frozen=True)
class World:
    """The servers that there are, by host name."""

    servers: dict[str, Server]

    @classmethod
    def of(cls, simulator: Simulator) -> "World":
        servers = {}
        for account in (HOME, SPOKE):
            drs = simulator.client("drs", REGION, account)
            for item in drs.describe_source_servers()["items"]:
                hostname = item["sourceProperties"]["identificationHints"]["hostname"]
                found = drs.describe_recovery_snapshots(sourceServerID=item["sourceServerID"], order="ASC")["items"]
                points = tuple(point["snapshotID"] for point in found)
                servers[hostname] = Server(item["sourceServerID"], account, item["tags"], points)
        return cls(dict(sorted(servers.items())))


@dataclass(frozen=True)
class After:
    """A value that is known only after apply."""

    value: Any


@dataclass(frozen=True)
class Hosts:
    """Servers in an order, written as a list of ids."""

    names: tuple[str, ...]


@dataclass
class Group:
    """A protection group; `selection` is servers or tags."""

    attributes: dict[str, Any]
    selection: Any
    account: str = HOME
    region: str = REGION

    def members(self, world: World) -> list[str]:
        """Its servers in launch order."""
        selection = plain(self.selection)
        if isinstance(selection, Hosts):
            return list(selection.names)
        if self.region != REGION:
            return []
        here = {name: server for name, server in world.servers.items() if server.account == self.account}
        return sorted(name for name, server in here.items() if selection.items() <= server.tags.items())


@dataclass
class Wave:
    """A wave; `groups` are the keys of groups, and `is_after` hides which they are until apply."""

    groups: list[str]
    attributes: dict[str, Any]
    is_after: bool = False


@dataclass
class Plan:
    """A recovery plan; `is_after` hides all of its waves until apply."""

    waves: list[Wave]
    attributes: dict[str, Any]
    is_after: bool = False


@dataclass
class Drill:
    """A drill of a plan, after other drills where it says so; `is_after` hides the id of its plan until apply."""

    plan: str
    attributes: dict[str, Any]
    after: list[str] = field(default_factory=list)
    is_after: bool = False


@dataclass
class Configuration:
    """Everything of one step, by keys that are the labels of its resources."""

    groups: dict[str, Group]
    plans: dict[str, Plan]
    drills: dict[str, Drill]
    target: dict[str, Any] | None
    default_tags: dict[str, str]
    # Whether the groups are one resource with `for_each`.
    is_each: bool
    # What else is read: preflight, execution, newest, target.
    looks: list[str]

    def launched(self, plan: str, world: World) -> list[str]:
        """The servers that a drill of a plan launches, wave by wave in launch order."""
        return [name for wave in self.plans[plan].waves for name in self.of_wave(wave, world)]

    def of_wave(self, wave: Wave, world: World) -> list[str]:
        chosen = plain(wave.attributes.get("source_server_ids"))
        return list(chosen.names) if chosen else self.candidates(wave, world)

    def candidates(self, wave: Wave, world: World) -> list[str]:
        return [name for key in wave.groups for name in self.groups[key].members(world)]

    def is_drilled(self, plan: str) -> bool:
        return any(drill.plan == plan for drill in self.drills.values())

    def problems(self, world: World) -> list[str]:
        """The rules that it breaks; none when it is valid."""
        found = list(twice("group name", (group.attributes["name"] for group in self.groups.values())))
        found += twice("plan name", (plan.attributes["name"] for plan in self.plans.values()))
        listed = [group.members(world) for group in self.groups.values() if isinstance(plain(group.selection), Hosts)]
        found += twice("listed server", (name for names in listed for name in names))
        found += ["empty group" for names in listed if not names]
        found += ["no target" for group in self.groups.values() if group.account == SPOKE and not self.target]
        found += ["drill of nothing" for drill in self.drills.values() if drill.plan not in self.plans]
        if found:
            return found
        for plan in self.plans.values():
            found += self._problems_of(plan, world)
        drilled = [key for key in self.plans if self.is_drilled(key)]
        found += twice("drilled server", (name for key in drilled for name in self.launched(key, world)))
        for key in drilled:
            found += self._drill_problems(self.plans[key], self.launched(key, world))
        for drill in self.drills.values():
            points = plain(drill.attributes.get("recovery_snapshots")) or {}
            found += ["point of no server" for name in points if name not in self.launched(drill.plan, world)]
            found += ["two kinds of points" for _ in points if "recovery_point_before" in drill.attributes]
            triggers = (plain(drill.attributes.get("triggers")) or {}).values()
            found += ["no group" for it in triggers if isinstance(it, Digest) and it.group not in self.groups]
            found += ["no plan" for it in triggers if isinstance(it, Expression) and it.split(".")[1] not in self.plans]
        return found

    def _problems_of(self, plan: Plan, world: World) -> list[str]:
        if any(key not in self.groups for wave in plan.waves for key in wave.groups):
            return ["missing group"]
        names = [plain(wave.attributes["name"]) for wave in plan.waves]
        found = list(twice("wave", names)) + broken("number of waves", not 0 < len(plan.waves) <= WAVES)
        uses = Counter(key for wave in plan.waves for key in wave.groups)
        finished: set[str] = set()
        # A wave may depend on one that comes later, so it is gone through as often as there are waves.
        for _ in plan.waves:
            for position, name in enumerate(names):
                if set(depends_on(plan, position)) <= finished:
                    finished.add(name)
        found += broken("waves wait for each other", finished != set(names))
        for wave in plan.waves:
            here, chosen = self.candidates(wave, world), self.of_wave(wave, world)
            critical = plain(wave.attributes.get("critical_server_ids"))
            found += list(twice("group of wave", wave.groups)) + list(twice("server of wave", chosen))
            found += broken("empty wave", not wave.groups)
            if "source_server_ids" in wave.attributes:
                found += broken("servers of no group", not chosen or not set(chosen) <= set(here))
            else:
                found += ["shared group" for key in wave.groups if uses[key] > 1]
            if critical:
                found += broken("critical", not critical.names or not set(critical.names) <= set(chosen))
                found += broken("two measures", "min_success_percent" in wave.attributes)
        return found

    def _drill_problems(self, plan: Plan, launched: list[str]) -> list[str]:
        found = ["undrilled server" for name in launched if name == UNDRILLED]
        found += ["pause" for wave in plan.waves if plain(wave.attributes.get("pause_before"))]
        empty = [key for wave in plan.waves for key in wave.groups if self.groups[key].region != REGION]
        found += ["empty group" for _ in empty]
        guarded = "drill_guard" in plan.attributes and not set(launched) <= GUARDED
        return found + broken("guard", guarded or not launched)


def depends_on(plan: Plan, position: int) -> list[str]:
    """The names of the waves that a wave waits for."""
    written = plain(plan.waves[position].attributes.get("depends_on_waves"))
    if written is not None:
        return [plain(name) for name in written]
    return [plain(plan.waves[position - 1].attributes["name"])] if position else []


def plain(value: Any) -> Any:
    """A value as it is after apply."""
    return value.value if isinstance(value, After) else value


def broken(rule: str, is_broken: bool) -> list[str]:
    return [rule] if is_broken else []


def twice(what: str, values: Iterable[Any]) -> Iterable[str]:
    counts = Counter(str(plain(value)).casefold() for value in values)
    return (f"{what} {name} twice" for name, count in counts.items() if count > 1)


class Maker:
    """Makes configurations and parts of them, all of it from one source of chance."""

    def __init__(self, random: Random, world: World) -> None:
        self.random = random
        self.world = world

    def configuration(self) -> Configuration:
        made = Configuration({}, {}, {}, None, {}, self.is_so(0.3), [])
        if self.is_so(0.3):
            made.default_tags = {"Team": "recovery", "Cost": "7"}
        for unit in self.random.sample(UNITS, self.count(5)):
            self.add_group(made, list(unit))
        if self.is_so(0.3):
            made.target = self.target()
            selection = self.random.choice([Hosts(("ledger-1",)), {"Application": "ledger"}])
            made.groups["ledger"] = Group(self.about("ledger"), selection, account=SPOKE)
        if self.is_so(0.15):
            selection = {"Application": "nothing"}
            made.groups["west"] = Group(self.about("west"), selection, region=EMPTY_REGION)
        self.add_plan(made, is_drilled=self.is_so(0.8))
        if self.is_so(0.45):
            self.add_plan(made, is_drilled=self.is_so(0.5))
        looks = ["preflight", "execution", "newest", "target"]
        made.looks = [look for look in looks if self.is_so(0.3)]
        return made

    # Parts.

    def is_so(self, share: float) -> bool:
        return self.random.random() < share

    def count(self, most: int) -> int:
        """A number that is rather large."""
        return max(self.random.randint(1, most) for _ in range(2))

    def maybe_after(self, value: Any) -> Any:
        return After(value) if self.is_so(AFTER) else value

    def some(self, chances: dict[str, list[Any]], share: float = 0.35) -> dict[str, Any]:
        """Some of these attributes, each with one of its values."""
        chosen = {name: values for name, values in chances.items() if values and self.is_so(share)}
        return {name: self.maybe_after(self.random.choice(values)) for name, values in chosen.items()}

    def about(self, key: str) -> dict[str, Any]:
        """What says what something is: its name, and what people add to it."""
        name = self.random.choice([key, f"shop {key}", f"{key.upper()} - Größe 1"])
        return {"name": self.maybe_after(name)} | self.some(ABOUT)

    def target(self) -> dict[str, Any]:
        role = f"arn:aws:iam::{SPOKE}:role/dr"
        regions = self.random.choice([[REGION], ["eu-west-1", REGION], [EMPTY_REGION, REGION, "eu-west-1"]])
        return {"account_id": SPOKE, "regions": regions, "role_arn": self.maybe_after(role)} | self.some(TARGET)

    def add_group(self, made: Configuration, hosts: list[str]) -> None:
        """A group of these servers, or of some of them."""
        key = free(made.groups, [host.split("-")[0] for host in hosts] + ["more", "others", "rest", "last"])
        self.random.shuffle(hosts)
        whole = self.world.servers[hosts[0]].tags
        selections = [Hosts(tuple(hosts)), Hosts(tuple(hosts[: self.random.randint(1, len(hosts))]))]
        if len(hosts) == 1:
            selections.append({"Name": hosts[0]})
        elif "Tier" in whole:
            selections += [{"Tier": whole["Tier"]}, {"Application": "shop", "Tier": whole["Tier"]}]
        about = self.about(key) | self.some({"region": [REGION]}, 0.1)
        made.groups[key] = Group(about, self.maybe_after(self.random.choice(selections)))

    def add_plan(self, made: Configuration, *, is_drilled: bool) -> None:
        """A plan over some groups, drilled where that is possible."""
        drilled = {name for key in made.plans if made.is_drilled(key) for name in made.launched(key, self.world)}
        free_groups = []
        for key, group in made.groups.items():
            members = group.members(self.world)
            if members and UNDRILLED not in members and not drilled & set(members):
                free_groups.append(key)
        is_drilled = is_drilled and bool(free_groups)
        choice = free_groups if is_drilled else list(made.groups)
        groups = self.random.sample(choice, self.count(len(choice)))
        key = free(made.plans, ["shop", "office", "third", "fourth"])
        hosts = [name for group in groups for name in made.groups[group].members(self.world)]
        plan = Plan(self.waves(made, groups, is_drilled), self.about(key) | self.some(PLAN))
        if is_drilled and not set(hosts) <= GUARDED:
            plan.attributes.pop("drill_guard", None)
        plan.is_after = self.is_so(0.04)
        made.plans[key] = plan
        if is_drilled:
            self.add_drill(made, key)
            if self.is_so(0.15):
                first = next(name for name, drill in made.drills.items() if drill.plan == key)
                self.add_drill(made, key)
                list(made.drills.values())[-1].after = [first]

    def waves(self, made: Configuration, groups: list[str], is_drilled: bool) -> list[Wave]:
        """One to six waves over these groups; one that has two waves is divided between them."""
        parts: list[tuple[str, list[str], bool]] = []
        for key in groups:
            members = made.groups[key].members(self.world)
            if len(members) > 1 and self.is_so(0.4):
                cut = self.random.randint(1, len(members) - 1)
                parts += [(key, members[:cut], True), (key, members[cut:], True)]
            else:
                parts.append((key, members, False))
        self.random.shuffle(parts)
        count = self.count(min(WAVES, len(parts)))
        # Every wave gets something, and no wave the same group twice.
        waves = [[part] for part in parts[:count]]
        for part in parts[count:]:
            choice = self.random.choice(waves)
            if all(part[0] != other[0] for other in choice):
                choice.append(part)
        names = self.random.sample(["database", "application", "web", "office 1", "Wave-5", "last"], len(waves))
        made_waves = [self.wave(name, wave, is_drilled) for name, wave in zip(names, waves, strict=True)]
        self.depend(made_waves)
        return made_waves

    def wave(self, name: str, parts: list[tuple[str, list[str], bool]], is_drilled: bool) -> Wave:
        hosts = [host for _, members, _ in parts for host in members]
        attributes = {"name": self.maybe_after(name)} | self.some(WAVE, 0.25)
        if not is_drilled and self.is_so(0.2):
            attributes["pause_before"] = True
        if hosts and (any(is_part for _, _, is_part in parts) or self.is_so(0.15)):
            self.random.shuffle(hosts)
            attributes["source_server_ids"] = self.maybe_after(Hosts(tuple(hosts)))
        if hosts and "min_success_percent" not in attributes and self.is_so(0.25):
            critical = self.random.sample(hosts, self.random.randint(1, len(hosts)))
            attributes["critical_server_ids"] = self.maybe_after(Hosts(tuple(critical)))
        return Wave([key for key, _, _ in parts], attributes | self.actions(), is_after=self.is_so(AFTER / 2))

    def actions(self) -> dict[str, Any]:
        """Checks and hooks on the stand-ins of the fleet."""
        made: dict[str, Any] = {}
        if self.is_so(0.25):
            made["checks"] = self.some(CHECKS)
            if "ssm_document" in made["checks"] and self.is_so(0.5):
                made["checks"]["ssm_parameters"] = {"commands": ["true", self.maybe_after("id")], "Zone": []}
        for name in ("before_hooks", "after_hooks"):
            if self.is_so(0.15):
                count = self.random.randint(0, 2)
                made[name] = [self.hook(label) for label in self.random.sample(["warn", "dns", "tell"], count)]
        return made

    def hook(self, name: str) -> dict[str, Any]:
        made = {"name": self.maybe_after(name)} | self.some(HOOK)
        if self.is_so(0.5):
            return made | {"lambda_function": self.maybe_after("shop-smoke-test")}
        made |= {"automation_document": self.maybe_after("Shop-Failover")} | self.some({"document_version": ["1", "3"]})
        if self.is_so(0.5):
            made["parameters"] = {"Instances": ["{instance_ids}"], "Zone": [self.maybe_after("shop.example")]}
        return made

    def depend(self, waves: list[Wave]) -> None:
        """Dependencies without a circle: on waves that come earlier, in the list or in an order of their own."""
        order = list(range(len(waves)))
        if self.is_so(0.25):
            self.random.shuffle(order)
        is_listed = order == sorted(order)
        for rank, position in enumerate(order):
            if is_listed and self.is_so(0.5):
                continue
            before = self.random.sample(order[:rank], self.random.randint(0, rank))
            names = [waves[other].attributes["name"] for other in before]
            waves[position].attributes["depends_on_waves"] = self.maybe_after([plain(name) for name in names])

    def add_drill(self, made: Configuration, plan: str) -> None:
        key = free(made.drills, ["quarterly", "yearly", "again", "once"])
        attributes = self.some(DRILL)
        if self.is_so(0.7):
            attributes["triggers"] = self.maybe_after(self.triggers(made, plan))
        if self.is_so(0.15):
            attributes["recovery_point_before"] = "2099-01-01T00:00:00+01:00"
        elif self.is_so(0.15):
            hosts = made.launched(plan, self.world)
            named = {host: self.world.servers[host].points for host in hosts[:1]}
            # Old points are deleted while the world goes on, and half of them are younger than that.
            points = {host: self.maybe_after(points[len(points) // 2]) for host, points in named.items() if points}
            attributes |= {"recovery_snapshots": self.maybe_after(points)} if points else {}
        made.drills[key] = Drill(plan, attributes, is_after=self.is_so(AFTER))

    def triggers(self, made: Configuration, plan: str) -> dict[str, Any]:
        triggers: dict[str, Any] = {"quarter": self.maybe_after(self.random.choice(["2026-Q3", "2026-Q4"]))}
        if self.is_so(0.7):
            triggers["plan"] = Expression(f"drs_recovery_plan.{plan}.digest")
        if self.is_so(0.3):
            triggers["group"] = Digest(made.plans[plan].waves[0].groups[0])
        return triggers


@dataclass(frozen=True)
class Digest:
    """The digest of a group, by its key."""

    group: str


def free(taken: dict[str, Any], keys: list[str]) -> str:
    """A key that is not taken, one of these if there is one."""
    numbered = [f"{keys[-1]}_{number}" for number in range(len(taken) + 1)]
    return next(key for key in [*keys, *numbered] if key not in taken)


def generate(seed: int, world: World) -> Configuration:
    """The configuration of a seed."""
    made = Maker(Random(seed), world).configuration()
    problems = made.problems(world)
    assert not problems, f"seed {seed} makes a configuration that is not valid: {problems}"
    return made


# Values of optional attributes, other than their defaults.

ABOUT: dict[str, list[Any]] = {
    "description": ["", "For people.", 'Two lines\nand "quotes" — and a dash.'],
    "tags": [{}, {"Owner": "dba"}, {"Owner": "web", "Cost center": "12", "Team": "web"}],
}
PLAN: dict[str, list[Any]] = {
    "execution_timeout_seconds": [43_200, 86_400],
    "drill_guard": [{"subnet_tags": {"Purpose": "drill"}}],
    "notifications": [
        {"topic_arns": [TOPIC]},
        {"topic_arns": [TOPIC, TOPIC + "-2"], "events": ["FINISHED", "STARTED"]},
        {"topic_arns": [After(TOPIC)], "events": ["DEGRADED", After("PAUSED")]},
    ],
}
WAVE: dict[str, list[Any]] = {
    "launch_order": ["SEQUENTIAL"],
    "max_in_flight": [1, 2, 50],
    "wait_time_seconds": [1, 30],
    "timeout_seconds": [14_400, 86_400],
    "on_failure": ["continue", "pause"],
    "min_success_percent": [1, 50, 100],
    "retries": [1, 3],
}
CHECKS: dict[str, list[Any]] = {
    "instance_status_timeout_seconds": [0, 3_600, 14_400],
    "ssm_document": ["AWS-RunShellScript", "AWS-ConfigureDocker"],
    "lambda_function": ["shop-smoke-test"],
    "timeout_seconds": [3_600],
    "on_degraded": ["fail"],
}
HOOK: dict[str, list[Any]] = {
    "account_id": [HOME],
    "region": [REGION],
    "timeout_seconds": [3_600, 14_400],
    "on_failure": ["continue"],
}
DRILL: dict[str, list[Any]] = {
    "cleanup": ["on_success", "always", "never"],
    "fail_on_unsuccessful": [False],
    "max_lifetime": ["240h", "720h0m"],
    "timeouts": [{"create": "48h"}, {"create": "36h30m", "update": "48h", "delete": "24h"}],
}
TARGET: dict[str, list[Any]] = {
    "name": ["Ledger"],
    "description": ["", "Of another account."],
    "session_name": ["drills"],
    "session_duration_seconds": [900, 3_600],
}
