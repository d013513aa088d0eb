"""The plugin socket: only the host that started the provider is let in, and a provider goes when its host is gone."""

import socket
import ssl
import stat
from pathlib import Path

import pytest

from .configuration import group
from .host import Running, Workspace
from .simulator import Simulator
from .test_resources import TAGS
from .waiting import SOON_SECONDS, until

CERTIFICATES = Path(__file__).parent / "certificates"
# What an HTTP/2 client says first; a server that lets it in answers with its settings.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


def held(workspace: Workspace, simulator: Simulator) -> tuple[Running, Path]:
    """An apply that is held, and the socket of its provider."""
    workspace.write(simulator.provider(), group("web", server_selection_tags=TAGS))
    simulator.hold("DescribeSourceServers")
    running = workspace.start_apply()
    simulator.wait_for_hold("DescribeSourceServers")
    sockets = [path for path in (workspace.folder / "tmp").rglob("*") if path.is_socket()]
    assert len(sockets) == 1, sockets
    return running, sockets[0]


def say_hello(path: Path, certificate: str | None, *, plain: bool = False) -> bytes:
    """What the provider answers to a client that introduces itself in HTTP/2."""
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(SOON_SECONDS)
        raw.connect(str(path))
        if plain:
            raw.sendall(PREFACE)
            return raw.recv(9)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Whom the client talks to is not the question here.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        if certificate:
            context.load_cert_chain(CERTIFICATES / f"{certificate}.pem")
        with context.wrap_socket(raw) as secured:
            secured.sendall(PREFACE)
            return secured.recv(9)


@pytest.mark.parametrize("certificate", [None, "stranger"])
def test_a_client_without_the_hosts_certificate_is_refused(
    certificate: str | None, workspace: Workspace, simulator: Simulator
) -> None:
    running, path = held(workspace, simulator)
    # An alert that says why, or a connection that ends; in TLS 1.3 both come after the client's side is done.
    with pytest.raises((ssl.SSLError, ConnectionError)):
        say_hello(path, certificate)
    # The host that has the certificate is served as if nothing had been.
    simulator.release()
    running.wait().expect(0)


def test_a_client_without_tls_is_refused(workspace: Workspace, simulator: Simulator) -> None:
    running, path = held(workspace, simulator)
    try:
        answer = say_hello(path, None, plain=True)
    except ConnectionError:
        answer = b""
    # Nothing, or an alert of TLS; never the settings of HTTP/2, whose type is the fourth byte.
    assert answer[3:4] != b"\x04", answer
    simulator.release()
    running.wait().expect(0)


def test_nobody_else_on_the_machine_can_reach_the_socket(workspace: Workspace, simulator: Simulator) -> None:
    running, path = held(workspace, simulator)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    simulator.release()
    running.wait().expect(0)
    assert not path.exists(), "the socket stayed behind"


def test_no_provider_stays_when_its_host_is_killed(workspace: Workspace, simulator: Simulator) -> None:
    running, path = held(workspace, simulator)
    running.kill_host()
    running.wait()
    left = workspace.leftovers()
    assert not left, f"the provider outlived its host: {left}"
    until("the socket is removed", lambda: not path.exists())
    simulator.release()
