"""The state machine, judged by a validator that we did not write (asl-validator, from the npm registry)."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from emulator import ROOT

TOOLS = ROOT / ".tools"
VALIDATOR = TOOLS / "npm/node_modules/.bin/asl-validator"
FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:drs-default-drill"


@pytest.fixture(scope="module")
def definition() -> dict:
    """The machine as people get it."""
    ran = subprocess.run(
        [ROOT / "target/debug/drsctl", "state-machine", "--function", FUNCTION], capture_output=True, text=True, check=True
    )
    return json.loads(ran.stdout)


def judged(definition: dict, folder: Path) -> subprocess.CompletedProcess:
    assert VALIDATOR.exists(), f"no validator at {VALIDATOR}; `make test` installs it"
    file = folder / "definition.json"
    file.write_text(json.dumps(definition))
    path = f"{TOOLS / 'node/bin'}:{os.environ['PATH']}"
    return subprocess.run([VALIDATOR, "--json-path", file], env=os.environ | {"PATH": path}, capture_output=True, text=True)


def test_the_definition_is_valid(definition: dict, tmp_path: Path) -> None:
    ran = judged(definition, tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    "spoil",
    [
        lambda states: states["Wait"].update(Next="Nowhere"),
        lambda states: states["Turn"].update(ResultPath="$.x"),
        lambda states: states["Turn"]["Retry"][0].update(MaxAttempts=-1),
        lambda states: states["Turn"]["Assign"].update(turns="{% $turns + %}"),
    ],
    ids=["a state that is not there", "JSONPath", "retries below none", "JSONata that is none"],
)
def test_the_validator_finds_what_is_wrong(definition: dict, tmp_path: Path, spoil) -> None:
    spoiled = json.loads(json.dumps(definition))
    spoil(spoiled["States"])
    assert judged(spoiled, tmp_path).returncode != 0
