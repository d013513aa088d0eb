"""Two processes on one directory, one of them killed at each request: nothing that was acknowledged is lost."""

import concurrent.futures
import itertools
import threading
import time

import botocore.exceptions
import pytest

from support import fleet, ids, launch, refused, servers

# How long after its request was sent a process is killed: while it is being read, carried out, written, answered, and
# when it has long been. A request takes a few milliseconds.
DELAYS = [0, 0, 0.0003, 0.0006, 0.001, 0.0013, 0.0016, 0.002, 0.003, 0.004, 0.05]
# A kill while a request is carried out; what a client sees of it.
CUT_OFF = (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError)

TABLE = {
    "TableName": "items",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
}


def item_put(simulator, number):
    simulator.client("dynamodb").put_item(TableName="items", Item={"Id": {"S": f"put-{number}"}})


def items_transacted(simulator, number):
    puts = [{"Put": {"TableName": "items", "Item": {"Id": {"S": f"transacted-{number}-{half}"}}}} for half in "ab"]
    simulator.client("dynamodb").transact_write_items(TransactItems=puts)


def drill_started(simulator, number):
    drs = simulator.drs()
    launch(drs, SERVERS[number], tags={"number": str(number)})


def server_tagged(simulator, number):
    drs = simulator.drs()
    drs.tag_resource(resourceArn=ARNS[0], tags={f"tag-{number}": "x"})


def settings_updated(simulator, number):
    simulator.drs().update_launch_configuration(sourceServerID=SERVERS[0], name=f"name-{number}")


REQUESTS = [item_put, items_transacted, drill_started, server_tagged, settings_updated]
SERVERS = []
ARNS = []


def effects(simulator):
    """What is there of everything that may have been acknowledged."""
    drs = simulator.drs()
    found = simulator.client("dynamodb").scan(TableName="items", ConsistentRead=True)["Items"]
    tags = drs.list_tags_for_resource(resourceArn=ARNS[0])["tags"]
    jobs = [job["tags"]["number"] for page in drs.get_paginator("describe_jobs").paginate() for job in page["items"]]
    return {
        "items": {item["Id"]["S"] for item in found},
        "tags": set(tags),
        "jobs": jobs,
        "name": drs.get_launch_configuration(sourceServerID=SERVERS[0])["name"],
    }


def happened(request, number, after):
    """Whether the effect of a request is there; half of one is a failure by itself."""
    if request is item_put:
        return f"put-{number}" in after["items"]
    if request is items_transacted:
        halves = {f"transacted-{number}-{half}" for half in "ab"} & after["items"]
        assert len(halves) in (0, 2), halves
        return len(halves) == 2
    if request is drill_started:
        assert after["jobs"].count(str(number)) <= 1
        return str(number) in after["jobs"]
    if request is server_tagged:
        return f"tag-{number}" in after["tags"]
    return after["name"] == f"name-{number}"


def prepare(simulator, count):
    drs = simulator.drs()
    known = ids(drs)
    SERVERS[:] = [known[f"host-{number:03}"] for number in range(count)]
    listed = drs.describe_source_servers(filters={"sourceServerIDs": SERVERS[:1]})["items"]
    ARNS[:] = [listed[0]["arn"]]
    simulator.client("dynamodb").create_table(**TABLE)


def killed_while(victim, delay, call):
    """Makes a call and kills the process that answers it, so long after the request is sent. Whether it was acknowledged."""
    killer = threading.Timer(delay, victim.kill)

    def sent(**_):
        killer.start()

    clients = [victim.client("drs"), victim.client("dynamodb")]
    for client in clients:
        client.meta.events.register_first("before-send.*", sent)
    try:
        call()
        return True
    except CUT_OFF:
        return False
    finally:
        killer.join()
        victim.kill()


def test_nothing_acknowledged_is_lost(start):
    settings = {"quotas": {"jobs": 1000}}
    count = len(REQUESTS) * len(DELAYS)
    world = fleet(*servers(count), settings=settings)
    pair = [start(fleet=world), start(fleet=world)]
    prepare(pair[0], count)
    acknowledged = lost = 0
    for number, (request, delay) in enumerate(itertools.product(REQUESTS, DELAYS)):
        # Each of the two is killed in turn, and the other one sees what is there.
        victim, witness = pair[number % 2], pair[1 - number % 2]
        before = effects(witness)
        known = set(before["items"]), set(before["tags"]), set(before["jobs"])
        if killed_while(victim, delay, lambda: request(victim, number)):
            acknowledged += 1
            assert happened(request, number, effects(witness)), (request, delay)
        else:
            lost += 1
        after = effects(witness)
        happened(request, number, after)
        assert known[0] <= after["items"] and known[1] <= after["tags"] and known[2] <= set(after["jobs"])
        pair[number % 2] = start(fleet=world)
        assert effects(pair[number % 2]) == after
    # Both must occur, or the delays say nothing.
    print(f"{acknowledged} requests acknowledged, {lost} cut off by a kill")
    assert acknowledged > 0 and lost > 0, (acknowledged, lost)
    launches = pair[0].admin("GET", "/launches")["launches"]
    assert sorted(one["tags"]["number"] for one in launches) == sorted(effects(pair[0])["jobs"])


def test_both_see_what_either_does_at_once(start):
    pair = [start(seed=1), start(seed=1)]
    clients = [simulator.drs() for simulator in pair]
    known = ids(clients[0])
    job_id = launch(clients[0], known["db-1"])
    assert [job["jobID"] for job in clients[1].describe_jobs()["items"]] == [job_id]
    refused(lambda: launch(clients[1], known["db-1"]), "ConflictException")
    pair[0].advance(2400)
    assert clients[1].describe_jobs()["items"][0]["status"] == "COMPLETED"
    assert pair[0].admin("GET", "/state") == pair[1].admin("GET", "/state")


def test_tables_that_one_changes_are_changed_for_the_other(start):
    one, two = (start(seed=1).client("dynamodb") for _ in range(2))
    one.create_table(**TABLE, DeletionProtectionEnabled=True)
    assert two.describe_table(TableName="items")["Table"]["DeletionProtectionEnabled"]
    one.update_table(TableName="items", DeletionProtectionEnabled=False)
    assert not two.describe_table(TableName="items")["Table"]["DeletionProtectionEnabled"]
    one.delete_table(TableName="items")
    refused(lambda: two.describe_table(TableName="items"), "ResourceNotFoundException")
    # The same name, with another key.
    other = {
        **TABLE,
        "AttributeDefinitions": [{"AttributeName": "PlanId", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "PlanId", "KeyType": "HASH"}],
    }
    two.create_table(**other)
    one.put_item(TableName="items", Item={"PlanId": {"S": "p"}})
    refused(lambda: one.put_item(TableName="items", Item={"Id": {"S": "p"}}), "ValidationException")
    assert two.scan(TableName="items")["Count"] == 1


def test_a_race_has_one_winner(start):
    pair = [start(seed=1), start(seed=1)]
    dynamodb = [simulator.client("dynamodb") for simulator in pair]
    dynamodb[0].create_table(**TABLE)

    def claim(runner, name):
        try:
            dynamodb[runner % 2].put_item(
                TableName="items",
                Item={"Id": {"S": name}, "Owner": {"N": str(runner)}},
                ConditionExpression="attribute_not_exists(Id)",
            )
            return runner
        except dynamodb[0].exceptions.ConditionalCheckFailedException:
            return None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for name in ("a", "b", "c", "d", "e"):
            winners = [one for one in pool.map(lambda runner: claim(runner, name), range(8)) if one is not None]
            assert len(winners) == 1, winners
            owner = dynamodb[1].get_item(TableName="items", Key={"Id": {"S": name}})["Item"]["Owner"]["N"]
            assert owner == str(winners[0])


def test_four_processes_create_one_store_at_once(start):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        group = list(pool.map(lambda _: start(seed=1), range(4)))
    assert len({simulator.token for simulator in group}) == 1
    assert len({tuple(sorted(ids(simulator.drs()).items())) for simulator in group}) == 1


def test_a_held_answer_of_a_dead_process_can_be_released_by_another(start):
    pair = [start(seed=1), start(seed=1)]
    drs = pair[0].drs()
    known = ids(drs)
    pair[0].fault("StartRecovery", "hold")
    caller = threading.Thread(target=lambda: pytest.raises(CUT_OFF, launch, drs, known["db-1"]))
    caller.start()
    deadline = time.monotonic() + 10
    while not pair[1].admin("GET", "/holds")["holds"] and time.monotonic() < deadline:
        time.sleep(0.01)
    pair[0].kill()
    caller.join(10)
    (held,) = pair[1].admin("GET", "/holds")["holds"]
    pair[1].admin("POST", "/holds/release", {"id": held["id"]})
    assert pair[1].admin("GET", "/holds") == {"holds": []}
    assert len(pair[1].drs().describe_jobs()["items"]) == 1
