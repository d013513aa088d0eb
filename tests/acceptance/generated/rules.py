"""When a generated configuration is valid, and when one can follow another."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from .model import MODULE, Configuration, Digest, Drill, Plan, depends_on, moved, plain
from .world import HOME, REGION, SPOKES, STUBS, UNDRILLED, UNGUARDED, World, spoke

WAVES = 6
# Values of `cleanup` with which nothing of a drill that completed is left at its end.
AT_ITS_END = ("always", "on_success")


def problems(made: Configuration, world: World) -> list[str]:
    """The rules that a configuration breaks; none when it is valid."""
    found = list(twice("group name", (group.attributes["name"] for group in made.groups.values())))
    found += twice("plan name", (plan.attributes["name"] for plan in made.plans.values()))
    for things in (made.groups, made.plans, made.drills):
        found += twice("identity", (thing.identity for thing in things.values()))
    listed = [group.members(world) for group in made.groups.values() if group.is_listed]
    found += twice("listed server", (name for names in listed for name in names))
    found += ["empty group" for names in listed if not names]
    for group in made.groups.values():
        found += ["server elsewhere" for name in group.members(world) if world.servers[name].place != group.place]
    found += ["no target" for group in made.groups.values() if not is_reached(made, *group.place)]
    found += ["drill of nothing" for drill in made.drills.values() if drill.plan not in made.plans]
    if found:
        return found
    for plan in made.plans.values():
        found += of_plan(made, plan, world)
    drilled = [key for key in made.plans if made.is_drilled(key)]
    found += twice("drilled server", (name for key in drilled for name in made.launched(key, world)))
    for key in drilled:
        found += of_drilled(made, key, world)
    for drill in made.drills.values():
        found += of_drill(made, drill, world)
    return found


def is_reached(made: Configuration, account: str, region: str) -> bool:
    """Whether the provider works in a place."""
    target = made.targets.get(spoke(account) or "")
    return account == HOME or bool(target and region in target["regions"])


def of_plan(made: Configuration, plan: Plan, world: World) -> list[str]:
    if any(key not in made.groups for wave in plan.waves for key in wave.groups):
        return ["missing group"]
    names = [plain(wave.attributes["name"]) for wave in plan.waves]
    found = list(twice("wave", names)) + broken("number of waves", not 0 < len(plan.waves) <= WAVES)
    found += broken("trigger in a module", plan.action is not None and made.plans_placed == MODULE)
    uses = Counter(key for wave in plan.waves for key in wave.groups)
    finished: set[str] = set()
    # A wave may depend on one that comes later, so it is gone through as often as there are waves.
    for _ in plan.waves:
        for position, name in enumerate(names):
            if set(depends_on(plan, position)) <= finished:
                finished.add(name)
    found += broken("waves wait for each other", finished != set(names))
    for wave in plan.waves:
        here, chosen = made.candidates(wave, world), made.of_wave(wave, world)
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
        hooks = [*wave.attributes.get("before_hooks", []), *wave.attributes.get("after_hooks", [])]
        found += ["hook elsewhere" for hook in hooks if not is_there(made, hook)]
    return found


def is_there(made: Configuration, hook: dict[str, Any]) -> bool:
    """Whether a hook runs where its function or document is."""
    account = plain(hook.get("account_id", HOME))
    account = account if isinstance(account, str) else SPOKES[account.key]
    place = (account, plain(hook.get("region", REGION)))
    return place in STUBS and is_reached(made, *place)


def of_drilled(made: Configuration, key: str, world: World) -> list[str]:
    plan, drills, launched = made.plans[key], made.drills_of(key), made.launched(key, world)
    found = ["undrilled server" for name in launched if name == UNDRILLED]
    found += ["empty group" for wave in plan.waves for at in wave.groups if not made.groups[at].members(world)]
    found += broken("guard", not launched or ("drill_guard" in plan.attributes and bool(UNGUARDED & set(launched))))
    found += broken("two kinds of drills", bool(plan.action and drills))
    if plan.pauses:
        returns = [plain(drill.attributes.get("on_pause")) == "return" for drill in drills.values()]
        # It runs until it is resumed, which is after the apply; whoever resumes it follows it to its end.
        found += broken("pauses", sum(wave.pauses for wave in plan.waves) > 1)
        is_alone = len(drills) == 1 and not any(drill.is_emptied for drill in drills.values())
        found += broken("pause", bool(plan.action) or not is_alone or not all(returns))
    return found


def of_drill(made: Configuration, drill: Drill, world: World) -> list[str]:
    points = plain(drill.attributes.get("recovery_snapshots")) or {}
    found = ["point of no server" for name in points if name not in made.launched(drill.plan, world)]
    found += ["two kinds of points" for _ in points if "recovery_point_before" in drill.attributes]
    triggers = (plain(drill.attributes.get("triggers")) or {}).values()
    owners = {"group": made.groups, "plan": made.plans}
    digests = [value for value in map(plain, triggers) if isinstance(value, Digest)]
    return found + ["digest of nothing" for value in digests if value.key not in owners[value.kind]]


def problems_between(before: Configuration, after: Configuration) -> list[str]:
    """Why what is moved from one configuration to another could not be; none when it can."""
    ways, old, new = moved(before, after), set(before.addresses().values()), set(after.addresses().values())
    found = ["moved to what was there" for at in ways.values() if at in old]
    return found + ["moved from what is there" for at in ways if at in new]


def left_behind(before: list[Configuration], after: Configuration, world: World) -> list[str]:
    """Drills with instances in a place that is no longer reached: the target stays for them. It goes with those that clean up.

    Which of them ran when is not looked at, nor what an action terminates, which is not on every host.
    """
    found = []
    drills = {drill.identity for drill in after.drills.values()}
    cleanups = {drill.identity: cleanup(drill.attributes) for made in before for drill in made.drills.values()}
    for made in before:
        for key, plan in made.plans.items():
            places = {world.servers[name].place for name in made.launched(key, world)}
            if all(is_reached(after, *place) for place in places):
                continue
            stay = [it for it in made.drills_of(key).values() if cleanup(it.attributes) not in AT_ITS_END]
            found += ["drill is left" for it in stay if it.identity in drills or cleanups[it.identity] == "never"]
            found += broken("action is left", bool(plan.action and cleanup(plan.action.attributes) == "never"))
    return found


def cleanup(attributes: dict[str, Any]) -> str | None:
    return plain(attributes.get("cleanup"))


def broken(rule: str, is_broken: bool) -> list[str]:
    return [rule] if is_broken else []


def twice(what: str, values: Iterable[Any]) -> Iterable[str]:
    counts = Counter(str(plain(value)).casefold() for value in values)
    return (f"{what} {name} twice" for name, count in counts.items() if count > 1)
