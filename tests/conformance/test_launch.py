"""Checklist items 9 to 16 and 18: launch jobs, from the call to their end."""

import re
import time

import pytest

from support import (
    JOB_SECONDS,
    fleet,
    ids,
    instances,
    job,
    launch,
    launched,
    log,
    events,
    participant,
    refused,
    seconds_between,
    server,
    servers,
    source_server,
)

PHASES = [
    "SNAPSHOT_START",
    "SNAPSHOT_END",
    "CONVERSION_START",
    "CONVERSION_END",
    "LAUNCH_START",
    "LAUNCH_END",
]


def test_item_09_a_job_is_answered_pending_with_its_tags(simulator):
    drs = simulator.drs()
    known = ids(drs)
    listed = [{"sourceServerID": known[name]} for name in ("db-1", "db-2")]
    answer = drs.start_recovery(sourceServers=listed, isDrill=True, tags={"execution": "e-1"})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    started = answer["job"]
    assert (started["type"], started["initiatedBy"], started["status"]) == ("LAUNCH", "START_DRILL", "PENDING")
    assert [one["sourceServerID"] for one in started["participatingServers"]] == [known["db-1"], known["db-2"]]
    assert {one["launchStatus"] for one in started["participatingServers"]} == {"PENDING"}
    assert started["tags"] == {"execution": "e-1"}
    assert job(drs, started["jobID"])["tags"] == {"execution": "e-1"}
    recovery = drs.start_recovery(sourceServers=[{"sourceServerID": known["app-1"]}])["job"]
    assert recovery["initiatedBy"] == "START_RECOVERY"


def test_item_09_one_bad_server_refuses_the_whole_call(simulator):
    drs = simulator.drs()
    known = ids(drs)
    bad = {
        "unknown": ["s-" + "a" * 17],
        "initial sync": [known["wiki-1"]],
        "twice": [known["db-1"], known["db-1"]],
    }
    for reason, listed in bad.items():
        refused(lambda: launch(drs, known["app-1"], *listed), "ConflictException", 409)
        assert drs.describe_jobs()["items"] == [], reason
    snapshot = [{"sourceServerID": known["db-1"], "recoverySnapshotID": "pit-" + "a" * 17}]
    refused(lambda: drs.start_recovery(sourceServers=snapshot), "ConflictException", 409)
    # Lag and stalls stop no recovery.
    launch(drs, known["print-1"], known["mail-1"])


@pytest.mark.parametrize("state", ["STOPPED", "DISCONNECTED", "INITIATING", "INITIAL_SYNC", "CREATING_SNAPSHOT"])
def test_item_09_a_server_without_a_point_cannot_be_launched(start, state):
    simulator = start(fleet=fleet(server("a"), server("b", replication_state=state)))
    drs = simulator.drs()
    refused(lambda: launch(drs, *ids(drs).values()), "ConflictException", 409)
    assert drs.describe_jobs()["items"] == []


def test_item_09_the_same_call_again_conflicts(simulator):
    drs = simulator.drs()
    known = ids(drs)
    launch(drs, known["db-1"])
    answer = refused(lambda: launch(drs, known["db-1"]), "ConflictException", 409)
    recorded = "One or more of the Source Servers included in API call are currently being processed by a Job"
    assert answer["Error"]["Message"] == recorded
    refused(lambda: launch(drs, known["app-1"], known["db-1"]), "ConflictException", 409)
    assert len(drs.describe_jobs()["items"]) == 1
    simulator.advance(JOB_SECONDS)
    launch(drs, known["db-1"])


def test_item_10_quotas_of_a_job_and_of_all_jobs(start):
    simulator = start(fleet=fleet(*servers(520)))
    drs = simulator.drs()
    known = list(ids(drs).values())

    def over(code, *server_ids):
        answer = refused(lambda: launch(drs, *server_ids), "ServiceQuotaExceededException", 402)
        assert (answer["quotaCode"], answer["serviceCode"]) == (code, "drs")

    over("L-B827C881", *known[:101])
    for number in range(5):
        launch(drs, *known[number * 100 : number * 100 + 100])
    over("L-05AFA8C6", known[500])
    simulator.advance(JOB_SECONDS)
    launch(drs, known[500])


def test_item_10_twenty_jobs_at_once(start):
    simulator = start(fleet=fleet(*servers(21)))
    drs = simulator.drs()
    known = list(ids(drs).values())
    for server_id in known[:20]:
        launch(drs, server_id)
    answer = refused(lambda: launch(drs, known[20]), "ServiceQuotaExceededException", 402)
    assert answer["quotaCode"] == "L-D88FAC3A"


def test_item_10_quotas_can_be_set(start):
    settings = {"quotas": {"servers_per_job": 2, "jobs": 1}}
    simulator = start(fleet=fleet(*servers(3), settings=settings))
    drs = simulator.drs()
    known = list(ids(drs).values())
    refused(lambda: launch(drs, *known), "ServiceQuotaExceededException", 402)
    launch(drs, *known[:2])
    refused(lambda: launch(drs, known[2]), "ServiceQuotaExceededException", 402)
    quotas = simulator.client("service-quotas")
    told = {one["QuotaCode"]: one["Value"] for one in quotas.list_service_quotas(ServiceCode="drs")["Quotas"]}
    assert (told["L-B827C881"], told["L-D88FAC3A"], told["L-DD6D028C"]) == (2, 1, 1)


def spans(items, server_id):
    """The seconds between one event of a server and the next."""
    own = [item for item in items if item["eventData"].get("sourceServerID") == server_id]
    pairs = zip(own, own[1:])
    return {f"{a['event']}-{b['event']}": seconds_between(a["logDateTime"], b["logDateTime"]) for a, b in pairs}


def test_item_11_phases_last_as_recorded(start):
    simulator = start(
        fleet=fleet(server("linux"), server("windows", os="windows"), server("fast", recovery_mode="FAST"))
    )
    drs = simulator.drs()
    known = ids(drs)
    job_id = launch(drs, *known.values())
    simulator.advance(0.2)
    assert job(drs, job_id)["status"] == "PENDING"
    simulator.advance(1)
    assert job(drs, job_id)["status"] == "STARTED"
    # The whole of the snapshot and the conversion is PENDING; IN_PROGRESS begins with LAUNCH_START.
    simulator.advance(180)
    assert participant(job(drs, job_id), known["linux"])["launchStatus"] == "PENDING"
    simulator.advance(90)
    assert participant(job(drs, job_id), known["linux"])["launchStatus"] == "IN_PROGRESS"
    simulator.advance(JOB_SECONDS)
    ended = job(drs, job_id)
    assert ended["status"] == "COMPLETED"
    items = log(drs, job_id)
    assert 0.3 <= seconds_between(ended["creationDateTime"], items[0]["logDateTime"]) <= 0.4
    linux = spans(items, known["linux"])
    assert 0.15 <= linux["SNAPSHOT_START-SNAPSHOT_END"] <= 0.2
    assert 51 <= linux["SNAPSHOT_END-CONVERSION_START"] <= 52
    assert 175 <= linux["CONVERSION_START-CONVERSION_END"] <= 198
    assert 278 <= linux["LAUNCH_START-LAUNCH_END"] <= 310
    assert 2 <= seconds_between(items[-2]["logDateTime"], items[-1]["logDateTime"]) <= 3
    windows = spans(items, known["windows"])
    assert windows["LAUNCH_START-LAUNCH_END"] > 310
    assert [name for name in events(items, known["fast"]) if name.startswith("CONVERSION")] == []


def test_item_11_jitter_comes_from_the_seed(start):
    def lengths(name, seed):
        simulator = start(name, fleet=fleet(*servers(2)), seed=seed)
        drs = simulator.drs()
        known = ids(drs)
        job_id = launched(simulator, drs, *known.values())["jobID"]
        return [spans(log(drs, job_id), server_id) for server_id in known.values()]

    one = lengths("one", 1)
    assert one == lengths("same", 1)
    assert one != lengths("other", 2)
    assert one[0] != one[1]


def test_item_11_time_runs_as_fast_as_asked(start):
    simulator = start(fleet=fleet(server("a")), speed=2000, manual=False)
    drs = simulator.drs()
    job_id = launch(drs, *ids(drs).values())
    deadline = time.monotonic() + 10
    while job(drs, job_id)["status"] != "COMPLETED" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert job(drs, job_id)["status"] == "COMPLETED"


def test_item_12_the_log_is_in_order_with_the_recorded_keys(simulator):
    drs = simulator.drs()
    known = ids(drs)
    job_id = launched(simulator, drs, known["db-1"], known["db-2"])["jobID"]
    items = log(drs, job_id)
    times = [item["logDateTime"] for item in items]
    assert times == sorted(times)
    assert (items[0]["event"], items[0]["eventData"]) == ("JOB_START", {})
    assert (items[-1]["event"], items[-1]["eventData"]) == ("JOB_END", {})
    for name in ("db-1", "db-2"):
        assert events(items, known[name]) == PHASES
    keys = {item["event"]: set(item["eventData"]) for item in items}
    assert keys["SNAPSHOT_START"] == {"sourceServerID"}
    assert keys["CONVERSION_END"] == {"sourceServerID", "conversionServerID"}
    # Outside of the model's enum, as recorded.
    assert keys["LAUNCH_END"] == {"sourceServerID", "targetInstanceID"}
    assert drs.describe_job_log_items(jobID="drsjob-" + "a" * 17)["items"] == []


def test_item_12_launch_end_can_be_switched_off(start):
    simulator = start(fleet=fleet(server("a"), settings={"launch_end_events": False}))
    drs = simulator.drs()
    job_id = launched(simulator, drs, *ids(drs).values())["jobID"]
    assert "LAUNCH_END" not in events(log(drs, job_id))


@pytest.mark.parametrize("named", [False, True])
def test_item_13_a_job_may_or_may_not_name_the_instance(start, named):
    settings = {"recovery_instance_id_in_job": named}
    simulator = start(fleet=fleet(server("a"), settings=settings))
    drs = simulator.drs()
    (server_id,) = ids(drs).values()
    job_id = launch(drs, server_id)
    simulator.advance(240)
    assert "recoveryInstanceID" not in participant(job(drs, job_id), server_id)
    simulator.advance(JOB_SECONDS)
    ended = participant(job(drs, job_id), server_id)
    assert ended["launchStatus"] == "LAUNCHED"
    (instance,) = instances(drs, server_id)
    expected = instance["recoveryInstanceID"] if named else None
    assert ended.get("recoveryInstanceID") == expected
    # The other two ways to find it.
    (launch_end,) = [item for item in log(drs, job_id) if item["event"] == "LAUNCH_END"]
    assert launch_end["eventData"]["targetInstanceID"] == instance["ec2InstanceID"]
    assert instance["jobID"] == job_id


def test_item_14_a_relaunch_removes_the_old_instance(simulator):
    drs = simulator.drs()
    server_id = ids(drs)["db-1"]
    launched(simulator, drs, server_id, drill=False)
    (first,) = instances(drs, server_id)
    assert source_server(drs, server_id)["recoveryInstanceId"] == first["recoveryInstanceID"]
    job_id = launched(simulator, drs, server_id)["jobID"]
    (second,) = instances(drs, server_id)
    assert second["recoveryInstanceID"] != first["recoveryInstanceID"]
    assert (first["isDrill"], second["isDrill"]) == (False, True)
    assert source_server(drs, server_id)["recoveryInstanceId"] == second["recoveryInstanceID"]
    assert events(log(drs, job_id), server_id) == ["CLEANUP_START", "CLEANUP_END", *PHASES]
    ec2 = simulator.client("ec2")
    old = ec2.describe_instances(InstanceIds=[first["ec2InstanceID"]])["Reservations"][0]["Instances"][0]
    assert old["State"]["Name"] == "terminated"


def test_item_14_a_protected_instance_stays(start):
    protected = {"is_drill": False, "termination_protected": True}
    simulator = start(fleet=fleet(server("a", recovery_instance=protected)))
    drs = simulator.drs()
    (server_id,) = ids(drs).values()
    (first,) = instances(drs, server_id)
    job_id = launched(simulator, drs, server_id)["jobID"]
    assert events(log(drs, job_id), server_id)[:2] == ["CLEANUP_START", "CLEANUP_FAIL"]
    assert first["recoveryInstanceID"] in {one["recoveryInstanceID"] for one in instances(drs, server_id)}
    running = simulator.client("ec2").describe_instances(InstanceIds=[first["ec2InstanceID"]])
    assert running["Reservations"][0]["Instances"][0]["State"]["Name"] == "running"


def test_item_15_the_source_server_changes_with_its_job(simulator):
    drs = simulator.drs()
    server_id = ids(drs)["db-1"]
    before = source_server(drs, server_id)
    assert before["lastLaunchResult"] == "NOT_STARTED"
    assert before["lifeCycle"]["lastLaunch"] == {"initiated": {}}
    job_id = launch(drs, server_id)
    during = source_server(drs, server_id)
    assert during["lastLaunchResult"] == "PENDING"
    last = during["lifeCycle"]["lastLaunch"]
    assert (last["initiated"]["jobID"], last["initiated"]["type"], last["status"]) == (job_id, "DRILL", "PENDING")
    assert last["initiated"]["apiCallDateTime"] == job(drs, job_id)["creationDateTime"]
    simulator.advance(JOB_SECONDS)
    after = source_server(drs, server_id)
    assert (after["lastLaunchResult"], after["lifeCycle"]["lastLaunch"]["status"]) == ("SUCCEEDED", "LAUNCHED")
    launch(drs, server_id, drill=False)
    assert source_server(drs, server_id)["lifeCycle"]["lastLaunch"]["initiated"]["type"] == "RECOVERY"


def test_item_15_jobs_are_told_newest_first(simulator):
    drs = simulator.drs()
    known = ids(drs)
    made = []
    for name in ("db-1", "db-2", "app-1"):
        made.append(launch(drs, known[name]))
        simulator.advance(1)
    assert [one["jobID"] for one in drs.describe_jobs()["items"]] == made[::-1]
    some = drs.describe_jobs(filters={"jobIDs": [made[0], made[2], "drsjob-" + "a" * 17]})["items"]
    assert [one["jobID"] for one in some] == [made[2], made[0]]


@pytest.mark.parametrize(
    "phase, event",
    [
        ("snapshot", "SNAPSHOT_FAIL"),
        ("previous_snapshot", "USING_PREVIOUS_SNAPSHOT_FAILED"),
        ("conversion", "CONVERSION_FAIL"),
        ("launch", "LAUNCH_FAILED"),
        ("iam", "LAUNCH_FAILED"),
        ("capacity", "LAUNCH_FAILED"),
    ],
)
def test_item_16_one_server_fails_and_the_rest_launch(start, phase, event):
    faulty = server("faulty", faults=[{"phase": phase, "raw_error": "it broke"}])
    simulator = start(fleet=fleet(faulty, server("good")))
    drs = simulator.drs()
    known = ids(drs)
    ended = launched(simulator, drs, *known.values())
    assert ended["status"] == "COMPLETED"
    failed = participant(ended, known["faulty"])
    assert failed["launchStatus"] == "FAILED" and "recoveryInstanceID" not in failed
    assert participant(ended, known["good"])["launchStatus"] == "LAUNCHED"
    (line,) = [item for item in log(drs, ended["jobID"]) if "rawError" in item["eventData"]]
    assert (line["event"], line["eventData"]["rawError"]) == (event, "it broke")
    assert line["eventData"]["sourceServerID"] == known["faulty"]
    assert source_server(drs, known["faulty"])["lastLaunchResult"] == "FAILED"
    assert instances(drs, known["faulty"]) == []
    # The next launch is not scripted, so it goes well.
    again = launched(simulator, drs, known["faulty"])
    assert participant(again, known["faulty"])["launchStatus"] == "LAUNCHED"


def test_item_16_a_typical_error_without_a_script(start):
    simulator = start(fleet=fleet(server("a", faults=[{"phase": "capacity"}])))
    drs = simulator.drs()
    ended = launched(simulator, drs, *ids(drs).values())
    (line,) = [item for item in log(drs, ended["jobID"]) if "rawError" in item["eventData"]]
    assert "capacity" in line["eventData"]["rawError"].lower()


def test_item_16_a_job_may_complete_without_a_server(start):
    simulator = start(fleet=fleet(server("a", faults=[{"phase": "pending"}]), server("b")))
    drs = simulator.drs()
    known = ids(drs)
    ended = launched(simulator, drs, *known.values())
    assert ended["status"] == "COMPLETED"
    assert participant(ended, known["a"])["launchStatus"] == "PENDING"


def test_item_18_an_unreachable_source_is_waited_for_ten_minutes(simulator):
    drs = simulator.drs()
    known = ids(drs)
    ended = launched(simulator, drs, known["print-1"], known["db-1"])
    items = log(drs, ended["jobID"])
    assert events(items, known["print-1"])[:2] == ["SNAPSHOT_START", "USING_PREVIOUS_SNAPSHOT"]
    assert spans(items, known["print-1"])["SNAPSHOT_START-USING_PREVIOUS_SNAPSHOT"] == pytest.approx(600, abs=1)
    assert spans(items, known["db-1"])["SNAPSHOT_START-SNAPSHOT_END"] < 1
    assert participant(ended, known["print-1"])["launchStatus"] == "LAUNCHED"


def test_item_18_naming_a_point_takes_no_snapshot(simulator):
    drs = simulator.drs()
    server_id = ids(drs)["print-1"]
    point = drs.describe_recovery_snapshots(sourceServerID=server_id, order="DESC")["items"][0]
    named = [{"sourceServerID": server_id, "recoverySnapshotID": point["snapshotID"]}]
    job_id = drs.start_recovery(sourceServers=named, isDrill=True)["job"]["jobID"]
    simulator.advance(JOB_SECONDS)
    assert not re.search("SNAPSHOT", " ".join(events(log(drs, job_id), server_id)))
    (instance,) = instances(drs, server_id)
    assert instance["pointInTimeSnapshotDateTime"] == point["timestamp"]


def test_item_19_points_follow_the_schedule_and_age_out(simulator):
    drs = simulator.drs()
    server_id = ids(drs)["db-1"]

    def points():
        return drs.describe_recovery_snapshots(sourceServerID=server_id, order="DESC")["items"]

    before = points()
    assert 34 <= len(before) <= 37
    assert all(len(point["ebsSnapshots"]) == 2 for point in before)
    simulator.advance(2 * 3600)
    kept = {point["snapshotID"] for point in points()}
    assert points()[0]["snapshotID"] not in {point["snapshotID"] for point in before}
    gone = [point for point in before if point["snapshotID"] not in kept]
    assert gone
    for point in gone:
        named = [{"sourceServerID": server_id, "recoverySnapshotID": point["snapshotID"]}]
        refused(lambda named=named: drs.start_recovery(sourceServers=named), "ConflictException", 409)
    foreign = [{"sourceServerID": ids(drs)["app-1"], "recoverySnapshotID": points()[0]["snapshotID"]}]
    refused(lambda: drs.start_recovery(sourceServers=foreign), "ConflictException", 409)


def test_item_19_stopping_the_replication_wipes_the_points(simulator):
    drs = simulator.drs()
    server_id = ids(drs)["db-1"]
    newest = drs.describe_recovery_snapshots(sourceServerID=server_id, order="DESC")["items"][0]
    refused(lambda: drs.start_replication(sourceServerID=server_id), "ConflictException", 409)
    stopped = drs.stop_replication(sourceServerID=server_id)["sourceServer"]
    assert stopped["sourceServerID"] == server_id
    assert stopped["dataReplicationInfo"]["dataReplicationState"] == "STOPPED"
    assert drs.describe_recovery_snapshots(sourceServerID=server_id)["items"] == []
    named = [{"sourceServerID": server_id, "recoverySnapshotID": newest["snapshotID"]}]
    refused(lambda: drs.start_recovery(sourceServers=named), "ConflictException", 409)
    started = drs.start_replication(sourceServerID=server_id)["sourceServer"]
    assert started["dataReplicationInfo"]["dataReplicationState"] == "INITIATING"
    simulator.advance(3600)
    anew = drs.describe_recovery_snapshots(sourceServerID=server_id)["items"]
    assert anew and newest["snapshotID"] not in {point["snapshotID"] for point in anew}
    missing = {"sourceServerID": "s-" + "0" * 17}
    refused(lambda: drs.stop_replication(**missing), "ResourceNotFoundException", 404)
