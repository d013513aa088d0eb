"""Changes of which servers there are in groups and waves, and in which order."""

from .choosing import a_wave, listing, neighbours, pick
from .maker import Maker
from .model import Configuration, Hosts, depends_on, plain


def reorder(maker: Maker, made: Configuration) -> None:
    """A list that says which, not in which order."""
    wave = a_wave(maker, made)[1]
    name = pick(maker, [name for name in ("depends_on_waves", "critical_server_ids") if name in wave.attributes])
    given = wave.attributes[name]
    names = list(getattr(plain(given), "names", plain(given)))
    maker.random.shuffle(names)
    wave.attributes[name] = Hosts(tuple(names)) if name == "critical_server_ids" else names


def launch_order(maker: Maker, made: Configuration) -> None:
    """The servers of a group, or the groups of a wave, in another order."""
    group = pick(maker, listing(made))
    names = list(plain(group.selection).names)
    maker.random.shuffle(names)
    group.selection = Hosts(tuple(names))
    maker.random.shuffle(a_wave(maker, made)[1].groups)


def move_server(maker: Maker, made: Configuration) -> None:
    """A server from one group to another."""
    one, other = neighbours(maker, made)
    host = pick(maker, plain(one.selection).names)
    one.selection = Hosts(tuple(name for name in plain(one.selection).names if name != host))
    other.selection = Hosts((*plain(other.selection).names, host))


def exchange_servers(maker: Maker, made: Configuration) -> None:
    """Two groups exchange a server each."""
    one, other = neighbours(maker, made)
    here, there = pick(maker, plain(one.selection).names), pick(maker, plain(other.selection).names)
    instead = {here: there, there: here}
    for group in (one, other):
        group.selection = Hosts(tuple(instead.get(name, name) for name in plain(group.selection).names))


def change_selection(maker: Maker, made: Configuration) -> None:
    """From servers to tags that select the same ones, or the other way round."""
    group = pick(maker, made.groups.values())
    members = group.members(maker.world)
    if not group.is_listed:
        group.selection = Hosts(tuple(members))
        return
    alike = [maker.world.servers[name].tags for name in members]
    shared = [{key: tag} for key, tag in alike[0].items() if all(tags.get(key) == tag for tags in alike)]
    group.selection = pick(maker, shared)


def reorder_waves(maker: Maker, made: Configuration) -> None:
    """The waves in another order of the list, each with what it depended on."""
    plan = pick(maker, made.plans.values())
    for position, wave in enumerate(plan.waves):
        wave.attributes["depends_on_waves"] = depends_on(plan, position)
    maker.random.shuffle(plan.waves)
