"""Generated configurations as HCL.

The same configuration can be written in many ways: what is absent may be left out, be null, or be its default; maps and
objects have their keys in any order; ids are literals or come from a data source. A [`Style`] chooses, by chance of its own,
and no choice of it means anything to the provider.
"""

import re
from random import Random
from typing import Any

from .configuration import Expression, block, data, output, resource, value
from .generated import EMPTY_REGION, HOME, REGION, SPOKE, After, Configuration, Digest, Group, Hosts, Plan, World

NOTHING = object()

# What may be left out, with its default where there is one.
GROUP = {"description": NOTHING, "tags": NOTHING, "account_id": HOME, "region": REGION}
PLAN = dict.fromkeys(["description", "tags", "execution_timeout_seconds", "drill_guard", "notifications"], NOTHING)
WAVE = dict.fromkeys(
    [
        "depends_on_waves",
        "source_server_ids",
        "max_in_flight",
        "critical_server_ids",
        "min_success_percent",
        "checks",
        "before_hooks",
        "after_hooks",
    ],
    NOTHING,
) | {
    "launch_order": "PARALLEL",
    "wait_time_seconds": 0,
    "timeout_seconds": 7200,
    "pause_before": False,
    "on_failure": "halt",
    "retries": 0,
}
CHECKS = dict.fromkeys(
    ["instance_status_timeout_seconds", "ssm_document", "ssm_parameters", "lambda_function"],
    NOTHING,
) | {"timeout_seconds": 600, "on_degraded": "continue"}
HOOK = dict.fromkeys(
    ["lambda_function", "automation_document", "document_version", "parameters", "account_id", "region"],
    NOTHING,
) | {"timeout_seconds": 300, "on_failure": "fail"}
DRILL = dict.fromkeys(
    ["triggers", "max_lifetime", "timeouts", "recovery_point_before", "recovery_snapshots"],
    NOTHING,
) | {"cleanup": "on_destroy", "fail_on_unsuccessful": True}
TARGET = dict.fromkeys(["name", "description", "session_name", "session_duration_seconds"], NOTHING)


class Style:
    """How a configuration is written; the one of seed 0 leaves out what is absent and shuffles nothing."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed) if seed else None

    def order(self, items: dict[str, Any]) -> dict[str, Any]:
        if not self.random:
            return items
        return dict(self.random.sample(list(items.items()), len(items)))

    def is_so(self, share: float) -> bool:
        return bool(self.random) and self.random.random() < share

    def full(self, given: dict[str, Any], optional: dict[str, Any]) -> dict[str, Any]:
        """The attributes, with some of those written out that are absent."""
        written = dict(given)
        for name, default in optional.items():
            if name in given:
                continue
            if self.is_so(0.2):
                written[name] = None
            elif default is not NOTHING and self.is_so(0.3):
                written[name] = default
        return self.order(written)


class Writer:
    """Writes one configuration. What is known only after apply goes through a resource of Terraform's own."""

    def __init__(self, made: Configuration, world: World, style: Style) -> None:
        self.made, self.world, self.style = made, world, style
        self.hidden: dict[str, str] = {}

    def text(self) -> list[str]:
        """Every block except for the provider's."""
        blocks = [*self.groups(), *self.plans(), *self.drills(), *self.target(), *self.looks()]
        servers = Expression("{ for s in data.drs_source_servers.home.servers : s.hostname => s.id }")
        blocks += [data("drs_source_servers", "home"), block("locals", ids=servers)]
        hidden = self.style.order(self.hidden)
        return blocks + [resource("terraform_data", label, input=Expression(given)) for label, given in hidden.items()]

    # Resources.

    def groups(self) -> list[str]:
        groups = {key: self.group(key, group) for key, group in self.made.groups.items()}
        if not self.made.is_each:
            return [self.resource("drs_protection_group", key, given) for key, given in groups.items()]
        # Every object needs every attribute that is asked for.
        names = dict.fromkeys(name for given in groups.values() for name in given)
        full = {key: dict.fromkeys(names) | given for key, given in groups.items()}
        each = {name: Expression(f"each.value.{name}") for name in names}
        each = {"for_each": Expression(self.value(full, "group"))} | each
        return [resource("drs_protection_group", "all", **each)]

    def group(self, key: str, group: Group) -> dict[str, Any]:
        given = dict(group.attributes)
        is_listed = isinstance(group.selection.value if isinstance(group.selection, After) else group.selection, Hosts)
        given["source_server_ids" if is_listed else "server_selection_tags"] = group.selection
        if group.region == EMPTY_REGION:
            given["region"] = EMPTY_REGION
        if group.account == SPOKE:
            given.pop("region", None)
            attribute = "account_id" if self.style.is_so(0.5) else "id"
            given["account_id"] = Expression(f"drs_target_account.ledger.{attribute}")
            if self.style.is_so(0.5):
                given["region"] = REGION
        return self.style.full(given, GROUP)

    def plans(self) -> list[str]:
        found = []
        for key, plan in self.made.plans.items():
            given = self.style.full(plan.attributes | {"waves": self.waves(plan)}, PLAN)
            found.append(self.resource("drs_recovery_plan", key, given))
        return found

    def waves(self, plan: Plan) -> Any:
        if plan.is_after:
            # Another way to write what Terraform's own resource keeps would be another value to it.
            waves = Writer(self.made, self.world, Style(0))._waves(plan)
            return After(waves)
        return self._waves(plan)

    def _waves(self, plan: Plan) -> list[dict[str, Any]]:
        waves = []
        for wave in plan.waves:
            ids = [Expression(self.group_at(key) + ".id") for key in wave.groups]
            given = wave.attributes | {"protection_group_ids": After(ids) if wave.is_after else ids}
            if "checks" in given:
                given["checks"] = self.style.full(given["checks"], CHECKS)
            for name in ("before_hooks", "after_hooks"):
                if name in given:
                    given[name] = [self.style.full(hook, HOOK) for hook in given[name]]
            waves.append(self.style.full(given, WAVE))
        return waves

    def drills(self) -> list[str]:
        found = []
        for key, drill in self.made.drills.items():
            plan = Expression(f"drs_recovery_plan.{drill.plan}.id")
            given = {"recovery_plan_id": After(plan) if drill.is_after else plan} | drill.attributes
            given = self.style.full(given, DRILL)
            if drill.after:
                given["depends_on"] = [Expression(f"drs_drill_execution.{other}") for other in drill.after]
            found.append(self.resource("drs_drill_execution", key, given))
        return found

    def target(self) -> list[str]:
        if not self.made.target:
            return []
        given = dict(self.made.target)
        if self.style.random:
            # A set has no order.
            given["regions"] = self.style.random.sample(given["regions"], len(given["regions"]))
        return [self.resource("drs_target_account", "ledger", self.style.full(given, TARGET))]

    def resource(self, kind: str, key: str, given: dict[str, Any]) -> str:
        path = f"{kind.removeprefix('drs_')}_{key}"
        written = {name: Expression(self.value(item, f"{path}_{name}")) for name, item in given.items()}
        return resource(kind, key, **written)

    # Data sources, of which outputs show what stays.

    def looks(self) -> list[str]:
        made, found = self.made, []
        if "preflight" in made.looks:
            for key in made.plans:
                found.append(data("drs_preflight", key, recovery_plan_id=Expression(f"drs_recovery_plan.{key}.id")))
                found.append(output(f"preflight_{key}", f"data.drs_preflight.{key}.plan_name"))
        for key, drill in made.drills.items():
            at = f"drs_drill_execution.{key}"
            if "execution" in made.looks:
                found.append(data("drs_execution", key, id=Expression(f"{at}.id")))
                found.append(output(f"execution_{key}", f"data.drs_execution.{key}.servers"))
            if "newest" in made.looks:
                plan = Expression(f"drs_recovery_plan.{drill.plan}.id")
                found.append(data("drs_execution", f"newest_{key}", recovery_plan_id=plan, depends_on=[Expression(at)]))
        if "target" in made.looks and made.target:
            found.append(data("drs_target_check", "ledger", account_id=Expression("drs_target_account.ledger.id")))
            found.append(output("ready", "data.drs_target_check.ledger.ready"))
        return found

    # Values.

    def group_at(self, key: str) -> str:
        return f'drs_protection_group.all["{key}"]' if self.made.is_each else f"drs_protection_group.{key}"

    def value(self, given: Any, path: str) -> str:
        """A value in HCL; `path` names what is hidden in it."""
        if isinstance(given, After):
            label = re.sub(r"\W", "_", path)
            self.hidden[label] = self.value(given.value, path + "_in")
            return f"terraform_data.{label}.output"
        if isinstance(given, Hosts):
            return "[" + ", ".join(self.server(name) for name in given.names) + "]"
        if isinstance(given, Digest):
            return f"{self.group_at(given.group)}.digest"
        if isinstance(given, dict):
            items = self.style.order(given).items()
            return "{ " + ", ".join(f"{value(str(name))} = {self.value(item, f'{path}_{name}')}" for name, item in items) + " }"
        if isinstance(given, list):
            return "[" + ", ".join(self.value(item, f"{path}_{number}") for number, item in enumerate(given)) + "]"
        return value(given)

    def server(self, name: str) -> str:
        server = self.world.servers[name]
        if server.account == HOME and self.style.is_so(0.5):
            return f'local.ids["{name}"]'
        return value(server.id)


def write(made: Configuration, world: World, style: int) -> list[str]:
    """A configuration in the style of a seed, without the provider's block."""
    return Writer(made, world, Style(style)).text()
