"""The services around DRS: DynamoDB, STS, EC2 and Service Quotas, as far as an orchestrator uses them."""

import datetime

import pytest

from support import ACCOUNT, REGION, fleet, raw, refused, server

TABLE = {
    "TableName": "history",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "ExecutionId", "AttributeType": "S"},
        {"AttributeName": "Item", "AttributeType": "S"},
        {"AttributeName": "Status", "AttributeType": "S"},
        {"AttributeName": "StartTime", "AttributeType": "N"},
    ],
    "KeySchema": [
        {"AttributeName": "ExecutionId", "KeyType": "HASH"},
        {"AttributeName": "Item", "KeyType": "RANGE"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "StatusIndex",
            "KeySchema": [
                {"AttributeName": "Status", "KeyType": "HASH"},
                {"AttributeName": "StartTime", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}


@pytest.fixture
def dynamodb(simulator):
    client = simulator.client("dynamodb")
    client.create_table(**TABLE)
    client.get_waiter("table_exists").wait(TableName="history", WaiterConfig={"Delay": 1, "MaxAttempts": 5})
    return client


def item(execution, sort, **members):
    return {"ExecutionId": {"S": execution}, "Item": {"S": sort}, **members}


def test_dynamodb_conditions_and_transactions(dynamodb):
    new = {"ConditionExpression": "attribute_not_exists(ExecutionId)"}
    dynamodb.put_item(TableName="history", Item=item("e-1", "summary", Version={"N": "1"}), **new)
    refused(
        lambda: dynamodb.put_item(TableName="history", Item=item("e-1", "summary"), **new),
        "ConditionalCheckFailedException",
    )
    writes = [
        {"Put": {"TableName": "history", "Item": item("e-2", "summary"), **new}},
        {"Put": {"TableName": "history", "Item": item("e-1", "summary"), **new}},
    ]
    answer = refused(lambda: dynamodb.transact_write_items(TransactItems=writes), "TransactionCanceledException", 400)
    assert [reason["Code"] for reason in answer["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
    assert "Item" not in dynamodb.get_item(TableName="history", Key=item("e-2", "summary"))
    dynamodb.transact_write_items(TransactItems=writes[:1])
    assert "Item" in dynamodb.get_item(TableName="history", Key=item("e-2", "summary"), ConsistentRead=True)


def test_dynamodb_values_come_back_as_they_were(dynamodb):
    value = item(
        "e-1",
        "everything",
        Number={"N": "1764000000.123456789"},
        Set={"SS": ["a", "b"]},
        Map={"M": {"list": {"L": [{"BOOL": True}, {"NULL": True}, {"S": ""}]}, "binary": {"B": b"\x00\xff"}}},
    )
    dynamodb.put_item(TableName="history", Item=value)
    found = dynamodb.get_item(TableName="history", Key=item("e-1", "everything"))["Item"]
    found["Set"]["SS"].sort()
    assert found == value


def test_dynamodb_queries_in_order_and_by_index(dynamodb):
    for number in range(25):
        members = {"Status": {"S": "RUNNING"}, "StartTime": {"N": str(number)}, "Pad": {"S": "x" * 100_000}}
        dynamodb.put_item(TableName="history", Item=item("e-1", f"event#{number:04}", **members))
    pages = list(
        dynamodb.get_paginator("query").paginate(
            TableName="history",
            KeyConditionExpression="ExecutionId = :e AND begins_with(#i, :p)",
            ExpressionAttributeNames={"#i": "Item"},
            ExpressionAttributeValues={":e": {"S": "e-1"}, ":p": {"S": "event#"}},
        )
    )
    assert len(pages) > 1
    assert [one["Item"]["S"] for page in pages for one in page["Items"]] == [f"event#{n:04}" for n in range(25)]
    newest = dynamodb.query(
        TableName="history",
        IndexName="StatusIndex",
        KeyConditionExpression="#s = :s",
        ExpressionAttributeNames={"#s": "Status"},
        ExpressionAttributeValues={":s": {"S": "RUNNING"}},
        ScanIndexForward=False,
        Limit=3,
    )
    assert [one["StartTime"]["N"] for one in newest["Items"]] == ["24", "23", "22"]


def test_dynamodb_tables_are_described_as_they_were_made(simulator):
    dynamodb = simulator.client("dynamodb")
    dynamodb.create_table(
        **TABLE,
        DeletionProtectionEnabled=True,
        SSESpecification={"Enabled": True},
        Tags=[{"Key": "made", "Value": "by-test"}],
    )
    told = dynamodb.describe_table(TableName="history")["Table"]
    assert told["TableArn"] == f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/history"
    assert told["TableStatus"] == "ACTIVE" and told["DeletionProtectionEnabled"]
    assert told["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert (told["SSEDescription"]["Status"], told["SSEDescription"]["SSEType"]) == ("ENABLED", "KMS")
    assert told["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE"
    assert abs(told["CreationDateTime"] - datetime.datetime.now(datetime.timezone.utc)).total_seconds() < 60
    tags = dynamodb.list_tags_of_resource(ResourceArn=told["TableArn"])["Tags"]
    assert tags == [{"Key": "made", "Value": "by-test"}]
    dynamodb.tag_resource(ResourceArn=told["TableArn"], Tags=[{"Key": "more", "Value": "1"}])
    dynamodb.untag_resource(ResourceArn=told["TableArn"], TagKeys=["made"])
    assert dynamodb.list_tags_of_resource(ResourceArn=told["TableArn"])["Tags"] == [{"Key": "more", "Value": "1"}]
    refused(lambda: dynamodb.delete_table(TableName="history"), "ValidationException")
    dynamodb.update_table(TableName="history", DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName="history")
    refused(lambda: dynamodb.describe_table(TableName="history"), "ResourceNotFoundException")


def test_dynamodb_point_in_time_recovery(dynamodb):
    recovery = lambda answer: answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery(dynamodb.describe_continuous_backups(TableName="history")) == {
        "PointInTimeRecoveryStatus": "DISABLED"
    }
    on = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7}
    answer = dynamodb.update_continuous_backups(TableName="history", PointInTimeRecoverySpecification=on)
    for told in (recovery(answer), recovery(dynamodb.describe_continuous_backups(TableName="history"))):
        assert (told["PointInTimeRecoveryStatus"], told["RecoveryPeriodInDays"]) == ("ENABLED", 7)
        assert told["EarliestRestorableDateTime"] <= told["LatestRestorableDateTime"]
    refused(lambda: dynamodb.describe_continuous_backups(TableName="absent"), "TableNotFoundException", 400)
    # A table of the same name begins without.
    dynamodb.delete_table(TableName="history")
    dynamodb.create_table(**TABLE)
    told = recovery(dynamodb.describe_continuous_backups(TableName="history"))
    assert told["PointInTimeRecoveryStatus"] == "DISABLED"


def test_dynamodb_encryption_can_be_changed(dynamodb):
    key = "arn:aws:kms:us-east-1:111122223333:key/0b7d7f4e-1111-2222-3333-444455556666"
    on = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    answer = dynamodb.update_table(TableName="history", SSESpecification=on)["TableDescription"]
    told = dynamodb.describe_table(TableName="history")["Table"]
    for description in (answer, told):
        assert description["SSEDescription"] == {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}
    both = {"SSESpecification": {"Enabled": False}, "DeletionProtectionEnabled": True}
    answer = dynamodb.update_table(TableName="history", **both)["TableDescription"]
    assert "SSEDescription" not in answer and answer["DeletionProtectionEnabled"]
    assert "SSEDescription" not in dynamodb.describe_table(TableName="history")["Table"]


def test_dynamodb_is_per_account_and_region(simulator, dynamodb):
    assert simulator.client("dynamodb", region="eu-west-1").list_tables()["TableNames"] == []
    assert simulator.client("dynamodb", account="444455556666").list_tables()["TableNames"] == []
    assert dynamodb.list_tables()["TableNames"] == ["history"]


def test_dynamodb_what_it_does_not_know(simulator, dynamodb):
    refused(lambda: dynamodb.create_backup(TableName="history", BackupName="b-1"), "UnknownOperationException", 400)
    target = {"X-Amz-Target": "DynamoDB_20120810.PutItem", "Content-Type": "application/x-amz-json-1.0"}
    for body in (b"", b"{", b"[]", b"\xff"):
        answer = raw(simulator, "POST", "/", body, service="dynamodb", headers=target)
        assert answer.status == 400 and b"Exception" in answer.body, body
    wrong = b'{"TableName": 7, "Item": {}}'
    answer = raw(simulator, "POST", "/", wrong, service="dynamodb", headers=target)
    assert answer.status == 400 and b"SerializationException" in answer.body


def test_sts_roles_of_other_accounts(start):
    strict = {"id": "444455556666", "external_id": "secret-word", "regions": [{"name": REGION, "servers": [server("b")]}]}
    simulator = start(fleet=fleet(server("a"), accounts=[strict]))
    sts = simulator.client("sts")
    role = dict(RoleArn="arn:aws:iam::444455556666:role/dr", RoleSessionName="night")
    refused(lambda: sts.assume_role(**role), "AccessDenied", 403)
    refused(lambda: sts.assume_role(**role, ExternalId="wrong-word"), "AccessDenied", 403)
    elsewhere = {**role, "RoleArn": "arn:aws:iam::999999999999:role/dr"}
    refused(lambda: sts.assume_role(**elsewhere, ExternalId="secret-word"), "AccessDenied", 403)
    granted = sts.assume_role(**role, ExternalId="secret-word", DurationSeconds=900)["Credentials"]
    left = granted["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    assert 800 < left.total_seconds() <= 900
    drs = simulator.drs(
        aws_access_key_id=granted["AccessKeyId"],
        aws_secret_access_key=granted["SecretAccessKey"],
        aws_session_token=granted["SessionToken"],
    )
    hint = drs.describe_source_servers()["items"][0]["sourceProperties"]["identificationHints"]
    assert hint["hostname"] == "b"


def test_ec2_filters_pages_and_unknown_instances(start):
    running = {"recovery_instance": {}}
    simulator = start(fleet=fleet(*(server(f"host-{n}", tags={"Even": str(n % 2 == 0)}, **running) for n in range(7))))
    ec2 = simulator.client("ec2")
    pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["Reservations"]) for page in pages] == [5, 2]
    even = [{"Name": "tag:Even", "Values": ["True"]}, {"Name": "instance-state-name", "Values": ["running"]}]
    assert len(ec2.describe_instances(Filters=even)["Reservations"]) == 4
    unknown = ["i-" + "0" * 17]
    refused(lambda: ec2.describe_instances(InstanceIds=unknown), "InvalidInstanceID.NotFound", 400)
    refused(lambda: ec2.describe_instance_status(InstanceIds=unknown), "InvalidInstanceID.NotFound", 400)
    refused(ec2.describe_vpcs, "InvalidAction", 400)


def test_service_quotas(simulator):
    quotas = simulator.client("service-quotas")
    pages = quotas.get_paginator("list_service_quotas").paginate(ServiceCode="drs", PaginationConfig={"PageSize": 2})
    told = {one["QuotaCode"]: one["Value"] for page in pages for one in page["Quotas"]}
    assert told == {
        "L-D88FAC3A": 20,
        "L-B827C881": 100,
        "L-05AFA8C6": 500,
        "L-DD6D028C": 1,
        "L-C1D14A2B": 300,
        "L-E28BE5E0": 4000,
    }
    refused(lambda: quotas.get_service_quota(ServiceCode="drs", QuotaCode="L-0"), "NoSuchResourceException", 400)
    of_ec2 = quotas.list_service_quotas(ServiceCode="ec2")["Quotas"]
    assert [one["QuotaCode"] for one in of_ec2] == ["L-1216C47A"]
    refused(lambda: quotas.list_service_quotas(ServiceCode="s3"), "NoSuchResourceException", 400)
    refused(lambda: quotas.list_services(), "UnknownOperationException", 400)
