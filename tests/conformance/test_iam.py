"""Policies are enforced as IAM does it, and refused in each service's own words."""

import pytest

from support import ACCOUNT, REGION, fleet, refused, server

OTHER = "444455556666"
KEY = "AKIAEXAMPLEOPERATOR0"
ROLE = f"arn:aws:iam::{OTHER}:role/drs-target"
USER = f"arn:aws:iam::{ACCOUNT}:user/ops/ada"


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(*actions, on="*", **more):
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


def deny(*actions, on="*"):
    return {"Effect": "Deny", "Action": list(actions), "Resource": on}


@pytest.fixture
def world(start):
    """Starts a world whose user has these policies, and the role of another account those."""

    def one(*user, role=(), also=()):
        made = fleet(server("db-1"), accounts=[{"id": OTHER, "regions": [{"name": REGION, "servers": [server("far-1")]}]}])
        made["iam"] = {
            "principals": [
                {"arn": USER, "access_key_id": KEY, "policies": [policy(*user)]},
                {"arn": ROLE, "policies": [policy(*role)]},
                *also,
            ]
        }
        return start(fleet=made)

    return one


def client(simulator, service, key=KEY, **more):
    return simulator.client(service, aws_access_key_id=key, aws_secret_access_key="any", **more)


def message(call, code, status):
    return refused(call, code, status)["Error"]["Message"]


def not_allowed(action, resource="*", who=USER):
    return (
        f"User: {who} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )


def test_each_service_refuses_in_its_own_words(world):
    simulator = world(allow("drs:DescribeJobs"))
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/plans"
    drs, dynamodb, sts = (client(simulator, name) for name in ("drs", "dynamodb", "sts"))
    assert drs.describe_jobs()["items"] == []
    told = message(drs.describe_source_servers, "AccessDeniedException", 403)
    assert told == not_allowed("drs:DescribeSourceServers")
    told = message(lambda: dynamodb.get_item(TableName="plans", Key={"Id": {"S": "1"}}), "AccessDeniedException", 400)
    assert told == not_allowed("dynamodb:GetItem", table)
    told = message(lambda: sts.assume_role(RoleArn=ROLE, RoleSessionName="ada"), "AccessDenied", 403)
    assert told == not_allowed("sts:AssumeRole", ROLE)
    told = message(client(simulator, "ec2").describe_instances, "UnauthorizedOperation", 403)
    assert told == not_allowed("ec2:DescribeInstances")
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:notices"
    told = message(lambda: client(simulator, "sns").publish(TopicArn=topic, Message="m"), "AuthorizationError", 403)
    assert told == not_allowed("SNS:Publish", topic)
    # Who one is may always be asked.
    assert sts.get_caller_identity()["Arn"] == USER


def test_an_explicit_deny_counts_more(world):
    simulator = world(allow("drs:*"), deny("drs:DescribeSource*"))
    told = message(client(simulator, "drs").describe_source_servers, "AccessDeniedException", 403)
    assert told.endswith("on resource: * with an explicit deny in an identity-based policy")


def test_whoever_is_not_listed_may_do_nothing_but_the_first_user_everything(world):
    simulator = world(allow("sts:AssumeRole", on="*"))
    assert len(simulator.drs().describe_source_servers()["items"]) == 1
    other = f"arn:aws:iam::{OTHER}:role/unlisted"
    session = client(simulator, "sts").assume_role(RoleArn=other, RoleSessionName="ada")["Credentials"]
    keys = {"key": session["AccessKeyId"], "aws_session_token": session["SessionToken"]}
    drs = client(simulator, "drs", **keys)
    told = message(drs.describe_source_servers, "AccessDeniedException", 403)
    assert told == not_allowed("drs:DescribeSourceServers", who=f"arn:aws:sts::{OTHER}:assumed-role/unlisted/ada")


def test_a_session_has_the_rights_of_its_role(world):
    simulator = world(allow("sts:AssumeRole", on=ROLE), role=[allow("drs:DescribeSourceServers")])
    session = client(simulator, "sts").assume_role(RoleArn=ROLE, RoleSessionName="ada")["Credentials"]
    drs = client(simulator, "drs", session["AccessKeyId"], aws_session_token=session["SessionToken"])
    (found,) = drs.describe_source_servers()["items"]
    assert found["sourceProperties"]["identificationHints"]["hostname"] == "far-1"
    refused(drs.describe_jobs, "AccessDeniedException", 403)


def test_transactions_need_the_actions_of_their_writes_and_queries_their_index(world):
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/plans"
    simulator = world(allow("dynamodb:PutItem", "dynamodb:Query", on=table))
    owner = simulator.client("dynamodb")
    owner.create_table(
        TableName="plans",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("Id", "Kind")],
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "KindIndex",
                "KeySchema": [{"AttributeName": "Kind", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    dynamodb = client(simulator, "dynamodb")
    item = {"Id": {"S": "1"}}
    put = {"Put": {"TableName": "plans", "Item": item}}
    dynamodb.transact_write_items(TransactItems=[put])
    both = [put, {"Delete": {"TableName": "plans", "Key": {"Id": {"S": "2"}}}}]
    told = message(lambda: dynamodb.transact_write_items(TransactItems=both), "AccessDeniedException", 400)
    assert told == not_allowed("dynamodb:DeleteItem", table)
    asked = {"TableName": "plans", "ExpressionAttributeValues": {":v": {"S": "1"}}}
    assert dynamodb.query(KeyConditionExpression="Id = :v", **asked)["Count"] == 1
    told = message(
        lambda: dynamodb.query(IndexName="KindIndex", KeyConditionExpression="Kind = :v", **asked),
        "AccessDeniedException",
        400,
    )
    assert told == not_allowed("dynamodb:Query", f"{table}/index/KindIndex")
    told = message(lambda: dynamodb.batch_get_item(RequestItems={"plans": {"Keys": [item]}}), "AccessDeniedException", 400)
    assert told == not_allowed("dynamodb:BatchGetItem", table)


def test_a_launch_needs_what_drs_does_with_the_rights_of_its_caller(world):
    servers = f"arn:aws:drs:{REGION}:{ACCOUNT}:source-server/*"
    via = {"Condition": {"Bool": {"aws:ViaAWSService": "true"}}}
    launches = allow("drs:StartRecovery", "drs:CreateRecoveryInstanceForDrs", "drs:ListTagsForResource", on=servers)
    rest = [allow("ec2:*", **via), allow("iam:PassRole"), allow("drs:DescribeSourceServers")]
    simulator = world(launches, *rest)
    drs = client(simulator, "drs")
    server_id = drs.describe_source_servers()["items"][0]["sourceServerID"]
    arn = servers.replace("*", server_id)
    asked = {"sourceServers": [{"sourceServerID": server_id}], "isDrill": True}
    told = message(lambda: drs.start_recovery(**asked, tags={"a": "b"}), "AccessDeniedException", 403)
    assert told == not_allowed("drs:TagResource", arn)
    assert drs.start_recovery(**asked)["job"]["status"] == "PENDING"
    # By hand nothing of EC2 is allowed.
    refused(client(simulator, "ec2").describe_instances, "UnauthorizedOperation", 403)


def test_a_launch_without_a_right_of_ec2_names_it(world):
    simulator = world(allow("drs:*"), allow("ec2:*"), allow("iam:PassRole"), deny("ec2:RunInstances"))
    drs = client(simulator, "drs")
    server_id = drs.describe_source_servers()["items"][0]["sourceServerID"]
    told = message(lambda: drs.start_recovery(sourceServers=[{"sourceServerID": server_id}]), "AccessDeniedException", 403)
    assert "ec2:RunInstances on resource: arn:aws:ec2:" in told


def test_what_is_not_known_in_a_policy_is_refused_at_the_start(world):
    with pytest.raises(RuntimeError, match=r"iam\.principals\[0\]\.policies\[0\]\.Statement\[0\]\.Condition\.IpAddress"):
        world(allow("drs:*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))


def test_policies_outlive_the_process(start, world):
    simulator = world(allow("drs:DescribeJobs"))
    simulator.kill()
    again = start(simulator.directory.name)
    refused(client(again, "drs").describe_source_servers, "AccessDeniedException", 403)
