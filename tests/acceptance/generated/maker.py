"""Makes configurations and parts of them, all of it from one source of chance."""

from random import Random
from typing import Any

from .actions import DECLARED
from .model import EACH, MODULE, OWN, After, Configuration, Digest, Drill, Group, Hosts, Plan, Trigger, Wave, free, plain
from .reads import LOOKS
from .rules import WAVES, is_there, problems
from .values import (
    ABOUT,
    ACTION,
    CHECKS,
    DRILL,
    EVENTS,
    HOOK,
    NOON,
    NOTIFICATIONS,
    OBJECTIVES,
    PLAN,
    REGIONS,
    TARGET,
    WAVE,
    Values,
)
from .world import EMPTY, HOME, REGION, SPOKES, UNDRILLED, UNGUARDED, UNITS, World, spoke

# How often a value is one that is known only after apply.
AFTER = 0.1
# How much more often optional things come up in what a seed makes: most are plain, some rich, and in a few nearly all comes up.
MORE = [1.0] * 14 + [2.2] * 5 + [8.0]
OFTEN = 0.92


class Maker:
    """One source of chance over one world."""

    def __init__(self, random: Random, world: World, more: float = 1.0) -> None:
        self.random = random
        self.world = world
        self.more = more

    def configuration(self) -> Configuration:
        made = Configuration(default_tags={"Team": "recovery", "Cost": "7"} if self.is_so(0.3) else {})
        made.groups_placed = self.random.choice([OWN, OWN, EACH, MODULE])
        made.plans_placed = self.random.choice([OWN, OWN, MODULE])
        made.targets = {key: self.target(key) for key in SPOKES if self.often(0.25)}
        here = [unit for unit in UNITS if self.is_near(made, unit)]
        for unit in self.random.sample(here, self.count(min(6, len(here)))):
            self.add_group(made, list(unit))
        if self.is_so(0.15):
            selection = {"Application": "nothing"}
            made.groups["west"] = Group("west", self.about("west"), selection, EMPTY)
        self.add_plan(made, is_drilled=self.is_so(0.8))
        if self.often(0.45):
            self.add_plan(made, is_drilled=self.is_so(0.5))
        made.looks = self.looks()
        made.actions = [kind for kind in DECLARED if self.often(0.1)]
        return made

    # Chance.

    def is_so(self, share: float) -> bool:
        return self.random.random() < share

    def often(self, share: float) -> bool:
        """As often as that, and more often where a lot comes up."""
        return self.is_so(min(share * self.more, OFTEN))

    def count(self, most: int) -> int:
        """A number that is rather large."""
        return max(self.random.randint(1, most) for _ in range(2))

    def maybe_after(self, value: Any) -> Any:
        return After(value) if self.is_so(AFTER) else value

    def some(self, chances: Values, share: float = 0.35) -> dict[str, Any]:
        """Some of these attributes, each with one of its values."""
        chosen = {name: values for name, values in chances.items() if values and self.often(share)}
        return {name: self.maybe_after(self.random.choice(values)) for name, values in chosen.items()}

    # Parts.

    def about(self, key: str) -> dict[str, Any]:
        """What says what something is: its name, and what people add to it."""
        name = self.random.choice([key, f"shop {key}", f"{key.upper()} - Größe 1"])
        return {"name": self.maybe_after(name)} | self.some(ABOUT)

    def target(self, key: str) -> dict[str, Any]:
        role = self.maybe_after(f"arn:aws:iam::{SPOKES[key]}:role/dr")
        regions = self.random.choice(REGIONS[key])
        return {"account_id": SPOKES[key], "regions": regions, "role_arn": role} | self.some(TARGET)

    def looks(self) -> list[str]:
        return [look for look in LOOKS if self.is_so(0.25)]

    def is_near(self, made: Configuration, unit: tuple[str, ...]) -> bool:
        """Whether servers are where the provider works."""
        account, region = self.world.servers[unit[0]].place
        return account == HOME or region in made.targets.get(spoke(account), {"regions": []})["regions"]

    def add_group(self, made: Configuration, hosts: list[str]) -> None:
        """A group of these servers, or of some of them."""
        key = free(made.groups, [host.split("-")[0] for host in hosts] + ["more", "others", "rest", "last"])
        self.random.shuffle(hosts)
        whole = self.world.servers[hosts[0]]
        selections: list[Any] = [Hosts(tuple(hosts)), Hosts(tuple(hosts[: self.random.randint(1, len(hosts))]))]
        if len(hosts) == 1:
            selections.append({"Name": hosts[0]})
        elif "Tier" in whole.tags:
            selections += [{"Tier": whole.tags["Tier"]}, {"Application": "shop", "Tier": whole.tags["Tier"]}]
        elif whole.place != (HOME, REGION):
            selections.append({"Application": whole.tags["Application"]})
        about = self.about(key)
        if whole.place == (HOME, REGION) and self.is_so(0.1):
            about["region"] = self.maybe_after(REGION)
        identity = free({group.identity for group in made.groups.values()}, [key])
        made.groups[key] = Group(identity, about, self.maybe_after(self.random.choice(selections)), whole.place)

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
        attributes = self.about(key) | self.some(OBJECTIVES | NOTIFICATIONS | PLAN)
        identity = free({plan.identity for plan in made.plans.values()}, [key])
        plan = Plan(identity, self.waves(made, groups), attributes, is_after=self.is_so(0.04))
        made.plans[key] = plan
        if not is_drilled:
            for wave in plan.waves:
                wave.attributes |= {"pause_before": True} if self.is_so(0.2) else {}
            return
        if UNGUARDED & set(hosts):
            plan.attributes.pop("drill_guard", None)
        if made.plans_placed == OWN and self.often(0.2):
            plan.action = Trigger(self.random.choice(EVENTS), self.some(ACTION))
            return
        self.add_drill(made, key)
        first = list(made.drills.values())[-1]
        if self.is_so(0.25):
            first.attributes["on_pause"], first.is_emptied = "return", False
            self.random.choice(plan.waves).attributes["pause_before"] = self.maybe_after(True)
        elif self.is_so(0.15):
            before = list(made.drills)[-1]
            self.add_drill(made, key)
            list(made.drills.values())[-1].after = [before]

    def waves(self, made: Configuration, groups: list[str]) -> list[Wave]:
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
        made_waves = [self.wave(made, name, wave) for name, wave in zip(names, waves, strict=True)]
        self.depend(made_waves)
        return made_waves

    def wave(self, made: Configuration, name: str, parts: list[tuple[str, list[str], bool]]) -> Wave:
        hosts = [host for _, members, _ in parts for host in members]
        attributes = {"name": self.maybe_after(name)} | self.some(WAVE, 0.25)
        if hosts and (any(is_part for _, _, is_part in parts) or self.is_so(0.15)):
            self.random.shuffle(hosts)
            attributes["source_server_ids"] = self.maybe_after(Hosts(tuple(hosts)))
        if hosts and "min_success_percent" not in attributes and self.often(0.25):
            critical = self.random.sample(hosts, self.random.randint(1, len(hosts)))
            attributes["critical_server_ids"] = self.maybe_after(Hosts(tuple(critical)))
        return Wave([key for key, _, _ in parts], attributes | self.steps(made), is_after=self.often(AFTER / 4))

    def steps(self, made: Configuration) -> dict[str, Any]:
        """Checks and hooks on the stand-ins of the fleet."""
        steps: dict[str, Any] = {}
        if self.often(0.25):
            steps["checks"] = self.some(CHECKS)
            if "ssm_document" in steps["checks"] and self.is_so(0.5):
                steps["checks"]["ssm_parameters"] = {"commands": ["true", self.maybe_after("id")], "Zone": []}
        for name in ("before_hooks", "after_hooks"):
            if self.often(0.15):
                count = self.random.randint(0, 2)
                steps[name] = [self.hook(made, label) for label in self.random.sample(["warn", "dns", "tell"], count)]
        return steps

    def hook(self, made: Configuration, name: str) -> dict[str, Any]:
        hook = {"name": self.maybe_after(name)} | self.some(HOOK)
        if not is_there(made, hook):
            del hook["account_id"]
        if self.is_so(0.5):
            return hook | {"lambda_function": self.maybe_after("shop-smoke-test")}
        hook |= {"automation_document": self.maybe_after("Shop-Failover")} | self.some({"document_version": ["1", "3"]})
        if self.is_so(0.5):
            hook["parameters"] = {"Instances": ["{instance_ids}"], "Zone": [self.maybe_after("shop.example")]}
        return hook

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
        if self.often(0.15):
            attributes["recovery_point_before"] = f"{NOON}+01:00"
        elif self.often(0.15):
            hosts = made.launched(plan, self.world)
            named = {host: self.world.servers[host].points for host in hosts[:1]}
            # One of those that are a day apart: it is kept for days, in which a whole life has room.
            points = {host: self.maybe_after(points[4]) for host, points in named.items() if points}
            attributes |= {"recovery_snapshots": self.maybe_after(points)} if points else {}
        identity = free({drill.identity for drill in made.drills.values()}, [key])
        is_emptied = not made.plans[plan].pauses and self.often(0.1)
        made.drills[key] = Drill(identity, plan, attributes, is_after=self.often(AFTER), is_emptied=is_emptied)

    def triggers(self, made: Configuration, plan: str) -> dict[str, Any]:
        triggers: dict[str, Any] = {"quarter": self.maybe_after(self.random.choice(["2026-Q3", "2026-Q4"]))}
        if self.is_so(0.7):
            triggers["plan"] = Digest("plan", plan)
        if self.is_so(0.3):
            triggers["group"] = Digest("group", made.plans[plan].waves[0].groups[0])
        return triggers


def generate(seed: int, world: World) -> Configuration:
    """The configuration of a seed."""
    made = Maker(Random(seed), world, more(seed)).configuration()
    found = problems(made, world)
    assert not found, f"seed {seed} makes a configuration that is not valid: {found}"
    return made


def more(seed: int) -> float:
    """How much more often optional things come up in what a seed makes."""
    return Random(f"more {seed}").choice(MORE)
