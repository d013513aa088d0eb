"""What somebody does to a generated configuration next: one valid change, chosen by chance.

Each change is a function that does it to a copy, where it can be done; what breaks a rule afterwards is thrown away and another
is tried. Its name is what a report calls it.
"""

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from .generated import (
    ABOUT,
    CHECKS,
    DRILL,
    HOME,
    PLAN,
    REGION,
    TARGET,
    UNITS,
    WAVE,
    After,
    Configuration,
    Group,
    Hosts,
    Maker,
    Plan,
    Wave,
    World,
    depends_on,
    free,
    plain,
)

# A change that cannot be done, or is not valid, is tried again with other choices.
TRIES = 8

Change = Callable[[Maker, Configuration], None]


class Impossible(Exception):
    """There is nothing in this configuration that the change could be done to."""


def change(seed: int, first: Configuration, world: World) -> tuple[list[str], Configuration]:
    """The second step of a seed: what is done, mostly one thing, and what comes of it."""
    maker = Maker(Random(f"change {seed}"), world)
    name, second = one_change(maker, first)
    if maker.is_so(0.3):
        other, third = one_change(maker, second)
        # They may undo each other.
        if third != first:
            return [name, other], third
    return [name], second


def one_change(maker: Maker, first: Configuration) -> tuple[str, Configuration]:
    # Each kind is tried a few times before another is, so that those that are seldom possible come up, too.
    for todo in maker.random.sample(CHANGES, len(CHANGES)):
        for _ in range(TRIES):
            made = deepcopy(first)
            try:
                todo(maker, made)
            except Impossible:
                continue
            prune(maker, made)
            if made != first and not made.problems(maker.world):
                return todo.__name__, made
    raise AssertionError("there is no valid change")


def prune(maker: Maker, made: Configuration) -> None:
    """Servers that a wave can no longer have are no longer named by it, nor by points."""
    for plan in made.plans.values():
        for wave in plan.waves:
            wave.groups = [key for key in wave.groups if key in made.groups]
            for name, there in (("source_server_ids", made.candidates), ("critical_server_ids", made.of_wave)):
                if name in wave.attributes:
                    listed, here = wave.attributes[name], there(wave, maker.world)
                    kept = Hosts(tuple(host for host in plain(listed).names if host in here))
                    if not kept.names:
                        del wave.attributes[name]
                    elif kept != plain(listed):
                        wave.attributes[name] = After(kept) if isinstance(listed, After) else kept
        plan.waves = [wave for wave in plan.waves if wave.groups]
        names = {plain(wave.attributes["name"]) for wave in plan.waves}
        for wave in plan.waves:
            written = plain(wave.attributes.get("depends_on_waves"))
            if written and not set(written) <= names:
                wave.attributes["depends_on_waves"] = [name for name in written if name in names]


def pick(maker: Maker, items: Any) -> Any:
    found = list(items)
    if not found:
        raise Impossible
    return maker.random.choice(found)


# Attributes.


def toggle(maker: Maker, attributes: dict[str, Any], chances: dict[str, list[Any]]) -> None:
    """Removes an attribute, adds one, or gives it another value."""
    name = pick(maker, [name for name in chances if chances[name]])
    if name in attributes and maker.is_so(0.6):
        del attributes[name]
    else:
        attributes[name] = maker.maybe_after(maker.random.choice(chances[name]))


def group_attribute(maker: Maker, made: Configuration) -> None:
    toggle(maker, pick(maker, made.groups.values()).attributes, ABOUT)


def plan_attribute(maker: Maker, made: Configuration) -> None:
    toggle(maker, pick(maker, made.plans.values()).attributes, ABOUT | PLAN)


def wave_attribute(maker: Maker, made: Configuration) -> None:
    toggle(maker, a_wave(maker, made)[1].attributes, WAVE)


def wave_checks(maker: Maker, made: Configuration) -> None:
    wave = a_wave(maker, made)[1]
    if maker.is_so(0.3) and "checks" in wave.attributes:
        del wave.attributes["checks"]
        return
    checks = wave.attributes.setdefault("checks", {})
    toggle(maker, checks, CHECKS)
    if "ssm_document" not in checks:
        checks.pop("ssm_parameters", None)


def wave_hooks(maker: Maker, made: Configuration) -> None:
    wave, name = a_wave(maker, made)[1], maker.random.choice(["before_hooks", "after_hooks"])
    hooks = wave.attributes.get(name)
    if hooks and maker.is_so(0.5):
        hooks.pop(maker.random.randrange(len(hooks)))
    elif hooks is not None and maker.is_so(0.3):
        del wave.attributes[name]
    else:
        wave.attributes[name] = [*(hooks or []), maker.hook(f"added {len(hooks or [])}")]


def drill_attribute(maker: Maker, made: Configuration) -> None:
    toggle(maker, pick(maker, made.drills.values()).attributes, DRILL)


def drill_triggers(maker: Maker, made: Configuration) -> None:
    drill = pick(maker, made.drills.values())
    triggers = maker.triggers(made, drill.plan)
    drill.attributes["triggers"] = triggers | {"quarter": maker.maybe_after("2027-Q1")}


def drill_points(maker: Maker, made: Configuration) -> None:
    attributes = pick(maker, made.drills.values()).attributes
    attributes.pop("recovery_snapshots", None)
    if attributes.pop("recovery_point_before", None) is None:
        attributes["recovery_point_before"] = "2098-12-31T23:59:59Z"


def target_attribute(maker: Maker, made: Configuration) -> None:
    if not made.target:
        raise Impossible
    toggle(maker, made.target, TARGET)


def group_region(maker: Maker, made: Configuration) -> None:
    """The Region of a group, which stays the same, is written, or known only after apply."""
    group = pick(maker, [group for group in made.groups.values() if group.account == HOME and group.region == REGION])
    toggle(maker, group.attributes, {"region": [REGION]})


def default_tags(maker: Maker, made: Configuration) -> None:
    made.default_tags = {"Team": "dba"} if made.default_tags else {"Team": "recovery", "Floor": "3"}


def ids_after_apply(maker: Maker, made: Configuration) -> None:
    """The groups of a wave, or the plan of a drill, become known only after apply, or at once."""
    waves = [wave for plan in made.plans.values() for wave in plan.waves]
    chosen = pick(maker, [*waves, *made.drills.values()])
    chosen.is_after = not chosen.is_after


def known_after_apply(maker: Maker, made: Configuration) -> None:
    """A value that is known becomes one that is known only after apply, or the other way round."""
    owners = [*made.groups.values(), *made.plans.values(), *made.drills.values()]
    owners += [wave for plan in made.plans.values() for wave in plan.waves]
    attributes = pick(maker, owners).attributes
    name = pick(maker, attributes)
    given = attributes[name]
    # What is nested has its own place for this.
    if isinstance(given, dict | list) and name in ("checks", "before_hooks", "after_hooks", "triggers"):
        raise Impossible
    attributes[name] = given.value if isinstance(given, After) else After(given)


# Lists and places.


def reorder(maker: Maker, made: Configuration) -> None:
    """A list that says which, not in which order."""
    wave = a_wave(maker, made)[1]
    name = pick(maker, [name for name in ("depends_on_waves", "critical_server_ids") if name in wave.attributes])
    given = wave.attributes[name]
    names = list(getattr(plain(given), "names", plain(given)))
    maker.random.shuffle(names)
    wave.attributes[name] = Hosts(tuple(names)) if name == "critical_server_ids" else names


def launch_order(maker: Maker, made: Configuration) -> None:
    """The servers of a group, or the groups of a wave, in another order."""
    group = pick(maker, listing(made))
    names = list(plain(group.selection).names)
    maker.random.shuffle(names)
    group.selection = Hosts(tuple(names))
    maker.random.shuffle(a_wave(maker, made)[1].groups)


def move_server(maker: Maker, made: Configuration) -> None:
    """A server from one group to another."""
    one, other = two(maker, listing(made))
    host = pick(maker, plain(one.selection).names)
    one.selection = Hosts(tuple(name for name in plain(one.selection).names if name != host))
    other.selection = Hosts((*plain(other.selection).names, host))


def exchange_servers(maker: Maker, made: Configuration) -> None:
    """Two groups exchange a server each."""
    one, other = two(maker, listing(made))
    here, there = pick(maker, plain(one.selection).names), pick(maker, plain(other.selection).names)
    instead = {here: there, there: here}
    for group in (one, other):
        group.selection = Hosts(tuple(instead.get(name, name) for name in plain(group.selection).names))


def change_selection(maker: Maker, made: Configuration) -> None:
    """From servers to tags that select the same ones, or the other way round."""
    group = pick(maker, [group for group in made.groups.values() if group.account == HOME])
    members = group.members(maker.world)
    if isinstance(plain(group.selection), dict):
        group.selection = Hosts(tuple(members))
    elif len(members) == 1:
        group.selection = {"Name": members[0]}
    else:
        tiers = {maker.world.servers[name].tags.get("Tier", "") for name in members}
        group.selection = {"Tier": pick(maker, sorted(tiers - {""}))}


# Names.


def rename_wave(maker: Maker, made: Configuration) -> None:
    """A wave gets another name, and those that depend on it say so."""
    plan, wave = a_wave(maker, made)
    old = plain(wave.attributes["name"])
    wave.attributes["name"] = maker.maybe_after("renamed")
    for other in plan.waves:
        names = plain(other.attributes.get("depends_on_waves"))
        if names is not None:
            other.attributes["depends_on_waves"] = ["renamed" if name == old else name for name in names]


def rename_group(maker: Maker, made: Configuration) -> None:
    pick(maker, made.groups.values()).attributes["name"] = maker.maybe_after("Renamed")


def rename_plan(maker: Maker, made: Configuration) -> None:
    pick(maker, made.plans.values()).attributes["name"] = maker.maybe_after("Renamed")


def hand_on_name(maker: Maker, made: Configuration) -> None:
    """A group gets the name of another, which gets a new one."""
    one, other = two(maker, list(made.groups.values()))
    one.attributes["name"], other.attributes["name"] = other.attributes["name"], "Renamed"


def another_label(maker: Maker, made: Configuration) -> None:
    """A group goes and comes back at another address, with the same name and the same servers."""
    key = pick(maker, [key for key in made.groups if key != "ledger"])
    new = f"{key}_anew"
    made.groups = {new if old == key else old: group for old, group in made.groups.items()}
    for plan in made.plans.values():
        for wave in plan.waves:
            wave.groups = [new if old == key else old for old in wave.groups]
    for drill in made.drills.values():
        if "triggers" in drill.attributes:
            drill.attributes["triggers"] = maker.triggers(made, drill.plan)


# Parts that come and go.


def add_group(maker: Maker, made: Configuration) -> None:
    """A group of a server that no group lists, in a wave of its own or in none."""
    listed = {name for group in made.groups.values() for name in group.members(maker.world)}
    host = pick(maker, [name for unit in UNITS for name in unit if name not in listed])
    maker.add_group(made, [host])
    key = list(made.groups)[-1]
    if maker.is_so(0.6):
        plan = pick(maker, made.plans.values())
        wave = Wave([key], {"name": "added"})
        plan.waves.insert(maker.random.randint(0, len(plan.waves)), wave)


def remove_group(maker: Maker, made: Configuration) -> None:
    del made.groups[pick(maker, made.groups)]
    for drill in made.drills.values():
        if "triggers" in drill.attributes:
            drill.attributes["triggers"] = {"quarter": "2026-Q4"}


def add_wave(maker: Maker, made: Configuration) -> None:
    """A wave over a group that the plan does not have yet."""
    plan = pick(maker, made.plans.values())
    used = {key for wave in plan.waves for key in wave.groups}
    key = pick(maker, [key for key in made.groups if key not in used])
    plan.waves.insert(maker.random.randint(0, len(plan.waves)), Wave([key], {"name": "added"} | maker.actions()))


def remove_wave(maker: Maker, made: Configuration) -> None:
    plan, wave = a_wave(maker, made)
    plan.waves.remove(wave)


def reorder_waves(maker: Maker, made: Configuration) -> None:
    """The waves in another order of the list, each with what it depended on."""
    plan = pick(maker, made.plans.values())
    for position, wave in enumerate(plan.waves):
        wave.attributes["depends_on_waves"] = depends_on(plan, position)
    maker.random.shuffle(plan.waves)


def waves_after_apply(maker: Maker, made: Configuration) -> None:
    plan = pick(maker, made.plans.values())
    plan.is_after = not plan.is_after


def add_plan(maker: Maker, made: Configuration) -> None:
    maker.add_plan(made, is_drilled=maker.is_so(0.5))


def remove_plan(maker: Maker, made: Configuration) -> None:
    key = pick(maker, made.plans)
    del made.plans[key]
    remove_drills(made, [name for name, drill in made.drills.items() if drill.plan == key])


def another_plan(maker: Maker, made: Configuration) -> None:
    """A plan goes and comes back at another address, with the same name and the same waves; its drills follow it."""
    key = pick(maker, made.plans)
    new = free(made.plans, [f"{key}_anew"])
    made.plans[new] = made.plans.pop(key)
    for drill in made.drills.values():
        if drill.plan == key:
            drill.plan = new
            if "triggers" in drill.attributes:
                drill.attributes["triggers"] = maker.triggers(made, new)


def add_drill(maker: Maker, made: Configuration) -> None:
    """A drill of a plan, after the one that there may be."""
    plan = pick(maker, made.plans)
    others = [key for key, drill in made.drills.items() if drill.plan == plan]
    maker.add_drill(made, plan)
    list(made.drills.values())[-1].after = others[-1:]


def remove_drill(maker: Maker, made: Configuration) -> None:
    remove_drills(made, [pick(maker, made.drills)])


def look(maker: Maker, made: Configuration) -> None:
    """Data sources come and go."""
    kind = maker.random.choice(["preflight", "execution", "newest", "target"])
    made.looks = [other for other in made.looks if other != kind] if kind in made.looks else [*made.looks, kind]


def remove_drills(made: Configuration, keys: list[str]) -> None:
    for key in keys:
        del made.drills[key]
    for drill in made.drills.values():
        drill.after = [key for key in drill.after if key not in keys]


def a_wave(maker: Maker, made: Configuration) -> tuple[Plan, Wave]:
    plan = pick(maker, made.plans.values())
    return plan, pick(maker, plan.waves)


def listing(made: Configuration) -> list[Group]:
    """The groups of the home account that list servers."""
    groups = made.groups.values()
    return [group for group in groups if isinstance(plain(group.selection), Hosts) and group.account == HOME]


def two(maker: Maker, items: list[Any]) -> list[Any]:
    if len(items) < 2:
        raise Impossible
    return maker.random.sample(items, 2)


# They decide nothing about what a drill does, so no digest changes.
KEEP_DIGESTS = {"group_attribute", "rename_group", "rename_plan", "default_tags", "look", "target_attribute"}

CHANGES: list[Change] = [
    group_attribute,
    plan_attribute,
    wave_attribute,
    wave_attribute,
    wave_checks,
    wave_hooks,
    drill_attribute,
    drill_attribute,
    drill_triggers,
    drill_points,
    target_attribute,
    default_tags,
    group_region,
    ids_after_apply,
    known_after_apply,
    known_after_apply,
    reorder,
    launch_order,
    move_server,
    move_server,
    exchange_servers,
    change_selection,
    rename_wave,
    rename_group,
    rename_plan,
    hand_on_name,
    another_label,
    add_group,
    remove_group,
    add_wave,
    remove_wave,
    reorder_waves,
    waves_after_apply,
    add_plan,
    remove_plan,
    another_plan,
    add_drill,
    remove_drill,
    look,
]
