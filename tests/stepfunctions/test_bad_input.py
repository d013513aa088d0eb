"""What the function is asked that it cannot do: it says why, and nothing is lost or launched."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from acceptance.conftest import folder

from .place import RUNNER, Place, declare, prepared


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store")
    simulator = prepared(path)
    declare(simulator, path)
    simulator.stop()
    return simulator.directory


@pytest.fixture
def place(store: Path) -> Iterator[Place]:
    with folder() as path:
        place = Place(store, path)
        yield place
        place.simulator.stop()


def header(place: Place, execution: str) -> dict:
    """The key of the newest event of an execution."""
    items = [item for item in place.simulator.items("execution-history") if item["ExecutionId"] == execution and "Event" in item]
    newest = max(items, key=lambda item: item["ItemKey"])
    return {"ExecutionId": execution, "ItemKey": newest["ItemKey"]}


def test_a_history_of_a_newer_version_is_left_alone(place: Place) -> None:
    asked = place.start("alone")
    before = place.events()
    place.simulator.update_item("execution-history", header(place, asked["execution_id"]), "SchemaVersion", 99)
    with place.function(**RUNNER) as ask:
        answer = ask({"ask": "turn"} | asked)
    assert answer["errorType"] == "Refused", answer
    assert "newer version" in answer["errorMessage"] and "Nothing was changed" in answer["errorMessage"], answer
    assert place.events() == before and place.simulator.launches() == {}


def test_what_another_drives_is_left_to_it(place: Place) -> None:
    """The machine that was begun for the drill comes second: another run owns the drill, and lives."""
    asked = place.start("alone")
    with place.function(**RUNNER) as ask:
        first = ask({"ask": "turn"} | asked)
        second = ask({"ask": "turn"} | asked | {"run": f"{asked['execution_id']}-other"})
    assert (first["next"], second) == ("wait", {"next": "done"})
    owners = {event["owner"] for event in place.events() if event["type"] == "OwnerTaken"}
    assert owners == {f"step-functions/{asked['run']}"}


def test_a_token_that_was_used_is_no_trouble(place: Place) -> None:
    """Step Functions knows the token no longer; the machine that had it looks for itself."""
    asked = place.start("both")
    with place.function(**RUNNER) as ask:
        place.simulator.client("stepfunctions").send_task_success(taskToken="drills/1", output="{}")
        # The history has gone on since: the pause is over, so the machine is woken at once.
        answer = ask({"ask": "pause", "seq": 1, "token": "drills/1"} | asked)
    assert answer == {}, answer
    assert "drills/1" not in place.log.read_text(), "a token is never logged"


def test_words_that_no_machine_of_ours_says_are_refused(place: Place) -> None:
    """Of an older or a newer machine, or of somebody by hand."""
    asked = place.start("alone")
    without_run = {"ask": "turn", "execution_id": asked["execution_id"]}
    with place.function(**RUNNER) as ask:
        for event in ({"ask": "rest"} | asked, asked, without_run, {"ask": "pause"} | asked):
            answer = ask(event)
            assert answer["errorType"] == "Refused", answer
            assert "not what a state machine of drsctl asks" in answer["errorMessage"], answer
    assert "OwnerTaken" in [event["type"] for event in place.events()] and place.simulator.launches() == {}
