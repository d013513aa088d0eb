"""Checklist items 1 to 8: routing, signatures, headers, validation, initialisation, times, ids, pages."""

import datetime
import hashlib
import json
import re
import urllib.parse

import pytest

from support import (
    ACCOUNT,
    REGION,
    fleet,
    ids,
    is_wire_time,
    launch,
    launched,
    log,
    raw,
    refused,
    server,
    servers,
    source_server,
)


def arn_of(server_id):
    return f"arn:aws:drs:{REGION}:{ACCOUNT}:source-server/{server_id}"


def test_item_01_routes_on_method_and_raw_path(simulator):
    server_id = ids(simulator.drs())["db-1"]
    encoded = urllib.parse.quote(arn_of(server_id), safe="")
    assert raw(simulator, "POST", "/DescribeJobs", b"{}").status == 200
    assert raw(simulator, "GET", f"/tags/{encoded}").status == 200
    # Decoded, the ARN's slash makes it another path.
    elsewhere = [
        ("GET", "/DescribeJobs"),
        ("POST", "/describejobs"),
        ("POST", "/DescribeJobs/"),
        ("POST", "/NoSuchOperation"),
        ("GET", "/"),
        ("GET", f"/tags/{arn_of(server_id)}"),
        ("PATCH", f"/tags/{encoded}"),
    ]
    for method, path in elsewhere:
        answer = raw(simulator, method, path, b"")
        assert (answer.status, answer.error) == (404, "UnknownOperationException"), (method, path)


def test_item_01_percent_encoded_arns_and_repeated_tag_keys(simulator):
    drs = simulator.drs()
    arn = arn_of(ids(drs)["db-1"])
    drs.tag_resource(resourceArn=arn, tags={"a b": "1", "c": "ü/&=+", "d": "3"})
    assert drs.list_tags_for_resource(resourceArn=arn)["tags"]["c"] == "ü/&=+"
    drs.untag_resource(resourceArn=arn, tagKeys=["a b", "d"])
    tags = drs.list_tags_for_resource(resourceArn=arn)["tags"]
    assert "a b" not in tags and "d" not in tags and "c" in tags


def test_item_02_state_is_per_account_and_region(start):
    other = {"id": "444455556666", "regions": [{"name": REGION, "servers": [server("other")]}]}
    west = {"name": "eu-west-1", "servers": [server("west")]}
    simulator = start(fleet=fleet(server("east"), regions=[west], accounts=[other]))
    assert list(ids(simulator.drs())) == ["east"]
    assert list(ids(simulator.drs(region="eu-west-1"))) == ["west"]
    assert list(ids(simulator.drs(account="444455556666"))) == ["other"]


def test_item_02_who_is_unknown_or_too_late_is_refused(simulator):
    def error(**options):
        answer = raw(simulator, "POST", "/DescribeJobs", b"{}", **options)
        return answer.status, answer.error

    assert error() == (200, None)
    assert error(headers={"Authorization": None}) == (403, "MissingAuthenticationTokenException")
    assert error(headers={"Authorization": "Bearer x"}) == (403, "IncompleteSignatureException")
    assert error(key="AKIAIOSFODNN7EXAMPLE") == (403, "UnrecognizedClientException")
    # An account that the fleet does not have.
    assert error(key="AKIASIM0999999999999") == (403, "UnrecognizedClientException")
    now = datetime.datetime.now(datetime.timezone.utc)
    old = (now - datetime.timedelta(minutes=6)).strftime("%Y%m%dT%H%M%SZ")
    assert error(date=old) == (403, "InvalidSignatureException")


def test_item_02_a_session_ends(simulator):
    role = f"arn:aws:iam::{ACCOUNT}:role/dr"
    granted = simulator.client("sts").assume_role(RoleArn=role, RoleSessionName="night")["Credentials"]
    session = dict(
        aws_access_key_id=granted["AccessKeyId"],
        aws_secret_access_key=granted["SecretAccessKey"],
        aws_session_token=granted["SessionToken"],
    )
    arn = simulator.client("sts", **session).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/dr/night"
    assert simulator.drs(**session).describe_jobs()["items"] == []
    # The same session as if it had been granted long ago.
    payload = json.loads(bytes.fromhex(granted["SessionToken"].removeprefix("SIM.").split(".")[0]))
    payload["expires"] = "2020-01-01T00:00:00Z"
    text = json.dumps(payload).encode().hex()
    checksum = hashlib.sha256(f"session {text}".encode()).hexdigest()[:16]
    ended = {**session, "aws_session_token": f"SIM.{text}.{checksum}"}
    refused(simulator.drs(**ended).describe_jobs, "ExpiredTokenException", 403)
    bent = {**session, "aws_session_token": granted["SessionToken"][:-1] + "x"}
    refused(simulator.drs(**bent).describe_jobs, "UnrecognizedClientException", 403)


def test_item_03_headers_and_success_codes(simulator):
    drs = simulator.drs()
    server_id = ids(drs)["db-1"]
    encoded = urllib.parse.quote(arn_of(server_id), safe="")
    start = json.dumps({"sourceServers": [{"sourceServerID": server_id}]}).encode()
    calls = [
        ("POST", "/InitializeService", b"", 204),
        ("POST", "/DescribeSourceServers", b"{}", 200),
        ("POST", f"/tags/{encoded}", b'{"tags": {"a": "b"}}', 200),
        ("DELETE", f"/tags/{encoded}?tagKeys=a", b"", 200),
        ("POST", "/StartRecovery", start, 202),
        ("POST", "/StartRecovery", start, 409),
        ("POST", "/StartRecovery", b"{}", 400),
        ("POST", "/Nothing", b"", 404),
    ]
    for method, path, body, status in calls:
        answer = raw(simulator, method, path, body)
        assert answer.status == status, (path, answer.body)
        assert answer.headers["content-type"] == "application/json"
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.headers["x-amzn-requestid"])
        assert (answer.error is None) == (status < 400), path
        assert (answer.body == b"") == (status == 204)
    simulator.advance(2400)
    (instance,) = drs.describe_recovery_instances()["items"]
    terminate = json.dumps({"recoveryInstanceIDs": [instance["recoveryInstanceID"]]}).encode()
    assert raw(simulator, "POST", "/TerminateRecoveryInstances", terminate).status == 200


def test_item_04_everything_wrong_is_named(simulator):
    drs = simulator.drs(validate=False)
    wrong = [
        {"sourceServerID": "s-123"},
        {"sourceServerID": "s-" + "a" * 17, "recoverySnapshotID": "LATEST"},
        {"sourceServerID": "s-" + "a" * 17, "recoverySnapshotID": "snap-" + "0" * 17},
    ]
    answer = refused(lambda: drs.start_recovery(sourceServers=wrong), "ValidationException", 400)
    assert answer["reason"] == "fieldValidationFailed"
    named = {field["name"] for field in answer["fieldList"]}
    assert named == {
        "sourceServers.1.sourceServerID",
        "sourceServers.2.recoverySnapshotID",
        "sourceServers.3.recoverySnapshotID",
    }
    assert all(field["message"] for field in answer["fieldList"])


@pytest.mark.parametrize(
    "operation, options",
    [
        ("start_recovery", {}),
        ("start_recovery", {"sourceServers": []}),
        ("start_recovery", {"sourceServers": [{"sourceServerID": "s-" + f"{n:017}"} for n in range(201)]}),
        ("start_recovery", {"sourceServers": [{"sourceServerID": "s-" + "a" * 17}], "tags": {"k": "v" * 257}}),
        ("describe_source_servers", {"filters": {"sourceServerIDs": ["s-" + f"{n:017}" for n in range(201)]}}),
        ("describe_jobs", {"filters": {"jobIDs": ["job-123"]}}),
        ("describe_jobs", {"filters": {"fromDate": "yesterday"}}),
        ("describe_jobs", {"maxResults": 0}),
        ("describe_recovery_snapshots", {"sourceServerID": "s-" + "a" * 17, "order": "UP"}),
        ("terminate_recovery_instances", {"recoveryInstanceIDs": []}),
        ("terminate_recovery_instances", {"recoveryInstanceIDs": ["i-xyz"]}),
        ("get_launch_configuration", {"sourceServerID": "s-"}),
    ],
)
def test_item_04_lengths_patterns_and_enums(simulator, operation, options):
    call = getattr(simulator.drs(validate=False), operation)
    answer = refused(lambda: call(**options), "ValidationException", 400)
    assert answer["fieldList"]


def test_item_04_unknown_members_are_ignored_and_bad_json_is_not(simulator):
    loose = b'{"filters": {"jobID": ["x"], "replicationStatus": null}, "surprise": {"a": [1]}}'
    assert raw(simulator, "POST", "/DescribeJobs", loose).status == 200
    for body in [b"{", b"[]", b'"x"', b"\xff", b"null"]:
        answer = raw(simulator, "POST", "/DescribeJobs", body)
        assert (answer.status, answer.error) == (400, "ValidationException"), body
        assert json.loads(answer.body)["reason"] == "cannotParse"


def test_item_05_uninitialized_until_it_is_initialised(start):
    west = {"name": "eu-west-1", "servers": []}
    simulator = start(fleet=fleet(server("a"), initialized=False, regions=[west]))
    drs = simulator.drs()
    calls = [
        drs.describe_source_servers,
        drs.describe_jobs,
        drs.describe_recovery_instances,
        drs.describe_replication_configuration_templates,
        lambda: launch(drs, "s-" + "a" * 17),
        lambda: drs.describe_job_log_items(jobID="drsjob-" + "a" * 17),
        lambda: drs.terminate_recovery_instances(recoveryInstanceIDs=["i-" + "a" * 17]),
    ]
    for call in calls:
        refused(call, "UninitializedAccountException", 400)
    # Tag calls need no initialised account.
    missing = f"arn:aws:drs:{REGION}:{ACCOUNT}:source-server/s-" + "a" * 17
    refused(lambda: drs.list_tags_for_resource(resourceArn=missing), "ResourceNotFoundException", 404)
    assert simulator.drs(region="eu-west-1").describe_jobs()["items"] == []
    refused(simulator.drs(region="eu-central-1").describe_jobs, "UninitializedAccountException", 400)
    for _ in range(2):
        answer = drs.initialize_service()
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert list(ids(drs)) == ["a"]
    refused(simulator.drs(region="eu-central-1").describe_jobs, "UninitializedAccountException", 400)


def wire_times(value):
    """Every time in an answer, wherever it is."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name.endswith(("DateTime", "Timestamp", "timestamp")) and isinstance(member, str):
                yield name, member
            yield from wire_times(member)
    elif isinstance(value, list):
        for item in value:
            yield from wire_times(item)


def nulls(value):
    if isinstance(value, dict):
        return any(nulls(member) for member in value.values())
    return value is None or (isinstance(value, list) and any(nulls(item) for item in value))


def test_item_06_times_have_microseconds_and_absent_members_are_left_out(simulator):
    drs = simulator.drs()
    known = ids(drs)
    job_id = launched(simulator, drs, known["db-1"])["jobID"]
    launch(drs, known["db-2"])
    bodies = [
        ("/DescribeSourceServers", {}),
        ("/DescribeJobs", {}),
        ("/DescribeJobLogItems", {"jobID": job_id}),
        ("/DescribeRecoveryInstances", {}),
        ("/DescribeRecoverySnapshots", {"sourceServerID": known["db-1"]}),
        ("/GetLaunchConfiguration", {"sourceServerID": known["db-1"]}),
        ("/GetReplicationConfiguration", {"sourceServerID": known["db-1"]}),
    ]
    for path, body in bodies:
        answer = json.loads(raw(simulator, "POST", path, json.dumps(body).encode()).body)
        assert not nulls(answer), path
        for name, text in wire_times(answer):
            assert is_wire_time(text), (path, name, text)
    running = json.loads(raw(simulator, "POST", "/DescribeJobs", b"{}").body)["items"][0]
    assert "endDateTime" not in running and "recoveryInstanceID" not in running["participatingServers"][0]


def test_item_06_filters_take_z(simulator):
    drs = simulator.drs()
    known = ids(drs)
    first = launched(simulator, drs, known["db-1"])["jobID"]
    second = launch(drs, known["db-2"])
    between = "2026-01-01T00:20:00Z"
    found = lambda **filters: [job["jobID"] for job in drs.describe_jobs(filters=filters)["items"]]
    assert found(fromDate=between) == [second]
    assert found(toDate=between) == [first]
    assert found(fromDate="2026-01-01T00:00:00.000Z") == [second, first]
    # What is sent has an offset, but the model's pattern binds what is asked.
    loose = simulator.drs(validate=False)
    refused(lambda: loose.describe_jobs(filters={"fromDate": "2026-01-01T00:00:00+00:00"}), "ValidationException")


def test_item_07_ids_have_the_right_alphabets(simulator):
    drs = simulator.drs()
    known = ids(drs)
    job = launched(simulator, drs, known["db-1"])
    (instance,) = drs.describe_recovery_instances()["items"]
    snapshot = drs.describe_recovery_snapshots(sourceServerID=known["db-1"])["items"][0]
    patterns = [
        (known["db-1"], r"s-[0-9a-zA-Z]{17}"),
        (job["jobID"], r"drsjob-[0-9a-zA-Z]{17}"),
        (instance["recoveryInstanceID"], r"i-[0-9a-f]{17}"),
        (snapshot["snapshotID"], r"pit-[0-9a-zA-Z]{17}"),
        *((one, r"snap-[0-9a-f]{17}") for one in snapshot["ebsSnapshots"]),
    ]
    for text, pattern in patterns:
        assert re.fullmatch(pattern, text), (text, pattern)
    assert instance["recoveryInstanceID"] == instance["ec2InstanceID"]
    assert instance["arn"].endswith(f":recovery-instance/{instance['recoveryInstanceID']}")
    assert job["arn"] == f"arn:aws:drs:{REGION}:{ACCOUNT}:job/{job['jobID']}"
    assert source_server(drs, known["db-1"])["arn"] == arn_of(known["db-1"])
    # One per disk, and db-1 has two.
    assert len(set(snapshot["ebsSnapshots"])) == 2


def test_item_08_pages(start):
    simulator = start(fleet=fleet(*servers(25)))
    drs = simulator.drs()
    pages = []
    token = {}
    while True:
        page = drs.describe_source_servers(maxResults=10, **token)
        pages.append([item["sourceServerID"] for item in page["items"]])
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
        # A server that comes while somebody pages makes no other one appear twice or not at all.
        simulator.admin(
            "POST", "/world", {"add_server": {"place": {"region": REGION}, "server": server(f"late-{len(pages)}")}}
        )
    assert [len(page) for page in pages][0] == 10
    seen = [server_id for page in pages for server_id in page]
    assert len(seen) == len(set(seen))
    assert {server_id for name, server_id in ids(drs).items() if name.startswith("host-")} <= set(seen)


def test_item_08_tokens_are_opaque_and_checked(simulator):
    drs = simulator.drs()
    page = drs.describe_source_servers(maxResults=3)
    token = page["nextToken"]
    assert page["items"][-1]["sourceServerID"] not in token
    assert len(drs.describe_source_servers(maxResults=3, nextToken=token)["items"]) == 3
    for bad in ["x", token[:-2], token + "00", "é"]:
        refused(lambda: drs.describe_source_servers(nextToken=bad), "ValidationException", 400)
    # A token is good for the operation that gave it.
    refused(lambda: drs.describe_recovery_instances(nextToken=token), "ValidationException", 400)
    # An empty one asks for the first page, as a missing one does.
    assert len(drs.describe_source_servers(maxResults=3, nextToken="")["items"]) == 3


def test_item_08_jobs_and_logs_page_too(start):
    simulator = start(fleet=fleet(*servers(12)))
    drs = simulator.drs()
    known = ids(drs)
    jobs = [launch(drs, server_id) for server_id in known.values()]
    simulator.advance(2400)
    paged = drs.get_paginator("describe_jobs").paginate(PaginationConfig={"PageSize": 5})
    assert [job["jobID"] for page in paged for job in page["items"]] == jobs[::-1]
    whole = log(drs, jobs[0])
    paged = drs.get_paginator("describe_job_log_items").paginate(jobID=jobs[0], PaginationConfig={"PageSize": 2})
    assert [item for page in paged for item in page["items"]] == whole


def test_item_32_native_recovery_plans_are_refused_cleanly(simulator):
    drs = simulator.drs()
    for call in (drs.list_recovery_plans, drs.describe_source_networks):
        answer = refused(call, "ValidationException", 400)
        assert answer["reason"] == "unknownOperation"
