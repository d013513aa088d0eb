"""Checklist item 17: faults scripted for calls, and what real clients make of them."""

import json
import threading
import time

import botocore.exceptions
import pytest

from support import ids, job, launch, raw, refused

LOST = (botocore.exceptions.ConnectionClosedError, botocore.exceptions.EndpointConnectionError)


def launches(simulator):
    return simulator.admin("GET", "/launches")["launches"]


def test_item_17_throttled_with_retry_after(simulator):
    simulator.fault("DescribeJobs", {"throttle": {"retry_after_seconds": 3}})
    answer = raw(simulator, "POST", "/DescribeJobs", b"{}")
    assert (answer.status, answer.error, answer.headers["retry-after"]) == (429, "ThrottlingException", "3")
    assert raw(simulator, "POST", "/DescribeJobs", b"{}").status == 200


def test_item_17_refused_without_an_effect(simulator):
    drs = simulator.drs()
    known = ids(drs)
    faults = [
        ({"internal": {}}, "InternalServerException", 500),
        ({"internal": {"retry_after_seconds": 1}}, "InternalServerException", 500),
        ("access_denied", "AccessDeniedException", 403),
        ({"throttle": {}}, "ThrottlingException", 429),
        (
            {"refuse": {"code": "ConflictException", "status": 409, "message": "not now"}},
            "ConflictException",
            409,
        ),
    ]
    for fault, code, status in faults:
        simulator.fault("StartRecovery", fault)
        refused(lambda: launch(drs, known["db-1"]), code, status)
    assert launches(simulator) == []
    launch(drs, known["db-1"])
    assert len(launches(simulator)) == 1


def test_item_17_an_access_denied_names_user_and_action(simulator):
    simulator.fault("StartRecovery", "access_denied")
    drs = simulator.drs()
    answer = refused(lambda: launch(drs, ids(drs)["db-1"]), "AccessDeniedException", 403)
    arn = simulator.client("sts").get_caller_identity()["Arn"]
    assert answer["Error"]["Message"] == (
        f"User: {arn} is not authorized to perform: drs:StartRecovery on resource: * because no identity-based policy "
        "allows the drs:StartRecovery action"
    )


def test_item_17_a_lost_answer_has_its_effect_and_a_lost_request_has_not(simulator):
    drs = simulator.drs()
    known = ids(drs)
    simulator.fault("StartRecovery", "lost_request")
    with pytest.raises(LOST):
        launch(drs, known["db-1"])
    assert launches(simulator) == []
    simulator.fault("StartRecovery", "lost_answer")
    with pytest.raises(LOST):
        launch(drs, known["db-1"])
    (launched,) = launches(simulator)
    assert launched["servers"] == [known["db-1"]]
    assert job(drs, launched["job_id"])["status"] == "PENDING"


def test_item_17_an_sdk_that_retries_meets_its_own_job(simulator):
    drs = simulator.drs(attempts=3)
    known = ids(drs)
    simulator.fault("StartRecovery", "lost_answer")
    refused(lambda: launch(drs, known["db-1"]), "ConflictException", 409)
    simulator.fault("StartRecovery", "internal_after")
    refused(lambda: launch(drs, known["db-2"]), "ConflictException", 409)
    assert len(launches(simulator)) == 2
    counts = simulator.admin("GET", "/counts")["counts"]
    assert counts["StartRecovery"] == 4


def test_item_17_late_answers_delay_nobody_else(simulator):
    drs = simulator.drs()
    simulator.fault("DescribeJobs", {"latency": {"milliseconds": 1500}})
    begun = time.monotonic()
    late = threading.Thread(target=drs.describe_jobs)
    late.start()
    time.sleep(0.05)
    simulator.drs().describe_source_servers()
    assert time.monotonic() - begun < 1.4
    late.join()
    assert time.monotonic() - begun >= 1.5


def test_item_17_an_answer_is_held_until_it_is_released(simulator):
    drs = simulator.drs()
    known = ids(drs)
    simulator.fault("StartRecovery", "hold")
    answers = []
    caller = threading.Thread(target=lambda: answers.append(launch(drs, known["db-1"])))
    caller.start()
    deadline = time.monotonic() + 10
    while not simulator.admin("GET", "/holds")["holds"] and time.monotonic() < deadline:
        time.sleep(0.01)
    (held,) = simulator.admin("GET", "/holds")["holds"]
    assert (held["operation"], held["region"]) == ("StartRecovery", simulator.region)
    # The effect is there, the answer is not.
    (launched,) = launches(simulator)
    assert answers == []
    simulator.admin("POST", "/holds/release", {"id": held["id"]})
    caller.join(10)
    assert answers == [launched["job_id"]]


def test_item_17_describe_jobs_finds_nothing_for_a_while(simulator):
    drs = simulator.drs()
    simulator.fault("DescribeJobs", {"empty": {"seconds": 5}})
    job_id = launch(drs, ids(drs)["db-1"])
    assert drs.describe_jobs(filters={"jobIDs": [job_id]})["items"] == []
    simulator.advance(4)
    assert drs.describe_jobs()["items"] == []
    simulator.advance(2)
    assert [one["jobID"] for one in drs.describe_jobs()["items"]] == [job_id]


def test_item_17_faults_wait_for_their_region_and_their_turn(simulator):
    simulator.fault("*", {"internal": {}}, region="us-west-2", times=2, skip=1)
    drs = simulator.drs()
    west = simulator.drs(region="us-west-2")
    drs.describe_jobs()
    west.describe_jobs()
    refused(west.describe_jobs, "InternalServerException")
    refused(west.describe_source_servers, "InternalServerException")
    west.describe_jobs()
    simulator.fault("DescribeJobs", {"internal": {}}, times=100)
    assert len(simulator.admin("GET", "/faults")["faults"]) == 1
    simulator.admin("POST", "/faults/clear")
    drs.describe_jobs()


def table(simulator):
    dynamodb = simulator.client("dynamodb")
    dynamodb.create_table(
        TableName="items",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
    )
    return dynamodb


def put(name):
    item = {"Id": {"S": name}}
    return {"Put": {"TableName": "items", "Item": item, "ConditionExpression": "attribute_not_exists(Id)"}}


def names(dynamodb):
    return sorted(item["Id"]["S"] for item in dynamodb.scan(TableName="items")["Items"])


def test_item_17_dynamodb_calls_fail_the_same_ways(simulator):
    dynamodb = table(simulator)
    write = lambda name: dynamodb.transact_write_items(TransactItems=[put(name)])
    simulator.fault("dynamodb:TransactWriteItems", {"throttle": {}})
    refused(lambda: write("a"), "ThrottlingException", 400)
    simulator.fault("dynamodb:TransactWriteItems", {"internal": {}})
    refused(lambda: write("a"), "InternalServerError", 500)
    simulator.fault("dynamodb:TransactWriteItems", "lost_request")
    with pytest.raises(LOST):
        write("a")
    assert names(dynamodb) == []
    simulator.fault("dynamodb:TransactWriteItems", "lost_answer")
    with pytest.raises(LOST):
        write("a")
    assert names(dynamodb) == ["a"]
    simulator.fault("dynamodb:GetItem", "access_denied")
    refused(lambda: dynamodb.get_item(TableName="items", Key={"Id": {"S": "a"}}), "AccessDeniedException", 400)


def test_item_17_a_retried_transaction_with_its_token_is_applied_once(simulator):
    table(simulator)
    dynamodb = simulator.client("dynamodb", attempts=3)
    simulator.fault("dynamodb:TransactWriteItems", "lost_answer")
    # boto3 sends the same token with the second attempt, so the condition does not meet the first one's item.
    dynamodb.transact_write_items(TransactItems=[put("a")])
    assert names(dynamodb) == ["a"]
    assert simulator.admin("GET", "/counts")["counts"]["dynamodb:TransactWriteItems"] == 2


@pytest.mark.parametrize(
    "service, operation, fault_name, throttled, denied",
    [
        ("ec2", "describe_instances", "ec2:DescribeInstances", "RequestLimitExceeded", "UnauthorizedOperation"),
        ("sts", "get_caller_identity", "sts:GetCallerIdentity", "Throttling", "AccessDenied"),
    ],
)
def test_item_17_the_query_protocols_fail_in_their_own_words(
    simulator, service, operation, fault_name, throttled, denied
):
    call = getattr(simulator.client(service), operation)
    simulator.fault(fault_name, {"throttle": {}})
    refused(call, throttled)
    simulator.fault(fault_name, "access_denied")
    refused(call, denied, 403)
    simulator.fault(fault_name, {"internal": {}})
    refused(call, "InternalError" if service == "ec2" else "InternalFailure", 500)
    simulator.fault(fault_name, "lost_answer")
    with pytest.raises(LOST):
        call()
    call()


def test_item_17_a_closed_connection_has_no_answer(simulator):
    simulator.fault("DescribeJobs", "lost_answer")
    assert raw(simulator, "POST", "/DescribeJobs", b"{}") is None
    assert json.loads(raw(simulator, "POST", "/DescribeJobs", b"{}").body) == {"items": []}
