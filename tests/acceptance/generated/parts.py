"""Changes of what there is: groups, waves, plans, drills, targets and actions that come and go."""

from .actions import DECLARED
from .choosing import Impossible, a_wave, pick
from .maker import Maker
from .model import OWN, Configuration, Trigger, Wave
from .values import ACTION, EVENTS
from .world import SPOKES, UNITS, spoke


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
    plan.waves.insert(maker.random.randint(0, len(plan.waves)), Wave([key], {"name": "added"} | maker.steps(made)))


def remove_wave(maker: Maker, made: Configuration) -> None:
    plan, wave = a_wave(maker, made)
    plan.waves.remove(wave)


def add_plan(maker: Maker, made: Configuration) -> None:
    if not made.groups:
        raise Impossible
    maker.add_plan(made, is_drilled=maker.is_so(0.5))


def remove_plan(maker: Maker, made: Configuration) -> None:
    key = pick(maker, made.plans)
    del made.plans[key]
    remove_drills(made, [name for name, drill in made.drills.items() if drill.plan == key])


def add_drill(maker: Maker, made: Configuration) -> None:
    """A drill of a plan, after the one that there may be."""
    plan = pick(maker, made.plans)
    others = [key for key, drill in made.drills.items() if drill.plan == plan]
    maker.add_drill(made, plan)
    list(made.drills.values())[-1].after = others[-1:]


def remove_drill(maker: Maker, made: Configuration) -> None:
    remove_drills(made, [pick(maker, made.drills)])


def remove_drills(made: Configuration, keys: list[str]) -> None:
    for key in keys:
        del made.drills[key]
    for drill in made.drills.values():
        drill.after = [key for key in drill.after if key not in keys]


def add_target(maker: Maker, made: Configuration) -> None:
    """A target, with a group of its servers."""
    key = pick(maker, [key for key in SPOKES if key not in made.targets])
    made.targets[key] = maker.target(key)
    maker.add_group(made, list(pick(maker, [it for it in UNITS if maker.world.servers[it[0]].place[0] == SPOKES[key]])))


def remove_target(maker: Maker, made: Configuration) -> None:
    """A target, and what is there."""
    key = pick(maker, made.targets)
    del made.targets[key]
    made.groups = {name: group for name, group in made.groups.items() if spoke(group.place[0]) != key}
    for drill in made.drills.values():
        if "triggers" in drill.attributes:
            drill.attributes["triggers"] = {"quarter": "2026-Q4"}


def action_of_plan(maker: Maker, made: Configuration) -> None:
    """The drill of a plan is an action from now on, or no longer is one."""
    key = pick(maker, made.plans)
    plan = made.plans[key]
    if plan.action:
        plan.action = None
    elif made.plans_placed != OWN:
        raise Impossible
    else:
        remove_drills(made, list(made.drills_of(key)))
        plan.action = Trigger(pick(maker, EVENTS), maker.some(ACTION))


def declared_actions(maker: Maker, made: Configuration) -> None:
    made.actions = [kind for kind in DECLARED if (kind in made.actions) != maker.is_so(0.3)]


def approval(maker: Maker, made: Configuration) -> None:
    """A wave is to be approved from now on, or no longer is; an apply of a drill does not wait for that."""
    key = pick(maker, made.plans)
    wave = pick(maker, made.plans[key].waves)
    if wave.pauses:
        del wave.attributes["pause_before"]
        return
    wave.attributes["pause_before"] = maker.maybe_after(True)
    for drill in made.drills_of(key).values():
        drill.attributes["on_pause"], drill.is_emptied = "return", False
