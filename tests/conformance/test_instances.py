"""Checklist items 21 and 22: recovery instances, and their end."""

import pytest

from support import (
    JOB_SECONDS,
    REGION,
    events,
    fleet,
    ids,
    instances,
    job,
    launch,
    launched,
    log,
    participant,
    refused,
    server,
)


def ec2_state(simulator, instance_id):
    found = simulator.client("ec2").describe_instances(InstanceIds=[instance_id])
    return found["Reservations"][0]["Instances"][0]["State"]["Name"]


def drs_state(drs, server_id):
    (instance,) = instances(drs, server_id)
    return instance["ec2InstanceState"]


def world(simulator, **command):
    (members,) = command.values()
    members["place"] = {"region": REGION}
    return simulator.admin("POST", "/world", command)


def appeared(simulator, drs, server_id):
    """Lets a launch go on until the instance appears."""
    # No launch is shorter, and an instance is pending for at least five seconds.
    simulator.advance(504)
    for _ in range(50):
        simulator.advance(3)
        found = instances(drs, server_id)
        if found:
            return found[0]
    pytest.fail("no instance appeared")


def test_item_21_an_instance_is_pending_and_then_runs(simulator):
    drs = simulator.drs()
    server_id = ids(drs)["db-1"]
    launch(drs, server_id)
    instance = appeared(simulator, drs, server_id)
    assert instance["ec2InstanceState"] == "PENDING"
    instance_id = instance["ec2InstanceID"]
    assert ec2_state(simulator, instance_id) == "pending"
    simulator.advance(10)
    assert drs_state(drs, server_id) == "RUNNING"
    ec2 = simulator.client("ec2")
    status = lambda: ec2.describe_instance_status(InstanceIds=[instance_id])["InstanceStatuses"][0]
    assert status()["InstanceStatus"]["Status"] == "initializing"
    simulator.advance(300)
    assert (status()["InstanceStatus"]["Status"], status()["SystemStatus"]["Status"]) == ("ok", "ok")


def test_item_21_what_an_instance_tells(simulator):
    drs = simulator.drs()
    server_id = ids(drs)["db-1"]
    job_id = launched(simulator, drs, server_id)["jobID"]
    (instance,) = instances(drs, server_id)
    assert (instance["jobID"], instance["sourceServerID"], instance["isDrill"]) == (job_id, server_id, True)
    by_id = drs.describe_recovery_instances(filters={"recoveryInstanceIDs": [instance["recoveryInstanceID"]]})
    assert by_id["items"] == [instance]
    assert drs.describe_recovery_instances(filters={"recoveryInstanceIDs": ["i-" + "0" * 17]})["items"] == []


def test_item_21_a_launch_may_leave_the_instance_stopped(start):
    simulator = start(fleet=fleet(server("a", launch_disposition="STOPPED")))
    drs = simulator.drs()
    (server_id,) = ids(drs).values()
    assert launched(simulator, drs, server_id)["participatingServers"][0]["launchStatus"] == "LAUNCHED"
    assert drs_state(drs, server_id) == "STOPPED"
    (instance,) = instances(drs, server_id)
    assert ec2_state(simulator, instance["ec2InstanceID"]) == "stopped"
    world(simulator, set_stopped={"instance": instance["ec2InstanceID"], "stopped": False})
    assert drs_state(drs, server_id) == "RUNNING"
    world(simulator, set_stopped={"instance": instance["ec2InstanceID"], "stopped": True})
    assert drs_state(drs, server_id) == "STOPPING"
    assert ec2_state(simulator, instance["ec2InstanceID"]) == "stopping"
    simulator.advance(30)
    assert drs_state(drs, server_id) == "STOPPED"


def test_item_21_an_instance_killed_through_ec2_stays_listed(simulator):
    drs = simulator.drs()
    server_id = ids(drs)["db-1"]
    launched(simulator, drs, server_id)
    (instance,) = instances(drs, server_id)
    instance_id = instance["ec2InstanceID"]
    world(simulator, terminate_instance={"instance": instance_id})
    assert drs_state(drs, server_id) == "TERMINATED"
    assert ec2_state(simulator, instance_id) == "terminated"
    simulator.advance(2 * 3600)
    assert drs_state(drs, server_id) == "NOT_FOUND"
    ec2 = simulator.client("ec2")
    refused(lambda: ec2.describe_instances(InstanceIds=[instance_id]), "InvalidInstanceID.NotFound", 400)
    # Only DRS removes the record.
    ended = terminate(simulator, drs, instance_id)
    assert ended["status"] == "COMPLETED"
    assert instances(drs, server_id) == []


def terminate(simulator, drs, *instance_ids):
    made = drs.terminate_recovery_instances(recoveryInstanceIDs=list(instance_ids))["job"]
    simulator.advance(JOB_SECONDS)
    return job(drs, made["jobID"])


def test_item_22_a_termination_is_a_job(simulator):
    drs = simulator.drs()
    known = ids(drs)
    launched(simulator, drs, known["db-1"], known["db-2"])
    found = instances(drs, known["db-1"], known["db-2"])
    named = [one["recoveryInstanceID"] for one in found]
    answer = drs.terminate_recovery_instances(recoveryInstanceIDs=named)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    made = answer["job"]
    assert (made["type"], made["initiatedBy"]) == ("TERMINATE", "TERMINATE_RECOVERY_INSTANCES")
    assert {one["sourceServerID"] for one in made["participatingServers"]} == {known["db-1"], known["db-2"]}
    simulator.advance(5)
    assert job(drs, made["jobID"])["status"] == "STARTED"
    assert drs_state(drs, known["db-1"]) == "SHUTTING-DOWN"
    assert ec2_state(simulator, named[0]) == "shutting-down"
    simulator.advance(JOB_SECONDS)
    ended = job(drs, made["jobID"])
    assert ended["status"] == "COMPLETED" and "endDateTime" in ended
    assert {one["launchStatus"] for one in ended["participatingServers"]} == {"TERMINATED"}
    assert drs.describe_recovery_instances()["items"] == []
    assert events(log(drs, made["jobID"]))[0] == "JOB_START"
    assert ec2_state(simulator, named[0]) == "terminated"
    # The source server is as good as before.
    launched(simulator, drs, known["db-1"])


def test_item_22_what_is_in_a_job_is_not_terminated(simulator):
    drs = simulator.drs()
    server_id = ids(drs)["db-1"]
    launched(simulator, drs, server_id)
    (instance,) = instances(drs, server_id)
    end = lambda: drs.terminate_recovery_instances(recoveryInstanceIDs=[instance["recoveryInstanceID"]])
    launch(drs, server_id)
    refused(end, "ConflictException", 409)
    simulator.advance(JOB_SECONDS)
    (instance,) = instances(drs, server_id)
    end()
    refused(end, "ConflictException", 409)
    refused(lambda: launch(drs, server_id), "ConflictException", 409)
    simulator.advance(JOB_SECONDS)
    refused(end, "ConflictException", 409)


def test_item_22_a_protected_instance_fails_alone(start):
    protected = {"is_drill": True, "termination_protected": True}
    simulator = start(fleet=fleet(server("a", recovery_instance=protected), server("b", recovery_instance={})))
    drs = simulator.drs()
    known = ids(drs)
    found = {one["sourceServerID"]: one["recoveryInstanceID"] for one in instances(drs, *known.values())}
    ended = terminate(simulator, drs, *found.values())
    assert ended["status"] == "COMPLETED"
    assert participant(ended, known["a"])["launchStatus"] != "TERMINATED"
    assert participant(ended, known["b"])["launchStatus"] == "TERMINATED"
    assert len(instances(drs, known["a"])) == 1 and instances(drs, known["b"]) == []
    world(simulator, set_termination_protection={"instance": found[known["a"]], "protected": False})
    assert terminate(simulator, drs, found[known["a"]])["participatingServers"][0]["launchStatus"] == "TERMINATED"
