"""Generated configurations through their life: what is planned is what is done, and a second plan is empty.

A seed makes a configuration and changes of it. It is applied, planned again, written in another way, changed, changed back,
imported and destroyed; drills launch exactly the servers that the configuration says, each once, and what data sources, the
function and outputs say is what is there.

`SEEDS` is how many seeds are run, `SEED` where they begin; without them it is a sample, in which each kind comes up. When one
fails, its configurations and what Terraform said stay in a folder that is printed with the command that runs it again.
"""

import os
import shutil
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .generated.changes import KEEP_DIGESTS, ONLY_MOVE
from .generated.kinds import WANTED, cover, kinds
from .generated.life import Executions, Life, steps_of
from .generated.maker import MORE, more
from .generated.text import write
from .generated.world import FLEET, World
from .host import Host, Workspace
from .simulator import Simulator

# Seeds in which everything comes up that is wanted.
SAMPLE = [4231, 4942]
FIRST = int(os.environ.get("SEED", "1"))
SEEDS = range(FIRST, FIRST + int(os.environ["SEEDS"])) if "SEEDS" in os.environ else SAMPLE
# World seconds per wall second: an execution is over in seconds.
SPEED = 300
# Seeds that are only generated, and those that the sample is chosen from where it has to be another.
MANY = 10
CANDIDATES = 9000


@pytest.fixture
def world(simulator: Simulator) -> World:
    simulator.speed, simulator.fleet = SPEED, FLEET
    return World.of(simulator)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_generated_configuration_through_its_life(
    seed: int, host: Host, workspace: Workspace, simulator: Simulator, world: World
) -> None:
    (_, first), *changes = steps_of(seed, world)
    life = Life(seed, workspace, simulator, world, host.has_actions, Executions(world))
    with kept(seed, workspace, [name for names, _ in changes for name in names]):
        life.apply("first", first, 0)
        before = life.by_identity(life.now, first)
        last = before
        for number, (names, made) in enumerate(changes):
            life.apply("_".join(names)[:60], made, seed + 2 * number)
            now = life.by_identity(life.now, made)
            if KEEP_DIGESTS.issuperset(names):
                keeps_digests(last, now)
            if ONLY_MOVE.issuperset(names):
                assert last == now, "something is different that was only moved"
            last = now
        life.apply("as_at_first", first, seed + 4)
        as_it_was(before, life.by_identity(life.now, first))
        life.imports(seed + 6)
        life.destroys()
        assert simulator.groups() == [] and simulator.plans() == [] and targets(simulator) == []


def test_seeds_make_the_same_again(world: World) -> None:
    for seed in range(MANY):
        steps = steps_of(seed, world)
        assert steps == steps_of(seed, world)
        assert write(steps[0][1], world, seed) == write(steps[0][1], world, seed)


def test_everything_comes_up_in_the_sample(world: World) -> None:
    missing = WANTED - set().union(*(kinds_of(seed, world) for seed in SAMPLE))
    if missing:
        candidates = [seed for seed in range(CANDIDATES) if more(seed) == max(MORE)]
        costs = {seed: len(steps_of(seed, world)) for seed in candidates}
        chosen = cover({seed: kinds_of(seed, world) for seed in candidates}, costs, WANTED)
        pytest.fail(f"{sorted(missing)} do not come up in the sample, and do in SAMPLE = {chosen}")


def kinds_of(seed: int, world: World) -> set[str]:
    steps = steps_of(seed, world)
    return kinds([made for _, made in steps], [name for names, _ in steps for name in names], world)


def keeps_digests(before: dict[str, dict], after: dict[str, dict]) -> None:
    """Plans and groups that are still there decide the same."""
    for identity, values in after.items():
        old = before.get(identity)
        if old and old["id"] == values["id"]:
            assert values.get("digest") == old.get("digest"), f"{identity} has another digest"


def as_it_was(before: dict[str, dict], after: dict[str, dict]) -> None:
    """Whether groups and plans are what they were, although they may be new; the groups of a plan are its own by their ids."""
    assert before.keys() == after.keys()
    is_new = any(identity.startswith("group ") and after[identity]["id"] != it["id"] for identity, it in before.items())
    for identity, values in after.items():
        same = {"drill": ["cleanup"], "group": ["name", "tags_all", "digest"], "plan": ["name", "tags_all"]}[identity.split()[0]]
        if identity.startswith("plan ") and not is_new:
            same.append("digest")
        for name in same:
            assert values[name] == before[identity][name], f"{identity} has another {name} than at first"


def targets(simulator: Simulator) -> list[dict]:
    return [item for item in simulator.items("protection-groups") if item.get("Kind") == "TARGET"]


@contextmanager
def kept(seed: int, workspace: Workspace, changes: list[str]) -> Iterator[None]:
    """Keeps the configurations and what was printed when something in it fails."""
    try:
        yield
    except BaseException as error:
        place = Path(tempfile.mkdtemp(prefix="drs-kept-"))
        (place / "failure.txt").write_text(f"seed {seed} on {workspace.host.name}\n{error}\n{traceback.format_exc()}")
        for name in ("steps", "out"):
            shutil.copytree(workspace.folder / name, place / name)
        print(f"seed {seed} failed on {workspace.host.name}; its changes are {', '.join(changes)}.")
        print(f"Its configurations are in {place}/steps, and what Terraform said in {place}/out.")
        print(f"To run it again: SEED={seed} SEEDS=1 make soak-plans")
        raise
