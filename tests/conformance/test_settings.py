"""Checklist items 26 and 27: tags, and the settings of launches and replication."""

from support import (
    ACCOUNT,
    REGION,
    fleet,
    ids,
    instances,
    launched,
    refused,
    server,
    source_server,
)


def test_item_26_every_resource_has_tags(simulator):
    drs = simulator.drs()
    server_id = ids(drs)["db-1"]
    job = launched(simulator, drs, server_id, tags={"made": "by-test"})
    (instance,) = instances(drs, server_id)
    (template,) = drs.describe_replication_configuration_templates()["items"]
    arns = [source_server(drs, server_id)["arn"], job["arn"], instance["arn"], template["arn"]]
    for arn in arns:
        drs.tag_resource(resourceArn=arn, tags={"one": "1", "two": "2"})
        drs.tag_resource(resourceArn=arn, tags={"two": "zwei"})
        tags = drs.list_tags_for_resource(resourceArn=arn)["tags"]
        assert (tags["one"], tags["two"]) == ("1", "zwei"), arn
        drs.untag_resource(resourceArn=arn, tagKeys=["one", "absent"])
        assert "one" not in drs.list_tags_for_resource(resourceArn=arn)["tags"]
    assert source_server(drs, server_id)["tags"]["two"] == "zwei"
    (again,) = drs.describe_jobs(filters={"jobIDs": [job["jobID"]]})["items"]
    assert again["tags"] == {"made": "by-test", "two": "zwei"}


def test_item_26_fifty_tags_and_no_more(start):
    simulator = start(fleet=fleet(server("a", tags={"first": "x"})))
    drs = simulator.drs()
    arn = source_server(drs, *ids(drs).values())["arn"]
    drs.tag_resource(resourceArn=arn, tags={f"key-{number}": "x" for number in range(49)})
    refused(lambda: drs.tag_resource(resourceArn=arn, tags={"one-more": "x"}), "ValidationException", 400)
    drs.tag_resource(resourceArn=arn, tags={"first": "y"})
    assert len(drs.list_tags_for_resource(resourceArn=arn)["tags"]) == 50
    refused(lambda: drs.tag_resource(resourceArn=arn, tags={"aws:x": "x"}), "ValidationException", 400)
    refused(lambda: drs.tag_resource(resourceArn=arn, tags={"k": "v" * 257}), "ValidationException", 400)


def test_item_26_arns_of_nothing_are_refused(simulator):
    drs = simulator.drs()
    server_id = ids(drs)["db-1"]
    missing = [
        f"arn:aws:drs:{REGION}:{ACCOUNT}:source-server/s-" + "a" * 17,
        f"arn:aws:drs:eu-west-1:{ACCOUNT}:source-server/{server_id}",
        f"arn:aws:drs:{REGION}:444455556666:source-server/{server_id}",
        f"arn:aws:drs:{REGION}:{ACCOUNT}:job/{server_id}",
    ]
    for arn in missing:
        for call in (
            lambda: drs.list_tags_for_resource(resourceArn=arn),
            lambda: drs.tag_resource(resourceArn=arn, tags={"a": "b"}),
            lambda: drs.untag_resource(resourceArn=arn, tagKeys=["a"]),
        ):
            refused(call, "ResourceNotFoundException", 404)
    wild = f"arn:aws:drs:*:*:source-server/{server_id}"
    refused(lambda: drs.list_tags_for_resource(resourceArn=wild), "ValidationException", 400)


def test_item_26_tags_are_copied_to_the_instance(simulator):
    drs = simulator.drs()
    known = ids(drs)
    drs.update_launch_configuration(sourceServerID=known["db-2"], copyTags=False)
    launched(simulator, drs, known["db-1"], known["db-2"])
    found = {one["sourceServerID"]: one for one in instances(drs, known["db-1"], known["db-2"])}
    assert found[known["db-1"]]["tags"]["Tier"] == "db"
    assert "Tier" not in found[known["db-2"]]["tags"]
    ec2 = simulator.client("ec2")
    by_tag = ec2.describe_instances(Filters=[{"Name": "tag:Tier", "Values": ["db"]}])["Reservations"]
    assert [one["Instances"][0]["InstanceId"] for one in by_tag] == [found[known["db-1"]]["ec2InstanceID"]]


def test_item_27_launch_settings(simulator):
    drs = simulator.drs()
    server_id = ids(drs)["db-1"]
    before = drs.get_launch_configuration(sourceServerID=server_id)
    assert before["ec2LaunchTemplateID"].startswith("lt-")
    assert (before["launchDisposition"], before["copyTags"], before["recoveryMode"]) == ("STARTED", True, "OPTIMAL")
    changed = drs.update_launch_configuration(
        sourceServerID=server_id, launchDisposition="STOPPED", licensing={"osByol": True}, copyPrivateIp=True
    )
    expected = {**before, "launchDisposition": "STOPPED", "licensing": {"osByol": True}, "copyPrivateIp": True}
    for answer in (changed, drs.get_launch_configuration(sourceServerID=server_id)):
        assert {**answer, "ResponseMetadata": None} == {**expected, "ResponseMetadata": None}
    refused(
        lambda: simulator.drs(validate=False).update_launch_configuration(
            sourceServerID=server_id, launchDisposition="SLEEPING"
        ),
        "ValidationException",
    )
    missing = "s-" + "a" * 17
    refused(lambda: drs.get_launch_configuration(sourceServerID=missing), "ResourceNotFoundException", 404)
    launched(simulator, drs, server_id)
    assert instances(drs, server_id)[0]["ec2InstanceState"] == "STOPPED"


def test_item_27_replication_settings(simulator):
    drs = simulator.drs()
    server_id = ids(drs)["db-1"]
    before = drs.get_replication_configuration(sourceServerID=server_id)
    assert [rule["units"] for rule in before["pitPolicy"]] == ["MINUTE", "HOUR", "DAY"]
    assert len(before["replicatedDisks"]) == 2 and before["replicatedDisks"][0]["isBootDisk"]
    rules = [dict(rule) for rule in before["pitPolicy"]]
    rules[2]["retentionDuration"] = 30
    changed = drs.update_replication_configuration(sourceServerID=server_id, pitPolicy=rules, bandwidthThrottling=10)
    assert changed["pitPolicy"][2]["retentionDuration"] == 30
    assert (changed["bandwidthThrottling"], changed["name"]) == (10, before["name"])
    rules[0]["interval"] = 5
    refused(
        lambda: drs.update_replication_configuration(sourceServerID=server_id, pitPolicy=rules), "ValidationException"
    )
    assert drs.get_replication_configuration(sourceServerID=server_id)["pitPolicy"][0]["interval"] == 10
