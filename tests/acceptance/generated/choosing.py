"""How a change chooses what it is done to."""

from collections.abc import Callable
from typing import Any

from .maker import Maker
from .model import Configuration, Group, Plan, Wave

Change = Callable[[Maker, Configuration], None]


class Impossible(Exception):
    """There is nothing in this configuration that the change could be done to."""


def pick(maker: Maker, items: Any) -> Any:
    found = list(items)
    if not found:
        raise Impossible
    return maker.random.choice(found)


def a_wave(maker: Maker, made: Configuration) -> tuple[Plan, Wave]:
    plan = pick(maker, made.plans.values())
    return plan, pick(maker, plan.waves)


def listing(made: Configuration) -> list[Group]:
    """The groups that list servers."""
    groups = made.groups.values()
    return [group for group in groups if group.is_listed]


def two(maker: Maker, items: list[Any]) -> list[Any]:
    if len(items) < 2:
        raise Impossible
    return maker.random.sample(items, 2)


def neighbours(maker: Maker, made: Configuration) -> list[Group]:
    """Two groups that list servers of the same place."""
    one = pick(maker, listing(made))
    return [one, pick(maker, [other for other in listing(made) if other.place == one.place and other is not one])]
