"""Changes of attributes: what is said of things that stay what they are."""

from typing import Any

from .choosing import Impossible, a_wave, pick
from .maker import Maker
from .model import After, Configuration
from .values import (
    ABOUT,
    ACTION,
    CHECKS,
    DRILL,
    EVENTS,
    NOTIFICATIONS,
    OBJECTIVES,
    PLAN,
    REGIONS,
    TARGET,
    WAVE,
    Values,
)
from .world import HOME, REGION


def toggle(maker: Maker, attributes: dict[str, Any], chances: Values) -> None:
    """Removes an attribute, adds one, or gives it another value."""
    name = pick(maker, [name for name in chances if chances[name]])
    if name in attributes and maker.is_so(0.6):
        del attributes[name]
    else:
        attributes[name] = maker.maybe_after(maker.random.choice(chances[name]))


def group_attribute(maker: Maker, made: Configuration) -> None:
    toggle(maker, pick(maker, made.groups.values()).attributes, ABOUT)


def plan_attribute(maker: Maker, made: Configuration) -> None:
    toggle(maker, pick(maker, made.plans.values()).attributes, PLAN)


def plan_words(maker: Maker, made: Configuration) -> None:
    """What is kept with a plan, and decides nothing."""
    toggle(maker, pick(maker, made.plans.values()).attributes, ABOUT | OBJECTIVES | NOTIFICATIONS)


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
        wave.attributes[name] = [*(hooks or []), maker.hook(made, f"added {len(hooks or [])}")]


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


def action_attribute(maker: Maker, made: Configuration) -> None:
    """Of a drill that is an action, or the events that it follows."""
    trigger = pick(maker, [plan.action for plan in made.plans.values() if plan.action])
    if maker.is_so(0.4):
        trigger.events = pick(maker, EVENTS)
    else:
        toggle(maker, trigger.attributes, ACTION)


def target_attribute(maker: Maker, made: Configuration) -> None:
    toggle(maker, pick(maker, made.targets.values()), TARGET)


def target_regions(maker: Maker, made: Configuration) -> None:
    key = pick(maker, made.targets)
    made.targets[key]["regions"] = pick(maker, REGIONS[key])


def group_region(maker: Maker, made: Configuration) -> None:
    """The Region of a group, which stays the same, is written, or known only after apply."""
    group = pick(maker, [group for group in made.groups.values() if group.place == (HOME, REGION)])
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


def waves_after_apply(maker: Maker, made: Configuration) -> None:
    plan = pick(maker, made.plans.values())
    plan.is_after = not plan.is_after
