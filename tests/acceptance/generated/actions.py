"""Actions, which Terraform 1.14 and newer know: those that run on events of a resource, and those that are only declared."""

import re
from typing import TYPE_CHECKING, Any

from ..configuration import Expression, block
from .model import Configuration

if TYPE_CHECKING:
    from .text import Writer

# What is asked of an execution, beside why.
DECLARED: dict[str, dict[str, Any]] = {
    "drs_pause": {"before_wave": "last"},
    "drs_resume": {},
    "drs_cancel": {},
    "drs_retry_wave": {"wave": "database", "servers": ["db-1"]},
    "drs_skip_wave": {"wave": "database"},
    "drs_terminate_recovery_instances": {},
    "drs_start_drill": {"only_waves": ["database"], "exclude_servers": ["db-2"]},
    "drs_start_failover": {"confirm": "shop/1", "replace_live_instances": True},
}
OF_PLANS = ("drs_start_drill", "drs_start_failover")
# What Terraform says when it runs the drill of a plan. It runs one that it has planned also where nothing is left to update.
STARTED = re.compile(r"^Action started: action\.drs_start_drill\.of_(\w+) \(triggered by", re.MULTILINE)


def texts(w: "Writer") -> list[str]:
    """The blocks of all actions."""
    found = []
    for key, plan in w.made.plans.items():
        if plan.action:
            config = {"recovery_plan_id": Expression(f"drs_recovery_plan.{key}.id")} | plan.action.attributes
            found.append(action(w, "drs_start_drill", f"of_{key}", config))
    for key, drill in w.made.drills.items():
        if drill.is_emptied:
            config = {"execution_id": Expression(f"drs_drill_execution.{key}.id"), "reason": "It was looked at."}
            found.append(action(w, "drs_terminate_recovery_instances", f"of_{key}", config))
    executions = [Expression(f"drs_drill_execution.{key}.id") for key in w.made.drills]
    plans = [Expression(f"{w.made.plan_at(key)}.id") for key in w.made.plans]
    for kind in w.made.actions if plans else []:
        reason = Expression(f"join(\" \", [\"because of\", {w.made.plan_at(next(iter(w.made.plans)))}.name])")
        owner = {"recovery_plan_id": plans[0]} if kind in OF_PLANS else {"execution_id": (executions or ["exec-none"])[0]}
        found.append(action(w, kind, "declared", owner | {"reason": reason} | DECLARED[kind]))
    return found


def trigger(events: list[str], at: str) -> str:
    """The block in a resource that runs an action."""
    inner = block("action_trigger", events=[Expression(event) for event in events], actions=[Expression(at)])
    return block("lifecycle", body=inner)


def of_resource(made: Configuration, kind: str, key: str) -> str:
    """What a resource says of actions; nothing where there are none."""
    if kind == "drs_recovery_plan" and made.plans[key].action:
        return trigger(made.plans[key].action.events, f"action.drs_start_drill.of_{key}")
    if kind == "drs_drill_execution" and made.drills[key].is_emptied:
        return trigger(["after_create"], f"action.drs_terminate_recovery_instances.of_{key}")
    return ""


def action(w: "Writer", kind: str, label: str, config: dict[str, Any]) -> str:
    path = f"action_{kind}_{label}"
    lines = "".join(f"  {name} = {w.value(given, f'{path}_{name}')}\n" for name, given in w.style.order(config).items())
    return block("action", kind, label, body=f"config {{\n{lines}}}\n")
