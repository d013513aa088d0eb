"""Data sources, the function and outputs: how they are written, and what their outputs must be.

What a data source reads can change in the apply that it is read in, so each of them depends on what it looks at, and an output
shows only what such a dependency decides: a group that is removed in the same apply is read, or is not.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..configuration import Expression, block, data, output
from .model import MODULE, Configuration, Drill, Group, Plan, depends_on, plain
from .rules import is_reached
from .world import EMPTY, HOME, PLACES, REGION, Place, World, spoke

if TYPE_CHECKING:
    from .text import Writer

Texts = list[str]


class Shown:
    """What an apply left: attributes by identity, such as `group db`, and outputs by name."""

    def __init__(
        self, made: Configuration, world: World, state: dict[str, dict], outputs: dict[str, Any], replaced: set[str]
    ) -> None:
        self.made, self.world, self.outputs = made, world, outputs
        # Executions of which another one has replaced the instance of the first server.
        self.replaced = replaced
        self.things = {identity: state[at] for identity, at in made.addresses().items()}
        self.groups = {key: self.things[f"group {it.identity}"] for key, it in made.groups.items()}
        self.plans = {key: self.things[f"plan {it.identity}"] for key, it in made.plans.items()}
        self.drills = {key: self.things[f"drill {it.identity}"] for key, it in made.drills.items()}

    def ids(self, hosts: list[str]) -> list[str]:
        return [self.world.servers[name].id for name in hosts]

    def is_output(self, name: str, expected: Any) -> None:
        assert self.outputs[name] == expected, f"output {name} is {self.outputs[name]}, and should be {expected}"


# Places.


def at(place: Place) -> dict[str, Any]:
    """The arguments of a data source that looks in a place."""
    account, region = place
    if key := spoke(account):
        return {"account_id": Expression(f"drs_target_account.{key}.id"), "region": region}
    return {} if region == REGION else {"region": region}


def of_groups(w: "Writer") -> dict[str, Any]:
    """That all groups are there before something is read."""
    if w.made.groups_placed == MODULE:
        return {"depends_on": [Expression("module.groups")]} if w.made.groups else {}
    return {"depends_on": sorted({Expression(w.made.group_at(key).split("[")[0]) for key in w.made.groups})}


def of_plans(w: "Writer") -> dict[str, Any]:
    if w.made.plans_placed == MODULE:
        return {"depends_on": [Expression("module.plans")]} if w.made.plans else {}
    return {"depends_on": [Expression(w.made.plan_at(key)) for key in w.made.plans]}


# Where the provider works.


def caller(w: "Writer") -> Texts:
    return [data("drs_caller", "it"), output("caller", "data.drs_caller.it.account_id")]


def regions(w: "Writer") -> Texts:
    texts = [data("drs_regions", "home", names=[REGION, EMPTY[1]])]
    texts += [data("drs_regions", key, account_id=Expression(f"drs_target_account.{key}.id")) for key in w.made.targets]
    named = "{ for it in data.drs_regions.home.regions : it.name => it.source_servers }"
    return [*texts, output("regions", named)]


def quotas(w: "Writer") -> Texts:
    reached = {place for place in PLACES if is_reached(w.made, *place)}
    places = [(HOME, REGION), *sorted(reached - {(HOME, REGION)})]
    texts = [data("drs_quotas", f"at_{number}", **at(place)) for number, place in enumerate(places)]
    return [*texts, output("quotas", "data.drs_quotas.at_0.quotas[*].allowed")]


def target_check(w: "Writer") -> Texts:
    texts = []
    for key in w.made.targets:
        texts.append(data("drs_target_check", key, account_id=Expression(f"drs_target_account.{key}.id")))
        texts.append(output(f"ready_{key}", f"data.drs_target_check.{key}.role_arn"))
    return texts


# Servers.


def source_server(w: "Writer") -> Texts:
    texts = []
    for key, (group, hosts) in with_servers(w.made, w.world).items():
        given = {"hostname": hosts[0]} if w.style.is_so(0.5) else {"id": w.world.servers[hosts[0]].id}
        texts.append(data("drs_source_server", key, **given, **at(group.place)))
        texts.append(output(f"server_{key}", f"data.drs_source_server.{key}.id"))
    return texts


def with_servers(made: Configuration, world: World) -> dict[str, tuple[Group, list[str]]]:
    """The groups that have servers, with them; a filter that is empty is refused."""
    found = {key: (group, group.members(world)) for key, group in made.groups.items()}
    return {key: (group, hosts) for key, (group, hosts) in found.items() if hosts}


def server_selection(w: "Writer") -> Texts:
    texts = []
    for key, group in w.made.groups.items():
        if not group.is_listed:
            tags = Expression(w.value(plain(group.selection), f"selection_{key}"))
            texts.append(data("drs_server_selection", key, tags=tags, **at(group.place)))
            texts.append(output(f"selection_{key}", f"data.drs_server_selection.{key}.ids"))
    return texts


def source_servers(w: "Writer") -> Texts:
    texts = []
    for key, (group, hosts) in with_servers(w.made, w.world).items():
        filters = {"hostnames": hosts} if w.style.is_so(0.5) else {"ids": [w.world.servers[name].id for name in hosts]}
        texts.append(data("drs_source_servers", f"of_{key}", filters=filters, **at(group.place)))
        texts.append(output(f"servers_{key}", f"data.drs_source_servers.of_{key}.ids"))
    return texts


def launch_templates(w: "Writer") -> Texts:
    texts = []
    for key, (group, hosts) in with_servers(w.made, w.world).items():
        ids = [w.world.servers[name].id for name in hosts]
        texts.append(data("drs_launch_templates", key, source_server_ids=ids, **at(group.place)))
        texts.append(output(f"templates_{key}", f"data.drs_launch_templates.{key}.servers[*].hostname"))
    return texts


def check_servers(shown: Shown, name: str) -> None:
    prefix = {"source_server": "server", "source_servers": "servers", "launch_templates": "templates"}[name]
    for key, (_, hosts) in with_servers(shown.made, shown.world).items():
        ways = {"server": shown.ids(hosts)[0], "servers": shown.ids(sorted(hosts)), "templates": sorted(hosts)}
        shown.is_output(f"{prefix}_{key}", ways[prefix])


def check_selection(shown: Shown, _: str) -> None:
    for key, group in shown.made.groups.items():
        if not group.is_listed:
            shown.is_output(f"selection_{key}", shown.ids(group.members(shown.world)))


# Groups and plans.


def protection_group(w: "Writer") -> Texts:
    texts = []
    for key in w.made.groups:
        by = "id" if w.style.is_so(0.5) else "name"
        given = {by: Expression(f"{w.made.group_at(key)}.{by}")}
        texts.append(data("drs_protection_group", key, **given, **of_groups(w)))
        texts.append(output(f"group_{key}", f"data.drs_protection_group.{key}"))
    return texts


def protection_groups(w: "Writer") -> Texts:
    ids = "[" + ", ".join(f"{w.made.group_at(key)}.id" for key in w.made.groups) + "]"
    found = [data("drs_protection_groups", "all", **of_groups(w))]
    found.append(data("drs_protection_groups", "here", account_id=HOME, region=REGION, **of_groups(w)))
    return [*found, output("groups", f"sort(setintersection({ids}, data.drs_protection_groups.all.ids))")]


def recovery_plan(w: "Writer") -> Texts:
    texts = []
    for key in w.made.plans:
        by = "id" if w.style.is_so(0.5) else "name"
        given = {by: Expression(f"{w.made.plan_at(key)}.{by}")}
        texts.append(data("drs_recovery_plan", key, **given, **of_plans(w)))
        texts.append(output(f"plan_{key}", f"data.drs_recovery_plan.{key}"))
    return texts


def recovery_plans(w: "Writer") -> Texts:
    ids = "[" + ", ".join(f"{w.made.plan_at(key)}.id" for key in w.made.plans) + "]"
    texts = []
    for key in w.made.groups:
        given = {"protection_group_id": Expression(f"{w.made.group_at(key)}.id")}
        texts.append(data("drs_recovery_plans", key, **given, **of_plans(w)))
        texts.append(output(f"plans_{key}", f"sort(setintersection({ids}, data.drs_recovery_plans.{key}.ids))"))
    return texts


def preflight(w: "Writer") -> Texts:
    texts = []
    for key in w.made.plans:
        given = {"recovery_plan_id": Expression(f"{w.made.plan_at(key)}.id"), **of_plans(w)}
        texts.append(data("drs_preflight", key, **given))
        texts.append(data("drs_preflight", f"recovery_{key}", mode="RECOVERY", **given))
        texts.append(output(f"preflight_{key}", f"data.drs_preflight.{key}.plan_name"))
    return texts


def wave_order(w: "Writer") -> Texts:
    return [output(f"order_{key}", f"provider::drs::wave_order({w.made.plan_at(key)}.waves)") for key in w.made.plans]


def check_group(shown: Shown, _: str) -> None:
    for key, values in shown.groups.items():
        same_but_for_tags(shown.outputs[f"group_{key}"], values)


def check_groups(shown: Shown, _: str) -> None:
    shown.is_output("groups", sorted(values["id"] for values in shown.groups.values()))


def check_plan(shown: Shown, _: str) -> None:
    for key, values in shown.plans.items():
        same_but_for_tags(shown.outputs[f"plan_{key}"], values)


def check_plans(shown: Shown, _: str) -> None:
    for key in shown.made.groups:
        using = [plan for plan, it in shown.made.plans.items() if any(key in wave.groups for wave in it.waves)]
        shown.is_output(f"plans_{key}", sorted(shown.plans[plan]["id"] for plan in using))


def check_preflight(shown: Shown, _: str) -> None:
    for key, values in shown.plans.items():
        assert shown.outputs.get(f"preflight_{key}") in (values["name"], None)


def check_order(shown: Shown, _: str) -> None:
    for key, plan in shown.made.plans.items():
        order = shown.outputs[f"order_{key}"]
        assert [set(stage) for stage in order["stages"]] == stages(plan), f"{order} of {key}"
        chain = sum(span(plan, name) for name in order["critical_path"])
        assert chain == longest(plan), f"{order} of {key} is no longest chain: {chain}, not {longest(plan)}"


def same_but_for_tags(read: dict, values: dict) -> None:
    """Which tags are its own and which the provider gives everything, nothing but the configuration tells."""
    left_out = ("tags", "_tainted")
    read, values = means_of(read), means_of(values)
    read, values = ({name: it for name, it in given.items() if name not in left_out} for given in (read, values))
    different = {name: (read.get(name), values.get(name)) for name in values if read.get(name) != values.get(name)}
    assert not different and read.keys() == values.keys(), f"the data source has other values than the resource: {different}"


def means_of(values: dict) -> dict:
    """Attributes with objectives in seconds: the store keeps what they mean, not how they were written."""
    return {name: seconds(it) if name.endswith("_objective") and it else it for name, it in values.items()}


def seconds(span: str) -> int:
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", span))


def stages(plan: Plan) -> list[set[str]]:
    found, done = [], set()
    while len(done) < len(plan.waves):
        names = [plain(wave.attributes["name"]) for wave in plan.waves]
        ready = {name for at, name in enumerate(names) if name not in done and set(depends_on(plan, at)) <= done}
        assert ready, "the waves wait for each other"
        found.append(ready)
        done |= ready
    return found


def span(plan: Plan, name: str) -> int:
    (wave,) = [wave for wave in plan.waves if plain(wave.attributes["name"]) == name]
    wait, timeout = (plain(wave.attributes.get(key, default)) for key, default in SPANS.items())
    return wait + timeout


def longest(plan: Plan) -> int:
    """The longest chain of waits and timeouts, in seconds."""
    until: dict[str, int] = {}
    for stage in stages(plan):
        for position, wave in enumerate(plan.waves):
            name = plain(wave.attributes["name"])
            if name in stage:
                until[name] = span(plan, name) + max((until[other] for other in depends_on(plan, position)), default=0)
    return max(until.values())


SPANS = {"wait_time_seconds": 0, "timeout_seconds": 7200}

# Drills.


def execution(w: "Writer") -> Texts:
    texts = []
    for key, drill in w.made.drills.items():
        it = f"drs_drill_execution.{key}"
        texts.append(data("drs_execution", key, id=Expression(f"{it}.id")))
        texts.append(output(f"execution_{key}", f"data.drs_execution.{key}.servers"))
        newest = {"recovery_plan_id": Expression(f"{w.made.plan_at(drill.plan)}.id"), "depends_on": [Expression(it)]}
        texts.append(data("drs_execution", f"newest_{key}", **newest))
    return texts


def executions(w: "Writer") -> Texts:
    texts = []
    for key, drill in w.made.drills.items():
        given = {"recovery_plan_id": Expression(f"{w.made.plan_at(drill.plan)}.id"), "mode": "DRILL"}
        texts.append(data("drs_executions", key, **given, depends_on=[Expression(f"drs_drill_execution.{key}")]))
        found = f"contains(data.drs_executions.{key}.ids, drs_drill_execution.{key}.id)"
        texts.append(output(f"executions_{key}", found))
    return texts


def recovery_instances(w: "Writer") -> Texts:
    """Those of the first server; they are there until somebody terminates them."""
    texts = []
    for key in stays(w.made):
        server = f"drs_drill_execution.{key}.servers[0]"
        given = {name: Expression(f"{server}.{name}") for name in ("account_id", "region")}
        texts.append(data("drs_recovery_instances", key, source_server_ids=[Expression(f"{server}.id")], **given))
        texts.append(output(f"instances_{key}", f"data.drs_recovery_instances.{key}.ids"))
    return texts


def job_log(w: "Writer") -> Texts:
    texts = []
    for key, drill in w.made.drills.items():
        # A drill that is paused may have no job yet.
        if not w.made.plans[drill.plan].pauses:
            server = f"drs_drill_execution.{key}.servers[0]"
            given = {name: Expression(f"{server}.{name}") for name in ("job_id", "account_id", "region")}
            texts.append(data("drs_job_log", key, **given))
            texts.append(output(f"log_{key}", f"data.drs_job_log.{key}.entries[0].event"))
    return texts


def stays(made: Configuration) -> list[str]:
    """Drills whose instances stay until they are destroyed, and that no other drill of the configuration replaces."""

    def is_one(key: str, drill: Drill) -> bool:
        others = [other for other in made.drills_of(drill.plan) if other != key]
        is_paused = made.plans[drill.plan].pauses
        return not (others or is_paused or drill.is_emptied or plain(drill.attributes.get("cleanup")) is not None)

    return [key for key, drill in made.drills.items() if is_one(key, drill)]


def check_execution(shown: Shown, _: str) -> None:
    for key, values in shown.drills.items():
        shown.is_output(f"execution_{key}", values["servers"])


def check_executions(shown: Shown, _: str) -> None:
    for key in shown.drills:
        shown.is_output(f"executions_{key}", True)


def check_instances(shown: Shown, _: str) -> None:
    for key in stays(shown.made):
        drill = shown.drills[key]
        if drill["id"] not in shown.replaced:
            shown.is_output(f"instances_{key}", [drill["servers"][0]["instance_id"]])


def check_log(shown: Shown, _: str) -> None:
    for key, drill in shown.made.drills.items():
        if not shown.made.plans[drill.plan].pauses:
            shown.is_output(f"log_{key}", "JOB_START")


# Computed attributes.


def outputs(w: "Writer") -> Texts:
    texts = [output(f"of_group_{key}", w.made.group_at(key)) for key in w.made.groups]
    texts += [output(f"of_plan_{key}", w.made.plan_at(key)) for key in w.made.plans]
    # What an action terminates after the apply is seen by the next plan.
    drills = [key for key, drill in w.made.drills.items() if not drill.is_emptied]
    texts += [output(f"of_drill_{key}", f"drs_drill_execution.{key}") for key in drills]
    policies = {key: Expression(f"drs_target_account.{key}.trust_policy") for key in w.made.targets}
    return texts + [block("output", f"policy_{key}", value=it, sensitive=True) for key, it in policies.items()]


def check_outputs(shown: Shown, _: str) -> None:
    for kind, things in (("group", shown.groups), ("plan", shown.plans)):
        for key, values in things.items():
            shown.is_output(f"of_{kind}_{key}", without_taint(values))
    for key, drill in shown.made.drills.items():
        if not drill.is_emptied:
            shown.is_output(f"of_drill_{key}", without_taint(shown.drills[key]))


def without_taint(values: dict) -> dict:
    return {name: it for name, it in values.items() if name != "_tainted"}


def check_caller(shown: Shown, _: str) -> None:
    shown.is_output("caller", HOME)


def check_regions(shown: Shown, _: str) -> None:
    here = [it for it in shown.world.servers.values() if it.place == (HOME, REGION)]
    shown.is_output("regions", {REGION: len(here), EMPTY[1]: 0})


def check_quotas(shown: Shown, _: str) -> None:
    assert {20, 100, 500} <= set(shown.outputs["quotas"])


def check_targets(shown: Shown, _: str) -> None:
    for key, given in shown.made.targets.items():
        shown.is_output(f"ready_{key}", plain(given["role_arn"]))


# How each is written, and held to what it means. All data sources are here.
LOOKS: dict[str, tuple[Callable[["Writer"], Texts], Callable[[Shown, str], None]]] = {
    "caller": (caller, check_caller),
    "regions": (regions, check_regions),
    "quotas": (quotas, check_quotas),
    "target_check": (target_check, check_targets),
    "source_server": (source_server, check_servers),
    "server_selection": (server_selection, check_selection),
    "source_servers": (source_servers, check_servers),
    "launch_templates": (launch_templates, check_servers),
    "protection_group": (protection_group, check_group),
    "protection_groups": (protection_groups, check_groups),
    "recovery_plan": (recovery_plan, check_plan),
    "recovery_plans": (recovery_plans, check_plans),
    "preflight": (preflight, check_preflight),
    "wave_order": (wave_order, check_order),
    "execution": (execution, check_execution),
    "executions": (executions, check_executions),
    "recovery_instances": (recovery_instances, check_instances),
    "job_log": (job_log, check_log),
    "outputs": (outputs, check_outputs),
}


def hold(shown: Shown) -> None:
    """Whether every output is what it should be."""
    for look in shown.made.looks:
        LOOKS[look][1](shown, look)
