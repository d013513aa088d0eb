"""What somebody does to a generated configuration next: valid changes, chosen by chance.

Each change is a function that does it to a copy, where it can be done; what breaks a rule afterwards is thrown away and another
is tried. Its name is what a report calls it.
"""

from copy import deepcopy
from random import Random

from . import attributes, members, names, parts
from .choosing import Change, Impossible
from .maker import Maker, more
from .model import After, Configuration, Hosts, plain
from .rules import is_there, left_behind, problems, problems_between
from .world import World

# A change that cannot be done, or is not valid, is tried again with other choices.
TRIES = 8
# How often there is one change more, and in a configuration that is not plain.
ANOTHER, ANOTHER_RICH = 0.3, 0.95
# Most changes of one step.
AT_ONCE = 14


def change(seed: int, known: list[str], before: list[Configuration], world: World) -> tuple[list[str], Configuration]:
    """The next step of a seed after those before it: what is done, mostly one thing, and what comes of it.

    It can be gone back from to each of them. What is `known`, because it was done before, is done where nothing else can be.
    """
    maker = Maker(Random(f"change {seed} {len(before)}"), world, more(seed))
    found: list[str] = []
    made = one_change(maker, before[-1], before, known, found)
    for _ in range(AT_ONCE - 1):
        if not maker.is_so(ANOTHER_RICH if maker.more > 1 else ANOTHER):
            break
        names = list(found)
        after = one_change(maker, made, before, known, names)
        # They may undo each other.
        if after != before[-1]:
            found, made = names, after
    # Data sources and outputs come and go whatever else is changed.
    made.looks = maker.looks()
    return found, made


def one_change(
    maker: Maker, first: Configuration, before: list[Configuration], known: list[str], names: list[str]
) -> Configuration:
    """A change more; its name is added to those of the same step."""
    order = sorted(maker.random.sample(CHANGES, len(CHANGES)), key=lambda todo: todo.__name__ in (*known, *names))
    # Each kind is tried a few times before another is, so that those that are seldom possible come up, too.
    for todo in order:
        for _ in range(TRIES):
            made = deepcopy(first)
            try:
                todo(maker, made)
            except Impossible:
                continue
            prune(maker, made)
            is_valid = made != first and not problems(made, maker.world)
            if is_valid and not any(problems_between(old, made) for old in before) and stays_in_reach(made, before, maker.world):
                names.append(todo.__name__)
                return made
    raise AssertionError("there is no valid change")


def stays_in_reach(made: Configuration, before: list[Configuration], world: World) -> bool:
    """Whether what drills launched stays in reach: in the next step, and in the last one, which is as at first."""
    return not left_behind(before, made, world) and not left_behind([*before, made], before[0], world)


def prune(maker: Maker, made: Configuration) -> None:
    """Servers and waves that a wave can no longer have are no longer named by it, nor is a target by hooks."""
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
            for name in ("before_hooks", "after_hooks"):
                if name in wave.attributes:
                    wave.attributes[name] = [hook for hook in wave.attributes[name] if is_there(made, hook)]
        plan.waves = [wave for wave in plan.waves if wave.groups]
        names = {plain(wave.attributes["name"]) for wave in plan.waves}
        for wave in plan.waves:
            written = plain(wave.attributes.get("depends_on_waves"))
            if written and not set(written) <= names:
                wave.attributes["depends_on_waves"] = [name for name in written if name in names]


# They decide nothing about what a drill does, so no digest changes.
KEEP_DIGESTS = {
    "group_attribute",
    "plan_words",
    "rename_group",
    "rename_plan",
    "default_tags",
    "target_attribute",
    "target_regions",
    "action_attribute",
    "declared_actions",
    "moved_group",
    "moved_plan",
    "moved_drill",
    "groups_elsewhere",
    "plans_elsewhere",
}
# They only say where something is in the configuration, so nothing is done at all.
ONLY_MOVE = {"moved_group", "moved_plan", "moved_drill", "groups_elsewhere", "plans_elsewhere"}

CHANGES: list[Change] = [
    attributes.group_attribute,
    attributes.plan_attribute,
    attributes.plan_words,
    attributes.wave_attribute,
    attributes.wave_attribute,
    attributes.wave_checks,
    attributes.wave_hooks,
    attributes.drill_attribute,
    attributes.drill_attribute,
    attributes.drill_triggers,
    attributes.drill_points,
    attributes.action_attribute,
    attributes.target_attribute,
    attributes.target_regions,
    attributes.default_tags,
    attributes.group_region,
    attributes.ids_after_apply,
    attributes.known_after_apply,
    attributes.known_after_apply,
    attributes.waves_after_apply,
    members.reorder,
    members.launch_order,
    members.move_server,
    members.move_server,
    members.exchange_servers,
    members.change_selection,
    members.reorder_waves,
    names.rename_wave,
    names.rename_group,
    names.rename_plan,
    names.hand_on_name,
    names.another_label,
    names.another_plan,
    names.moved_group,
    names.moved_plan,
    names.moved_drill,
    names.groups_elsewhere,
    names.plans_elsewhere,
    parts.add_group,
    parts.remove_group,
    parts.add_wave,
    parts.remove_wave,
    parts.add_plan,
    parts.remove_plan,
    parts.add_drill,
    parts.remove_drill,
    parts.add_target,
    parts.remove_target,
    parts.action_of_plan,
    parts.declared_actions,
    parts.approval,
]
