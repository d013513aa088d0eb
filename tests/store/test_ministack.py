"""The store suite on ministack's DynamoDB: other people's code, so what passes here and on the embedded one is DynamoDB's.

The suite is the engine's own (`drs_engine::store::conformance`). It is run over HTTP by `store_suite`, an example of
drs-engine-aws, with the SDK's client and the tables that the product makes. Nothing is skipped: that ministack or the
example is missing, or does not start, is a failure.

What is different about ministack, and does not stand in the way: it makes tables at once, and takes encryption,
point-in-time recovery and deletion protection without doing anything about them.
"""

import os
import pathlib
import socket
import subprocess
import time
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MINISTACK = pathlib.Path(os.environ.get("MINISTACK_BIN", ROOT / ".tools/ministack/bin/ministack"))
SUITE = ROOT / "target/debug/examples/store_suite"
START_SECONDS = 30
STOP_SECONDS = 10
SUITE_SECONDS = 120


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_healthy(endpoint):
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def ministack(tmp_path_factory):
    """The endpoint of a ministack of this test's own, on loopback, ended by its process id."""
    if not MINISTACK.exists():
        pytest.fail(f"no ministack at {MINISTACK}; `make test` installs it")
    home = tmp_path_factory.mktemp("ministack")
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        # It would listen on every address.
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
    }
    with open(home / "log", "wb") as log:
        process = subprocess.Popen([MINISTACK], env=environment, cwd=home, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_healthy(endpoint):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"ministack did not start:\n{(home / 'log').read_text()}")
            time.sleep(0.1)
        yield endpoint
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_the_store_suite_passes(ministack):
    if not SUITE.exists():
        pytest.fail(f"no suite at {SUITE}; build it with: cargo build -p drs-engine-aws --example store_suite")
    environment = {
        "AWS_ENDPOINT_URL": ministack,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "DRS_ENVIRONMENT": "suite",
    }
    ran = subprocess.run([SUITE], env=environment, cwd="/", capture_output=True, text=True, timeout=SUITE_SECONDS)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout == "every statement of the store suite holds\n"
