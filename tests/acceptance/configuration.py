"""Configurations in HCL, written from Python values.

`resource("drs_protection_group", "database", name="database", source_server_ids=[...])` is the block that a person would
write. A value that is an expression, such as a reference, is wrapped in [`Expression`].
"""

import json
from typing import Any

TERRAFORM = 'terraform {\n  required_providers {\n    drs = { source = "drs-orchestration/drs" }\n  }\n}\n'


class Expression(str):
    """HCL that is not a literal."""


def block(kind: str, *labels: str, **attributes: Any) -> str:
    """A block. Attributes that are None are left out; nested blocks are given as text in `body`."""
    body = attributes.pop("body", "")
    head = " ".join([kind, *(f'"{label}"' for label in labels)])
    lines = [f"  {name} = {value(given)}\n" for name, given in attributes.items() if given is not None]
    return f"{head} {{\n{''.join(lines)}{body}}}\n"


def resource(kind: str, label: str, **attributes: Any) -> str:
    return block("resource", kind, label, **attributes)


def data(kind: str, label: str, **attributes: Any) -> str:
    return block("data", kind, label, **attributes)


def output(label: str, expression: str) -> str:
    return block("output", label, value=Expression(expression))


def group(label: str, **attributes: Any) -> str:
    """A protection group; its name is its label unless another is given."""
    return resource("drs_protection_group", label, **({"name": label} | attributes))


def plan(label: str, *waves: dict, **attributes: Any) -> str:
    """A recovery plan; its name is its label unless another is given."""
    return resource("drs_recovery_plan", label, **({"name": label} | attributes), waves=list(waves))


def wave(name: str, *groups: str, **attributes: Any) -> dict:
    """A wave over groups of the same configuration, named by their labels."""
    ids = [Expression(f"drs_protection_group.{label}.id") for label in groups]
    return {"name": name, "protection_group_ids": ids} | attributes


def drill(label: str, plan_label: str, **attributes: Any) -> str:
    """A drill of a plan of the same configuration."""
    return resource(
        "drs_drill_execution",
        label,
        recovery_plan_id=Expression(f"drs_recovery_plan.{plan_label}.id"),
        **attributes,
    )


def value(given: Any) -> str:
    """A value in HCL."""
    if isinstance(given, Expression):
        return given
    if isinstance(given, dict):
        return "{ " + ", ".join(f"{key(name)} = {value(item)}" for name, item in given.items()) + " }"
    if isinstance(given, list | tuple):
        return "[" + ", ".join(value(item) for item in given) + "]"
    return json.dumps(given)


def key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)
