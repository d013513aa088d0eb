"""The admin API, and what a simulator refuses to start with."""

import http.client
import json
import os
import stat
import urllib.parse

import pytest

from support import ACCOUNT, REGION, fleet, ids, launch, launched, server


def request(simulator, port, method, path, headers=None, body=None):
    address = urllib.parse.urlsplit(simulator.where[port])
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    connection.request(method, path, body=body, headers=headers or {})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, text


def test_admin_needs_the_token(simulator):
    good = {"Authorization": f"Bearer {simulator.token}"}
    assert request(simulator, "admin_endpoint", "GET", "/clock", good)[0] == 200
    for bad in ({}, {"Authorization": "Bearer x"}, {"Authorization": simulator.token}):
        for method, path in (("GET", "/clock"), ("POST", "/reset"), ("GET", "/nothing")):
            assert request(simulator, "admin_endpoint", method, path, bad)[0] == 401
    assert request(simulator, "admin_endpoint", "GET", "/nothing", good)[0] == 404
    assert len(simulator.token) == 64
    mode = stat.S_IMODE(os.stat(simulator.where["admin_token_path"]).st_mode)
    assert mode == 0o600


def test_admin_is_not_on_the_aws_port(simulator):
    good = {"Authorization": f"Bearer {simulator.token}"}
    assert request(simulator, "endpoint", "GET", "/clock", good)[0] in (400, 403, 404)


@pytest.mark.parametrize("port", ["endpoint", "admin_endpoint"])
def test_names_that_resolve_to_loopback_are_refused(simulator, port):
    headers = {"Authorization": f"Bearer {simulator.token}"}
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "[::2]:1"):
        status, text = request(simulator, port, "GET", "/clock", {**headers, "Host": host})
        assert status == 403 and b"localhost" in text, host
    for host in ("localhost", "127.0.0.1:1", "[::1]:1", "drs.localhost"):
        status, text = request(simulator, port, "GET", "/clock", {**headers, "Host": host})
        assert b"localhost only" not in text, host


def test_clock_moves_forwards_only(simulator):
    clock = lambda **body: simulator.admin("POST", "/clock", body)
    assert simulator.admin("GET", "/clock") == {"now": "2026-01-01T00:00:00Z", "manual": True}
    assert clock(advance_seconds=1.5)["now"] == "2026-01-01T00:00:01.5Z"
    assert clock(set="2026-01-02T00:00:00Z")["now"] == "2026-01-02T00:00:00Z"
    for wrong in (
        {"set": "2026-01-01T00:00:00Z"},
        {"advance_seconds": -1},
        {"speed": 0},
        {"speed": 1e9},
        {"fast": True},
        {},
        {"speed": 1, "manual": True},
    ):
        with pytest.raises(AssertionError, match="400"):
            clock(**wrong)
    running = clock(speed=60)
    assert running["speed"] == 60 and running["now"] >= "2026-01-02T00:00:00Z"
    assert clock(manual=True)["manual"]
    assert simulator.admin("GET", "/clock")["now"] < "2026-01-02T01:00:00Z"


def test_state_can_be_kept_and_restored(simulator, start):
    drs = simulator.drs()
    server_id = ids(drs)["db-1"]
    job_id = launch(drs, server_id)
    simulator.advance(100)
    kept = simulator.admin("GET", "/state")
    simulator.advance(5000)
    other = start("other", seed=99)
    other.admin("POST", "/state", kept)
    (job,) = other.drs().describe_jobs()["items"]
    assert (job["jobID"], job["status"]) == (job_id, "STARTED")
    assert other.admin("GET", "/state") == kept
    other.advance(5000)
    ask = {"filters": {"jobIDs": [job_id]}}
    assert other.drs().describe_jobs(**ask)["items"] == drs.describe_jobs(**ask)["items"]
    with pytest.raises(AssertionError, match="400"):
        other.admin("POST", "/state", {"format": 1})
    with pytest.raises(AssertionError, match="format 2"):
        other.admin("POST", "/state", {**kept, "format": 2})


def test_reset_begins_anew(simulator):
    drs = simulator.drs()
    before = simulator.admin("GET", "/state")
    launched(simulator, drs, ids(drs)["db-1"])
    dynamodb = simulator.client("dynamodb")
    dynamodb.create_table(
        TableName="items",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        DeletionProtectionEnabled=True,
    )
    simulator.admin("POST", "/reset")
    assert simulator.admin("GET", "/state") == before
    assert simulator.admin("GET", "/counts") == {"counts": {}}
    assert dynamodb.list_tables()["TableNames"] == []
    assert drs.describe_jobs()["items"] == []


def test_accepted_launches_and_counts(simulator):
    drs = simulator.drs()
    known = ids(drs)
    job_id = launch(drs, known["db-1"], known["db-2"], tags={"a": "b"})
    (accepted,) = simulator.admin("GET", "/launches")["launches"]
    assert accepted == {
        "at": "2026-01-01T00:00:00Z",
        "job_id": job_id,
        "account_id": ACCOUNT,
        "region": REGION,
        "servers": [known["db-1"], known["db-2"]],
        "is_drill": True,
        "tags": {"a": "b"},
        "caller": f"arn:aws:iam::{ACCOUNT}:user/simulator",
    }
    counts = simulator.admin("GET", "/counts")["counts"]
    assert counts == {"DescribeSourceServers": 1, "StartRecovery": 1}


def test_world_commands_say_what_is_wrong(simulator):
    place = {"region": REGION}
    for command, words in [
        ({"set_replication": {"place": place, "server": "db-1", "state": "FINE"}}, "FINE"),
        ({"set_replication": {"place": place, "server": "nobody", "state": "STALLED"}}, "nobody does not exist"),
        ({"change_settings": {"page_size": 0}}, "page_size"),
        ({"make_coffee": {}}, "make_coffee"),
    ]:
        with pytest.raises(AssertionError, match="400") as caught:
            simulator.admin("POST", "/world", command)
        assert words in str(caught.value)
    stalled = {"place": place, "server": "db-1", "state": "STALLED", "stall_reason": "AGENT_NOT_SEEN"}
    simulator.admin("POST", "/world", {"set_replication": stalled})
    drs = simulator.drs()
    (found,) = drs.describe_source_servers(filters={"sourceServerIDs": [ids(drs)["db-1"]]})["items"]
    assert found["dataReplicationInfo"]["dataReplicationState"] == "STALLED"


def test_another_seed_or_fleet_is_refused_and_another_speed_is_not(start):
    first = start(seed=3, fleet=fleet(server("a")), speed=10, manual=False)
    now = first.admin("GET", "/clock")["now"]
    first.kill()
    with pytest.raises(RuntimeError, match="created with seed 3, not 4"):
        start(seed=4, speed=10, manual=False)
    with pytest.raises(RuntimeError, match="created with another fleet than .*fleet.yaml is now"):
        start(seed=3, fleet=fleet(server("b")), manual=False)
    again = start(seed=3, fleet=fleet(server("a")), speed=1000, manual=False)
    clock = again.admin("GET", "/clock")
    assert clock["speed"] == 1000 and clock["now"] >= now
    again.kill()
    # Without any of them it goes on as it was.
    last = start(manual=False)
    assert last.admin("GET", "/clock")["speed"] == 1000
    assert list(ids(last.drs())) == ["a"]


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"accounts": []}, "accounts: at least one account is needed"),
        ({"accounts": [{"id": ACCOUNT, "regoins": []}]}, "accounts[0]: unknown field `regoins`"),
        (fleet({"hostname": "a", "os": "beos"}), "unknown variant `beos`"),
        (fleet(server("a"), server("a")), "accounts[0].regions[0].servers[1].hostname"),
        (fleet(server("a", replication_state="FINE")), "accounts[0].regions[0].servers[0].replication_state"),
    ],
)
def test_a_wrong_fleet_names_its_file_and_the_place(start, wrong, words):
    with pytest.raises(RuntimeError) as caught:
        start(fleet=wrong)
    assert "store.fleet.yaml:" in str(caught.value) and words in str(caught.value)


def test_a_foreign_or_newer_directory_is_refused(start, tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("dear")
    with pytest.raises(RuntimeError, match="neither empty nor a simulator's store"):
        start("foreign")
    simulator = start("newer")
    simulator.kill()
    journal = simulator.directory / "journal.jsonl"
    lines = journal.read_text().split("\n")
    header = json.loads(lines[0])
    header["format"] = 99
    journal.write_text("\n".join([json.dumps(header), *lines[1:]]))
    with pytest.raises(RuntimeError, match="has format 99, and this version reads formats up to 1"):
        start("newer")
