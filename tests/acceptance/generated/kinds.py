"""What comes up in a life: which attributes are set, which things there are and how they are placed, what is changed."""

from itertools import combinations
from typing import Any

from .actions import DECLARED
from .changes import CHANGES
from .model import EACH, MODULE, OWN, After, Configuration, plain
from .reads import LOOKS
from .values import ABOUT, ACTION, CHECKS, DRILL, HOOK, NOTIFICATIONS, OBJECTIVES, PLAN, TARGET, WAVE
from .world import HOME, REGION, SPOKES, spoke

# Of how many seeds any two are looked at.
PAIRED = 400
# Those that every sample has.
WANTED = {
    *(f"group {name}" for name in (*ABOUT, "region", "servers", "tags that select")),
    *(f"plan {name}" for name in (*ABOUT, *OBJECTIVES, *NOTIFICATIONS, *PLAN, "after apply", "action", "approval")),
    *(f"wave {name}" for name in (*WAVE, "source_server_ids", "critical_server_ids", "depends_on_waves", "after apply")),
    *(f"checks {name}" for name in (*CHECKS, "ssm_parameters")),
    *(f"hook {name}" for name in (*HOOK, "lambda_function", "automation_document", "document_version", "parameters")),
    *(f"drill {name}" for name in (*DRILL, "triggers", "recovery_point_before", "recovery_snapshots")),
    *("drill after apply", "drill after another", "drill emptied", "drill elsewhere", "drill of a target"),
    *(f"target {name}" for name in (*TARGET, *SPOKES)),
    *(f"action {name}" for name in (*ACTION, *DECLARED)),
    *(f"groups {way}" for way in (OWN, EACH, MODULE)),
    *(f"plans {way}" for way in (OWN, MODULE)),
    *(f"look {look}" for look in LOOKS),
    *(f"change {todo.__name__}" for todo in CHANGES),
    *("default_tags", "value after apply"),
}


def kinds(steps: list[Configuration], changes: list[str], world: Any) -> set[str]:
    """What comes up in the steps of a life, and in the changes between them."""
    found = {f"change {name}" for name in changes}
    for made in steps:
        found |= of_configuration(made, world)
    return found


def of_configuration(made: Configuration, world: Any) -> set[str]:
    found = {f"groups {made.groups_placed}", f"plans {made.plans_placed}"}
    found |= {f"look {look}" for look in made.looks} | {f"action {kind}" for kind in made.actions}
    found |= {"default_tags"} if made.default_tags else set()
    for group in made.groups.values():
        found |= named("group", group.attributes) | {"group servers" if group.is_listed else "group tags that select"}
    for key, target in made.targets.items():
        found |= named("target", target) | {f"target {key}"}
    for plan in made.plans.values():
        found |= named("plan", plan.attributes) | said("plan", {"approval": plan.pauses, "after apply": plan.is_after})
        if plan.action:
            found |= named("action", plan.action.attributes) | {"plan action"}
        for wave in plan.waves:
            found |= named("wave", wave.attributes) | said("wave", {"after apply": wave.is_after})
            found |= named("checks", wave.attributes.get("checks", {}))
            for hook in (*wave.attributes.get("before_hooks", []), *wave.attributes.get("after_hooks", [])):
                found |= named("hook", hook)
    for drill in made.drills.values():
        found |= named("drill", drill.attributes)
        places = {world.servers[name].place for name in made.launched(drill.plan, world)}
        is_elsewhere = any(account == HOME and region != REGION for account, region in places)
        is_of_target = any(spoke(account) for account, _ in places)
        found |= said("drill", {"after apply": drill.is_after, "after another": drill.after, "emptied": drill.is_emptied})
        found |= said("drill", {"elsewhere": is_elsewhere, "of a target": is_of_target})
    return found


def named(what: str, attributes: dict[str, Any]) -> set[str]:
    found = {f"{what} {name}" for name in attributes if plain(attributes[name]) is not None}
    return found | ({"value after apply"} if any(isinstance(it, After) for it in attributes.values()) else set())


def said(what: str, words: dict[str, Any]) -> set[str]:
    return {f"{what} {word}" for word, is_so in words.items() if is_so}


def cover(of_seeds: dict[int, set[str]], costs: dict[int, int], wanted: set[str]) -> list[int]:
    """Few seeds in which everything that is wanted comes up: the cheapest two where there are two, else more."""
    best = sorted(of_seeds, key=lambda seed: (-len(of_seeds[seed] & wanted), seed))
    pairs = [pair for pair in combinations(best[:PAIRED], 2) if wanted <= of_seeds[pair[0]] | of_seeds[pair[1]]]
    if pairs:
        return list(min(pairs, key=lambda pair: sum(costs[seed] for seed in pair)))
    chosen: list[int] = []
    while left := wanted.difference(*(of_seeds[seed] for seed in chosen)):
        # Each time the one that adds most.
        adds = max(of_seeds, key=lambda seed: (len(of_seeds[seed] & left), -seed))
        assert of_seeds[adds] & left, f"no seed has {sorted(left)}"
        chosen.append(adds)
    return chosen
