"""What every acceptance test gets: a host, a folder to run it in, a simulated AWS."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import processes
from .host import HOSTS, Host, Workspace
from .simulator import Simulator

ROOT = Path(__file__).parent.parent.parent
TOOL = "drsctl"


@pytest.fixture(scope="session")
def binaries() -> Path:
    """The folder of the built provider and of drsctl. `make build` builds them; a test never does."""
    folder = Path(os.environ.get("DRS_BINARIES", ROOT / "target" / "debug"))
    for name in (processes.PROVIDER, TOOL):
        assert (folder / name).exists(), f"the acceptance tests need {folder / name}; `make build` builds it"
    return folder


@pytest.fixture(scope="session", params=HOSTS)
def host(request: pytest.FixtureRequest) -> Host:
    """Each of the two Terraforms in turn."""
    return HOSTS[request.param]()


@pytest.fixture
def workspace(host: Host, binaries: Path) -> Iterator[Workspace]:
    """A folder to run the host in. When the test is over no process of it may be left."""
    with folder() as path:
        workspace = Workspace(host, path, binaries)
        yield workspace
        left = workspace.leftovers()
        assert not left, f"processes stayed behind: {left}"


@pytest.fixture
def simulator(workspace: Workspace) -> Iterator[Simulator]:
    """A simulated AWS that the provider embeds. Its admin API, in a process of its own, is started on first use."""
    simulator = Simulator(workspace.folder / "simulator", workspace.binaries)
    yield simulator
    simulator.stop()


class folder:
    """A folder with a short path, because sockets are made in it; it is removed at the end."""

    def __enter__(self) -> Path:
        self.path = Path(tempfile.mkdtemp(prefix="drs-"))
        return self.path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
