"""What a generated configuration is, as plain data: groups, plans, drills, targets.

What it means is said here as well, without a word of the provider's: which servers a drill launches, and in which order.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .world import HOME, REGION, Place, World

# How groups and plans are placed: a resource each, one resource with `for_each`, or a module with `for_each`.
OWN, EACH, MODULE = "own", "each", "module"


@dataclass(frozen=True)
class After:
    """A value that is known only after apply."""

    value: Any


@dataclass(frozen=True)
class Hosts:
    """Servers in an order, written as a list of ids."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Digest:
    """The digest of a group or a plan, by its key."""

    kind: str
    key: str


@dataclass(frozen=True)
class OfTarget:
    """The account of a target, by its key: known once the target is there."""

    key: str


@dataclass
class Group:
    """A protection group; `selection` is servers or tags. A thing that is moved keeps its `identity`."""

    identity: str
    attributes: dict[str, Any]
    selection: Any
    place: Place = (HOME, REGION)

    def members(self, world: World) -> list[str]:
        """Its servers in launch order."""
        selection = plain(self.selection)
        return list(selection.names) if isinstance(selection, Hosts) else world.selected(selection, self.place)

    @property
    def is_listed(self) -> bool:
        return isinstance(plain(self.selection), Hosts)


@dataclass
class Wave:
    """A wave; `groups` are the keys of groups, and `is_after` hides which they are until apply."""

    groups: list[str]
    attributes: dict[str, Any]
    is_after: bool = False

    @property
    def pauses(self) -> bool:
        return bool(plain(self.attributes.get("pause_before")))


@dataclass
class Plan:
    """A recovery plan; `is_after` hides all of its waves until apply. `action` is a drill that follows its changes."""

    identity: str
    waves: list[Wave]
    attributes: dict[str, Any]
    is_after: bool = False
    action: "Trigger | None" = None

    @property
    def pauses(self) -> bool:
        return any(wave.pauses for wave in self.waves)


@dataclass
class Trigger:
    """An action of Terraform 1.14 that runs on events of a resource, with the attributes of its block."""

    events: list[str]
    attributes: dict[str, Any]


@dataclass
class Drill:
    """A drill of a plan, after other drills where it says so; `is_after` hides the id of its plan until apply.

    `is_emptied` has an action terminate what it launched as soon as it was created.
    """

    identity: str
    plan: str
    attributes: dict[str, Any]
    after: list[str] = field(default_factory=list)
    is_after: bool = False
    is_emptied: bool = False


@dataclass
class Configuration:
    """Everything of one step, by keys that are the labels of its resources."""

    groups: dict[str, Group] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    drills: dict[str, Drill] = field(default_factory=dict)
    # Other accounts, by the keys of `SPOKES`.
    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    default_tags: dict[str, str] = field(default_factory=dict)
    groups_placed: str = OWN
    plans_placed: str = OWN
    # What else is read or written, by its name in `reads`.
    looks: list[str] = field(default_factory=list)
    # Kinds of actions that are declared and that nothing invokes.
    actions: list[str] = field(default_factory=list)

    def launched(self, plan: str, world: World) -> list[str]:
        """The servers that a drill of a plan launches, wave by wave in launch order."""
        return [name for wave in self.plans[plan].waves for name in self.of_wave(wave, world)]

    def of_wave(self, wave: Wave, world: World) -> list[str]:
        chosen = plain(wave.attributes.get("source_server_ids"))
        return list(chosen.names) if chosen else self.candidates(wave, world)

    def candidates(self, wave: Wave, world: World) -> list[str]:
        return [name for key in wave.groups for name in self.groups[key].members(world)]

    def drills_of(self, plan: str) -> dict[str, Drill]:
        return {key: drill for key, drill in self.drills.items() if drill.plan == plan}

    def is_drilled(self, plan: str) -> bool:
        return bool(self.drills_of(plan) or self.plans[plan].action)

    def group_at(self, key: str) -> str:
        """A group as an expression."""
        ways = {
            OWN: f"drs_protection_group.{key}",
            EACH: f'drs_protection_group.all["{key}"]',
            MODULE: f'module.groups["{key}"].it',
        }
        return ways[self.groups_placed]

    def plan_at(self, key: str) -> str:
        """A plan as an expression."""
        return f'module.plans["{key}"].it' if self.plans_placed == MODULE else f"drs_recovery_plan.{key}"

    def addresses(self) -> dict[str, str]:
        """The addresses of groups, plans and drills by their identities."""
        groups, plans = ".drs_protection_group.it", ".drs_recovery_plan.it"
        found = {}
        for key, group in self.groups.items():
            found[f"group {group.identity}"] = self.group_at(key).replace("].it", "]" + groups)
        for key, plan in self.plans.items():
            found[f"plan {plan.identity}"] = self.plan_at(key).replace("].it", "]" + plans)
        for key, drill in self.drills.items():
            found[f"drill {drill.identity}"] = f"drs_drill_execution.{key}"
        return found


def moved(before: Configuration, after: Configuration) -> dict[str, str]:
    """What is at another address than before: the old addresses with the new ones."""
    old, new = before.addresses(), after.addresses()
    return {old[it]: new[it] for it in old if it in new and old[it] != new[it]}


def depends_on(plan: Plan, position: int) -> list[str]:
    """The names of the waves that a wave waits for."""
    written = plain(plan.waves[position].attributes.get("depends_on_waves"))
    if written is not None:
        return [plain(name) for name in written]
    return [plain(plan.waves[position - 1].attributes["name"])] if position else []


def plain(value: Any) -> Any:
    """A value as it is after apply."""
    return value.value if isinstance(value, After) else value


def free(taken: Iterable[str], keys: list[str]) -> str:
    """A key that is not taken, one of these if there is one."""
    taken = set(taken)
    numbered = [f"{keys[-1]}_{number}" for number in range(len(taken) + 1)]
    return next(key for key in [*keys, *numbered] if key not in taken)
