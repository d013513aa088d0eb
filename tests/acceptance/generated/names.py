"""Changes of names and of addresses: what has another name, and what is moved to another place of the configuration."""

from .choosing import a_wave, pick, two
from .maker import Maker
from .model import EACH, MODULE, OWN, After, Configuration, Digest, Group, Plan, free, plain


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
    relabel_group(maker, made, "anew").identity += " anew"


def moved_group(maker: Maker, made: Configuration) -> None:
    """A group is moved to another label."""
    relabel_group(maker, made, "moved")


def another_plan(maker: Maker, made: Configuration) -> None:
    """A plan goes and comes back at another address, with the same name and the same waves; its drills follow it."""
    relabel_plan(maker, made, "anew").identity += " anew"


def moved_plan(maker: Maker, made: Configuration) -> None:
    relabel_plan(maker, made, "moved")


def moved_drill(maker: Maker, made: Configuration) -> None:
    """A drill is moved to another label, and does not run again for it."""
    key = pick(maker, made.drills)
    new = free(made.drills, [f"{key}_moved"])
    made.drills = {new if old == key else old: drill for old, drill in made.drills.items()}
    for drill in made.drills.values():
        drill.after = [new if old == key else old for old in drill.after]


def groups_elsewhere(maker: Maker, made: Configuration) -> None:
    """All groups are moved into `for_each`, into a module, or out of it."""
    made.groups_placed = pick(maker, [way for way in (OWN, EACH, MODULE) if way != made.groups_placed])


def plans_elsewhere(maker: Maker, made: Configuration) -> None:
    """All plans are moved into a module, or out of it."""
    made.plans_placed = OWN if made.plans_placed == MODULE else MODULE


def relabel_group(maker: Maker, made: Configuration, word: str) -> Group:
    key = pick(maker, made.groups)
    new = free(made.groups, [f"{key}_{word}"])
    made.groups = {new if old == key else old: group for old, group in made.groups.items()}
    for plan in made.plans.values():
        for wave in plan.waves:
            wave.groups = [new if old == key else old for old in wave.groups]
    rename_digests(made, Digest("group", key), Digest("group", new))
    return made.groups[new]


def relabel_plan(maker: Maker, made: Configuration, word: str) -> Plan:
    key = pick(maker, made.plans)
    new = free(made.plans, [f"{key}_{word}"])
    made.plans = {new if old == key else old: plan for old, plan in made.plans.items()}
    for drill in made.drills.values():
        drill.plan = new if drill.plan == key else drill.plan
    rename_digests(made, Digest("plan", key), Digest("plan", new))
    return made.plans[new]


def rename_digests(made: Configuration, old: Digest, new: Digest) -> None:
    """The triggers of drills name what they named."""
    for drill in made.drills.values():
        given = drill.attributes.get("triggers")
        if given is not None:
            triggers = {name: new if value == old else value for name, value in plain(given).items()}
            drill.attributes["triggers"] = After(triggers) if isinstance(given, After) else triggers
