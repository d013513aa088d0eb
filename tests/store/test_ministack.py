"""The store suite on ministack's DynamoDB: other people's code, so what passes here and on the embedded one is DynamoDB's.

The suite is the engine's own (`drs_engine::store::conformance`). It is run over HTTP by `store_suite`, an example of
drs-engine-aws, with the SDK's client and the tables that the product makes. Nothing is skipped: that ministack or the
example is missing, or does not start, is a failure.

What is different about ministack, and does not stand in the way: it makes tables at once, and takes encryption,
point-in-time recovery and deletion protection without doing anything about them.
"""

import subprocess

import pytest
from emulator import ROOT, Ministack

SUITE = ROOT / "target/debug/examples/store_suite"
SUITE_SECONDS = 120


@pytest.fixture(scope="module")
def ministack(tmp_path_factory):
    """The endpoint of a ministack of this test's own."""
    running = Ministack(tmp_path_factory.mktemp("ministack"))
    yield running.endpoint
    running.stop()


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
