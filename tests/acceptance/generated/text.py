"""Generated configurations as HCL.

The same configuration can be written in many ways: what is absent may be left out, be null, or be its default; maps and
objects have their keys in any order; ids are literals or come from a data source. A [`Style`] chooses, by chance of its own,
and no choice of it means anything to the provider.
"""

import re
from random import Random
from typing import Any

from ..configuration import TERRAFORM, Expression, block, data, resource, value
from . import actions
from .model import EACH, MODULE, After, Configuration, Digest, Drill, Group, Hosts, OfTarget, Plan, moved
from .reads import LOOKS, at
from .world import HOME, REGION, Place, World, spoke

NOTHING = object()
TYPES = {"group": "drs_protection_group", "plan": "drs_recovery_plan", "drill": "drs_drill_execution"}

# What may be left out, with its default where there is one.
GROUP = {"description": NOTHING, "tags": NOTHING, "account_id": HOME, "region": REGION}
PLAN = dict.fromkeys(
    [
        "description",
        "tags",
        "execution_timeout_seconds",
        "drill_guard",
        "notifications",
        "rto_objective",
        "rpo_objective",
    ],
    NOTHING,
)
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
) | {"cleanup": "on_destroy", "fail_on_unsuccessful": True, "on_pause": "wait"}
TARGET = dict.fromkeys(["name", "description", "session_name", "session_duration_seconds"], NOTHING)

# What the modules of groups and plans are, and give.
GROUP_MODULE = {
    "name": "string",
    "description": "optional(string)",
    "account_id": "optional(string)",
    "region": "optional(string)",
    "source_server_ids": "optional(list(string))",
    "server_selection_tags": "optional(map(string))",
    "tags": "optional(map(string))",
}
IT = 'output "it" {\n  value = %s\n}\n'


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

    def one(self, first: str, *others: str) -> str:
        """One of these, which mean the same."""
        return self.random.choice((first, *others)) if self.random else first

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

    def __init__(self, made: Configuration, world: World, style: Style, *, has_actions: bool) -> None:
        self.made, self.world, self.style, self.has_actions = made, world, style, has_actions
        self.hidden: dict[str, str] = {}
        # Where servers are looked up.
        self.looked_up: set[Place] = set()

    def text(self) -> list[str]:
        """Every block except for the provider's."""
        blocks = [*self.groups(), *self.plans(), *self.drills(), *self.targets()]
        for look in self.made.looks:
            blocks += LOOKS[look][0](self)
        if self.has_actions:
            blocks += actions.texts(self)
        blocks += [data("drs_source_servers", looked_up(place), **at(place)) for place in sorted(self.looked_up)]
        hidden = self.style.order(self.hidden)
        return blocks + [resource("terraform_data", label, input=Expression(given)) for label, given in hidden.items()]

    # Resources.

    def groups(self) -> list[str]:
        groups = {key: self.group(key, group) for key, group in self.made.groups.items()}
        if self.made.groups_placed == MODULE:
            return [module("groups", self.each(groups, self.made.groups, "group"))]
        if self.made.groups_placed != EACH:
            return self.own(groups, self.made.groups, "group")
        # Every object needs every attribute that is asked for.
        names = dict.fromkeys(name for given in groups.values() for name in given)
        full = {key: dict.fromkeys(names) | given for key, given in groups.items()}
        each = {name: Expression(f"each.value.{name}") for name in names}
        each = {"for_each": Expression(self.each(full, self.made.groups, "group"))} | each
        return [resource("drs_protection_group", "all", **each)]

    def group(self, key: str, group: Group) -> dict[str, Any]:
        given = dict(group.attributes)
        given["source_server_ids" if group.is_listed else "server_selection_tags"] = group.selection
        account, region = group.place
        if key := spoke(account):
            given["account_id"] = Expression(f"drs_target_account.{key}.{self.style.one('id', 'account_id')}")
        if region != REGION or (account != HOME and self.style.is_so(0.5)):
            given["region"] = region
        return self.style.full(given, GROUP)

    def plans(self) -> list[str]:
        plans = {}
        for key, plan in self.made.plans.items():
            plans[key] = self.style.full(plan.attributes | {"waves": self.waves(plan)}, PLAN)
        if self.made.plans_placed == MODULE:
            return [module("plans", self.each(plans, self.made.plans, "plan"))]
        return self.own(plans, self.made.plans, "plan")

    def waves(self, plan: Plan) -> Any:
        if plan.is_after:
            # Another way to write what Terraform's own resource keeps would be another value to it.
            writer = Writer(self.made, self.world, Style(0), has_actions=False)
            waves = writer._waves(plan)
            return After(waves)
        return self._waves(plan)

    def _waves(self, plan: Plan) -> list[dict[str, Any]]:
        waves = []
        for wave in plan.waves:
            ids = [Expression(self.made.group_at(key) + ".id") for key in wave.groups]
            given = wave.attributes | {"protection_group_ids": After(ids) if wave.is_after else ids}
            if "checks" in given:
                given["checks"] = self.style.full(given["checks"], CHECKS)
            for name in ("before_hooks", "after_hooks"):
                if name in given:
                    given[name] = [self.style.full(hook, HOOK) for hook in given[name]]
            waves.append(self.style.full(given, WAVE))
        return waves

    def drills(self) -> list[str]:
        drills = {}
        for key, drill in self.made.drills.items():
            plan = Expression(f"{self.made.plan_at(drill.plan)}.id")
            given = {"recovery_plan_id": After(plan) if drill.is_after else plan} | drill.attributes
            given = self.style.full(given, DRILL)
            if drill.after:
                given["depends_on"] = [Expression(f"drs_drill_execution.{other}") for other in drill.after]
            drills[key] = given
        return self.own(drills, self.made.drills, "drill")

    def targets(self) -> list[str]:
        found = []
        for key, attributes in self.made.targets.items():
            given = dict(attributes)
            # A set has no order.
            given["regions"] = list(self.style.order(dict.fromkeys(given["regions"])))
            found.append(self.resource("drs_target_account", key, self.style.full(given, TARGET), f"target_{key}"))
        return found

    def own(self, given: dict[str, dict[str, Any]], things: dict[str, Any], kind: str) -> list[str]:
        """Things of a kind as resources of their own."""
        return [self.resource(TYPES[kind], key, item, self.path(kind, things[key])) for key, item in given.items()]

    def each(self, given: dict[str, dict[str, Any]], things: dict[str, Any], kind: str) -> str:
        """Things of a kind as a map by their keys, for `for_each`."""
        items = self.style.order(given).items()
        return self.map({key: self.value(item, self.path(kind, things[key])) for key, item in items})

    def path(self, kind: str, thing: Group | Plan | Drill) -> str:
        """What names values that are hidden in a thing: it goes where the thing goes, so they stay known when that is moved."""
        return f"{kind}_{thing.identity}"

    def resource(self, kind: str, key: str, given: dict[str, Any], path: str) -> str:
        written = {name: Expression(self.value(item, f"{path}_{name}")) for name, item in given.items()}
        body = actions.of_resource(self.made, kind, key) if self.has_actions else ""
        return resource(kind, key, **written, body=body)

    # Values.

    def value(self, given: Any, path: str) -> str:
        """A value in HCL; `path` names what is hidden in it."""
        if isinstance(given, After):
            label = re.sub(r"\W", "_", path)
            self.hidden[label] = self.value(given.value, path + "_in")
            return f"terraform_data.{label}.output"
        if isinstance(given, Hosts):
            return "[" + ", ".join(self.server(name) for name in given.names) + "]"
        if isinstance(given, Digest):
            at = self.made.group_at if given.kind == "group" else self.made.plan_at
            return f"{at(given.key)}.digest"
        if isinstance(given, OfTarget):
            return f"drs_target_account.{given.key}.id"
        if isinstance(given, dict):
            items = self.style.order(given).items()
            return self.map({str(name): self.value(item, f"{path}_{name}") for name, item in items})
        if isinstance(given, list):
            return "[" + ", ".join(self.value(item, f"{path}_{number}") for number, item in enumerate(given)) + "]"
        return value(given)

    def map(self, items: dict[str, str]) -> str:
        return "{ " + ", ".join(f"{value(name)} = {item}" for name, item in items.items()) + " }"

    def server(self, name: str) -> str:
        server = self.world.servers[name]
        if not self.style.is_so(0.5):
            return value(server.id)
        self.looked_up.add(server.place)
        found = f"data.drs_source_servers.{looked_up(server.place)}.servers"
        return f'one([for it in {found} : it.id if it.hostname == "{name}"])'


def looked_up(place: Place) -> str:
    """The label of the data source of the servers of a place."""
    account, region = place
    return f"{spoke(account) or 'home'}_{region}"


def module(name: str, each: str) -> str:
    """The use of a module, once for each of its objects."""
    return block("module", name, source=f"./{name}", for_each=Expression(each), given=Expression("each.value"))


def modules() -> dict[str, str]:
    """The modules by the folders that they are in."""
    of_group = Expression("object({ " + ", ".join(f"{name} = {kind}" for name, kind in GROUP_MODULE.items()) + " })")
    group = {name: Expression(f"var.given.{name}") for name in GROUP_MODULE}
    # A plan is taken as it comes.
    plan = {name: Expression(f"try(var.given.{name}, null)") for name in ["name", "waves", *PLAN]}
    found = {}
    for folder, kind, type_, given in (
        ("groups", "drs_protection_group", of_group, group),
        ("plans", "drs_recovery_plan", Expression("any"), plan),
    ):
        texts = [TERRAFORM, block("variable", "given", type=type_), resource(kind, "it", **given), IT % f"{kind}.it"]
        found[folder] = "\n".join(texts)
    return found


def moves(before: Configuration, after: Configuration) -> list[str]:
    """The blocks that say what is at another address than before."""
    return [block("moved", **{"from": Expression(old), "to": Expression(new)}) for old, new in moved(before, after).items()]


def write(made: Configuration, world: World, style: int, *, has_actions: bool = False) -> list[str]:
    """A configuration in the style of a seed, without the provider's block."""
    return Writer(made, world, Style(style), has_actions=has_actions).text()
