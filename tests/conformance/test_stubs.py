"""Lambda, Systems Manager, SNS and Step Functions: scripted stand-ins, as boto3 sees them, and what was called."""

import functools
import json
import random
import threading
import time
import uuid

import botocore.exceptions
import pytest

from support import ACCOUNT, REGION, fleet, ids, instances, launched, raw, refused, server

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:notices"
LOST = (botocore.exceptions.ConnectionClosedError, botocore.exceptions.EndpointConnectionError)


def declared(*servers, **stubs):
    """A fleet whose one Region has stand-ins."""
    described = fleet(*servers)
    described["accounts"][0]["regions"][0].update(stubs)
    return described


def stub(name, *script):
    return {"name": name, "script": list(script)}


def now(**members):
    """A step that takes no time, for a clock that stands still."""
    return {"delay_seconds": 0, **members}


def script(simulator, kind, name, *steps, place=None):
    command = {"place": place or {"region": REGION}, "kind": kind, "stub": stub(name, *steps)}
    simulator.admin("POST", "/world", {"script_stub": command})


def calls(simulator):
    return simulator.admin("GET", "/calls")["calls"]


def invoke(client, name="check", payload=None, **options):
    body = json.dumps({} if payload is None else payload).encode()
    return client.invoke(FunctionName=name, Payload=body, **options)


def said(answer):
    return json.loads(answer["Payload"].read())


def test_a_function_answers_fails_and_is_throttled_as_its_script_says(start):
    steps = [
        now(outcome="throttle", times=1),
        now(outcome="fail", times=1, reason="shop answers 503"),
        now(outcome="time_out", times=1),
        now(output={"success": True, "seconds": 1.5}),
    ]
    simulator = start(fleet=declared(functions=[stub("check", *steps)]))
    client = simulator.client("lambda")
    answer = refused(lambda: invoke(client), "TooManyRequestsException", 429)
    assert answer["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    failed = invoke(client)
    assert (failed["StatusCode"], failed["FunctionError"]) == (200, "Unhandled")
    assert said(failed) == {"errorMessage": "shop answers 503", "errorType": "Error"}
    late = invoke(client)
    assert late["FunctionError"] == "Unhandled" and said(late)["errorType"] == "Sandbox.Timedout"
    good = invoke(client, f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:check:7")
    assert "FunctionError" not in good
    assert (said(good), good["ExecutedVersion"]) == ({"success": True, "seconds": 1.5}, "7")
    asked = invoke(client, InvocationType="Event")
    assert (asked["StatusCode"], asked["Payload"].read()) == (202, b"")
    assert invoke(client, InvocationType="DryRun")["StatusCode"] == 204


def test_a_function_answers_when_it_has_ended(start):
    simulator = start(fleet=declared(functions=[stub("check", {"delay_seconds": 90, "output": "done"})]))
    client = simulator.client("lambda")
    answers = []
    caller = threading.Thread(target=lambda: answers.append(said(invoke(client))))
    caller.start()
    deadline = time.monotonic() + 10
    while not calls(simulator) and time.monotonic() < deadline:
        time.sleep(0.01)
    simulator.advance(89)
    time.sleep(0.3)
    assert answers == []
    # Others are served meanwhile.
    simulator.drs().describe_jobs()
    simulator.advance(1)
    caller.join(10)
    assert answers == ["done"]


def test_a_function_waits_as_long_as_a_fast_clock_says(start):
    slow = stub("check", {"delay_seconds": 60})
    simulator = start(fleet=declared(functions=[slow]), manual=False, speed=100)
    begun = time.monotonic()
    assert said(invoke(simulator.client("lambda"))) is None
    assert 0.5 <= time.monotonic() - begun < 10


def test_what_nobody_declared_is_missing(simulator):
    answer = refused(lambda: invoke(simulator.client("lambda"), "chekc"), "ResourceNotFoundException", 404)
    assert answer["Error"]["Message"] == f"Function not found: arn:aws:lambda:{REGION}:{ACCOUNT}:function:chekc"
    publish = lambda: simulator.client("sns").publish(TopicArn=TOPIC, Message="hello")
    refused(publish, "NotFound", 404)
    ssm = simulator.client("ssm")
    automation = lambda: ssm.start_automation_execution(DocumentName="Shop-Failovre")
    refused(automation, "AutomationDefinitionNotFoundException", 400)
    command = lambda: ssm.send_command(DocumentName="Shop-Check", InstanceIds=["i-01234567890123456"])
    refused(command, "InvalidDocument", 400)
    script(simulator, "function", "*", now())
    script(simulator, "topic", "*", now())
    invoke(simulator.client("lambda"), "chekc")
    publish()
    # What the built-in fleet has, and what AWS gives to everybody.
    ssm.start_automation_execution(DocumentName="Shop-Failover")
    ssm.start_automation_execution(DocumentName="AWS-StopEC2Instance")


def test_stand_ins_belong_to_an_account_and_a_region(start):
    other = {"id": "444455556666", "regions": [{"name": REGION, "functions": [stub("check", now())]}]}
    described = declared(functions=[stub("check", now())])
    described["accounts"].append(other)
    simulator = start(fleet=described)
    invoke(simulator.client("lambda"))
    invoke(simulator.client("lambda", account="444455556666"))
    elsewhere = simulator.client("lambda", region="eu-west-1")
    refused(lambda: invoke(elsewhere), "ResourceNotFoundException", 404)
    foreign = f"arn:aws:lambda:{REGION}:444455556666:function:check"
    refused(lambda: invoke(simulator.client("lambda"), foreign), "AccessDeniedException", 403)
    script(simulator, "function", "check", now(), place={"region": "eu-west-1"})
    invoke(elsewhere)
    sns = simulator.client("sns")
    for arn, code in [
        (TOPIC.replace(REGION, "eu-west-1"), "InvalidParameter"),
        (TOPIC.replace(ACCOUNT, "444455556666"), "AuthorizationError"),
        ("notices", "InvalidParameter"),
    ]:
        refused(lambda: sns.publish(TopicArn=arn, Message="hello"), code)


def test_an_automation_runs_once_for_a_token(start):
    steps = [
        {"delay_seconds": 60, "output": {"Url": "https://shop"}, "times": 1},
        {"outcome": "fail", "reason": "route 53 said no", "times": 1},
        {"outcome": "time_out"},
    ]
    simulator = start(fleet=declared(documents=[stub("Shop-Failover", *steps)]))
    ssm = simulator.client("ssm")
    token = str(uuid.uuid4())

    def begin(token, wave="web"):
        call = {"DocumentName": "Shop-Failover", "Parameters": {"Wave": [wave]}, "ClientToken": token}
        return ssm.start_automation_execution(**call)["AutomationExecutionId"]

    def state(automation):
        return ssm.get_automation_execution(AutomationExecutionId=automation)["AutomationExecution"]

    first = begin(token)
    assert begin(token) == first
    refused(lambda: begin(token, "db"), "IdempotentParameterMismatch", 400)
    assert state(first)["AutomationExecutionStatus"] == "InProgress"
    simulator.advance(60)
    ended = state(first)
    assert (ended["AutomationExecutionStatus"], ended["Outputs"]) == ("Success", {"Url": ["https://shop"]})
    assert ended["ExecutionEndTime"] > ended["ExecutionStartTime"]
    second, third = begin(str(uuid.uuid4())), begin(str(uuid.uuid4()))
    simulator.advance(1)
    assert state(second)["AutomationExecutionStatus"] == "Failed"
    assert "route 53 said no" in state(second)["FailureMessage"]
    assert state(third)["AutomationExecutionStatus"] == "TimedOut"
    refused(lambda: state(str(uuid.uuid4())), "AutomationExecutionNotFoundException", 400)


@pytest.fixture
def two(start):
    """A simulator with two recovery instances that Systems Manager knows, and their ids."""
    simulator = start(fleet=declared(server("db-1"), server("db-2")))
    drs = simulator.drs()
    known = ids(drs)
    launched(simulator, drs, known["db-1"], known["db-2"])
    ec2 = [instances(drs, known[name])[0]["ec2InstanceID"] for name in ["db-1", "db-2"]]
    return simulator, ec2


def test_a_command_fails_on_one_instance_of_two(two):
    simulator, ec2 = two
    step = {"delay_seconds": 5, "output": "ready", "reason": "refused", "instances": {"db-2": "fail"}}
    script(simulator, "document", "Shop-Check", step)
    ssm = simulator.client("ssm")
    command = ssm.send_command(DocumentName="Shop-Check", InstanceIds=ec2, Comment="a check")["Command"]
    assert command["Status"] == "InProgress"
    command_id = command["CommandId"]
    running = ssm.get_command_invocation(CommandId=command_id, InstanceId=ec2[0])
    assert (running["Status"], running["ResponseCode"]) == ("InProgress", -1)
    simulator.advance(5)
    (listed,) = ssm.list_commands(CommandId=command_id)["Commands"]
    assert (listed["Status"], listed["TargetCount"], listed["ErrorCount"]) == ("Failed", 2, 1)
    pages = ssm.get_paginator("list_command_invocations").paginate(
        CommandId=command_id, Details=True, PaginationConfig={"PageSize": 1}
    )
    found = {one["InstanceId"]: one for page in pages for one in page["CommandInvocations"]}
    assert found[ec2[0]]["Status"] == "Success"
    assert found[ec2[1]]["Status"] == "Failed"
    assert "refused" in found[ec2[1]]["CommandPlugins"][0]["Output"]
    good = ssm.get_command_invocation(CommandId=command_id, InstanceId=ec2[0])
    assert (good["Status"], good["StandardOutputContent"], good["ResponseCode"]) == ("Success", "ready", 0)
    bad = ssm.get_command_invocation(CommandId=command_id, InstanceId=ec2[1])
    assert (bad["Status"], bad["StandardErrorContent"], bad["ResponseCode"]) == ("Failed", "refused", 1)


def test_a_command_needs_instances_that_are_known(two):
    simulator, ec2 = two
    script(simulator, "document", "Shop-Check", {"instances": {"db-2": "missing"}})
    ssm = simulator.client("ssm", validate=False)

    def send(*instance_ids, document="Shop-Check"):
        return lambda: ssm.send_command(DocumentName=document, InstanceIds=list(instance_ids))

    send(ec2[0])()
    message = refused(send(*ec2), "InvalidInstanceId", 400)["Error"]["Message"]
    assert message == f"Instances [[{ec2[1]}]] not in a valid state for account {ACCOUNT}"
    stopped = {"place": {"region": REGION}, "instance": ec2[0], "stopped": True}
    simulator.admin("POST", "/world", {"set_stopped": stopped})
    refused(send(ec2[0]), "InvalidInstanceId", 400)
    refused(send(ec2[0], ec2[0]), "DuplicateInstanceId", 400)
    refused(send("i-1"), "ValidationException", 400)
    refused(send(), "ValidationException", 400)
    refused(send(ec2[0], document="x"), "ValidationException", 400)
    refused(lambda: ssm.list_commands(CommandId=str(uuid.uuid4())), "InvalidCommandId", 400)
    unknown = dict(CommandId=str(uuid.uuid4()), InstanceId=ec2[0])
    refused(lambda: ssm.get_command_invocation(**unknown), "InvalidCommandId", 400)
    refused(lambda: ssm.list_command_invocations(NextToken="x"), "InvalidNextToken", 400)


def test_a_message_is_remembered_and_has_the_bounds_of_sns(start):
    simulator = start(fleet=declared(topics=[stub("notices", now(outcome="throttle", times=1)), stub("all.fifo")]))
    sns = simulator.client("sns", validate=False)
    message = dict(TopicArn=TOPIC, Subject="Drill started", Message="shop/7 <started> & läuft")
    attribute = lambda value: {"plan": {"DataType": "String", "StringValue": value}}
    refused(lambda: sns.publish(**message), "Throttling", 400)
    first = sns.publish(**message)["MessageId"]
    assert first != sns.publish(**message)["MessageId"]
    remembered = calls(simulator)
    assert [call.get("error") for call in remembered] == ["Throttling", None, None]
    assert remembered[1]["input"] == message
    assert remembered[1]["id"] == first
    sns.publish(**message, MessageAttributes=attribute("läuft & <so>"))
    assert calls(simulator)[-1]["input"] == {**message, "MessageAttributes": {"plan": "läuft & <so>"}}
    refused(lambda: sns.publish(**message, MessageAttributes=attribute("")), "ParameterValueInvalid", 400)
    for members in [
        {"Message": ""},
        {"Message": "x" * (256 * 1024 + 1)},
        {"Subject": "two\nlines"},
        {"Subject": "x" * 101},
        {"TopicArn": TOPIC.replace("notices", "all.fifo")},
    ]:
        refused(lambda: sns.publish(**{**message, **members}), "InvalidParameter", 400)
    ordered = TOPIC.replace("notices", "all.fifo")
    sns.publish(TopicArn=ordered, Message="x", MessageGroupId="drs", MessageDeduplicationId="1")
    refused(lambda: sns.publish(Message="x"), "InvalidParameter", 400)


def test_what_was_called_is_remembered_by_every_process_up_to_a_bound(start):
    simulator = start(fleet=declared(functions=[stub("check", now())]))
    client = simulator.client("lambda")
    invoke(client, payload={"wave": "web", "servers": ["s-1"]})
    other = start()
    (call,) = calls(other)
    assert call["operation"] == "lambda:Invoke"
    assert call["input"] == {"FunctionName": "check", "Payload": {"wave": "web", "servers": ["s-1"]}}
    assert (call["account_id"], call["region"]) == (ACCOUNT, REGION)
    assert call["caller"].startswith(f"arn:aws:iam::{ACCOUNT}:user/")
    for _ in range(2):
        invoke(client, payload="x" * (3 * 1024 * 1024))
    assert len(calls(other)) == 1


def test_bad_input_is_refused_and_changes_nothing(start):
    simulator = start(fleet=declared(functions=[stub("check", now())]))
    path = "/2015-03-31/functions/check/invocations"

    def error(method, path, body=b"", service="lambda", **options):
        answer = raw(simulator, method, path, body, service=service, **options)
        return answer.status, answer.error

    assert error("POST", path, b"{") == (400, "InvalidRequestContentException")
    assert error("POST", path, b"\xff\xfe") == (400, "InvalidRequestContentException")
    assert error("POST", path, b"[" * 100_000) == (400, "InvalidRequestContentException")
    assert error("POST", path, b'"' + b"x" * (6 * 1024 * 1024) + b'"') == (413, "RequestTooLargeException")
    assert error("POST", path, b"{}", headers={"X-Amz-Invocation-Type": "Later"}) == (400, "ValidationException")
    assert error("POST", path.replace("check", "a%20b"), b"{}") == (400, "ValidationException")
    assert error("POST", path.replace("check", "%ff"), b"{}") == (404, "UnknownOperationException")
    assert error("GET", path) == (404, "UnknownOperationException")
    assert error("GET", "/2015-03-31/functions") == (404, "UnknownOperationException")
    for target, body, expected in [
        ("AmazonSSM.SendCommand", b"{}", "ValidationException"),
        ("AmazonSSM.SendCommand", b'{"DocumentName": 7}', "SerializationException"),
        ("AmazonSSM.SendCommand", b"[]", "SerializationException"),
        ("AmazonSSM.GetAutomationExecution", b'{"AutomationExecutionId": "x"}', "ValidationException"),
        ("AmazonSSM.StartAutomationExecution", b'{"DocumentName": "abc", "ClientToken": "x"}', "ValidationException"),
        ("AmazonSSM.DeleteDocument", b"{}", "UnknownOperationException"),
        ("DynamoDB.GetItem", b"{}", "UnknownOperationException"),
    ]:
        found = error("POST", "/", body, service="ssm", headers={"X-Amz-Target": target})
        assert found == (400, expected), target
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body, expected in [
        (b"", "InvalidAction"),
        (b"Action=Subscribe", "InvalidAction"),
        (b"Action=Publish", "InvalidParameter"),
        (b"Action=Publish&TopicArn=%zz", "MalformedQueryString"),
        (b"\xff", "MalformedQueryString"),
    ]:
        assert error("POST", "/", body, service="sns", headers=form) == (400, expected), body
    refusals = [call["error"] for call in calls(simulator)]
    assert "ValidationException" in refusals and "InvalidRequestContentException" not in refusals


def test_a_script_that_makes_no_sense_is_refused(start, tmp_path):
    simulator = start()
    for kind, name, step, complaint in [
        ("function", "a:b", {}, "name: "),
        ("function", "check", {"delay_seconds": -1}, "script[0].delay_seconds: "),
        ("function", "check", {"times": 0}, "script[0].times: "),
        ("function", "check", {"outcome": "explode"}, "explode"),
        ("function", "check", {"delay": 1}, "delay"),
        ("topic", "notices", {"outcome": "time_out"}, "script[0].outcome: "),
        ("document", "Shop-Check", {"instances": {"db-1": "throttle"}}, "script[0].instances: "),
    ]:
        with pytest.raises(AssertionError) as caught:
            script(simulator, kind, name, step)
        assert complaint in str(caught.value)
    with pytest.raises(AssertionError) as caught:
        script(simulator, "function", "check", place={"region": REGION, "account_id": "999999999999"})
    assert "account 999999999999 does not exist" in str(caught.value)
    twice = declared(functions=[stub("check"), stub("check")])
    with pytest.raises(RuntimeError) as caught:
        start("other", fleet=twice)
    assert "accounts[0].regions[0].functions[1].name" in str(caught.value)


@pytest.mark.parametrize(
    "service, fault_name, throttled, denied, internal",
    [
        (
            "lambda",
            "lambda:Invoke",
            ("TooManyRequestsException", 429),
            ("AccessDeniedException", 403),
            ("ServiceException", 500),
        ),
        (
            "ssm",
            "ssm:StartAutomationExecution",
            ("ThrottlingException", 400),
            ("AccessDeniedException", 400),
            ("InternalServerError", 500),
        ),
        ("sns", "sns:Publish", ("Throttling", 400), ("AuthorizationError", 403), ("InternalError", 500)),
    ],
)
def test_item_17_faults_of_these_calls_have_their_services_words(
    start, service, fault_name, throttled, denied, internal
):
    stubs = dict(functions=[stub("check", now())], documents=[stub("Shop-Failover")], topics=[stub("notices")])
    simulator = start(fleet=declared(**stubs))
    client = simulator.client(service)
    call = {
        "lambda": lambda: invoke(client),
        "ssm": lambda: client.start_automation_execution(DocumentName="Shop-Failover"),
        "sns": lambda: client.publish(TopicArn=TOPIC, Message="hello"),
    }[service]
    for fault, expected in [({"throttle": {}}, throttled), ("access_denied", denied), ({"internal": {}}, internal)]:
        simulator.fault(fault_name, fault)
        refused(call, *expected)
    simulator.fault(fault_name, "lost_request")
    with pytest.raises(LOST):
        call()
    assert calls(simulator) == []
    simulator.fault(fault_name, "internal_after")
    refused(call, *internal)
    simulator.fault(fault_name, "lost_answer")
    with pytest.raises(LOST):
        call()
    call()
    assert len(calls(simulator)) == 3
    assert simulator.admin("GET", "/counts")["counts"][fault_name] == 7


def mutilated(chance, text):
    """A valid input with a few bytes changed, cut out or doubled; or bytes that mean nothing."""
    if chance.random() < 0.2:
        return chance.randbytes(chance.randrange(0, 64))
    damaged = bytearray(text)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(damaged))
        change = chance.randrange(3)
        if change == 0:
            damaged[at] = chance.randrange(256)
        elif change == 1:
            del damaged[at : at + chance.randrange(1, 8)]
        else:
            damaged[at:at] = damaged[: chance.randrange(1, 16)]
        if not damaged:
            return b""
    return bytes(damaged)


def test_damaged_requests_are_refused_and_break_nothing(start):
    stubs = dict(functions=[stub("*", now())], documents=[stub("*", now())], topics=[stub("*", now())])
    simulator = start(fleet=declared(server("db-1"), **stubs))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    target = lambda operation: {"X-Amz-Target": f"AmazonSSM.{operation}"}
    command = {"DocumentName": "Shop-Check", "InstanceIds": ["i-01234567890123456"], "Parameters": {"a": ["b"]}}
    start_one = {"DocumentName": "Shop-Failover", "Parameters": {"Wave": ["web"]}, "ClientToken": str(uuid.UUID(int=7))}
    requests = [
        ("lambda", "/2015-03-31/functions/check/invocations", {}, json.dumps({"wave": ["web", 1, None]})),
        ("ssm", "/", target("SendCommand"), json.dumps(command)),
        ("ssm", "/", target("StartAutomationExecution"), json.dumps(start_one)),
        ("ssm", "/", target("GetAutomationExecution"), json.dumps({"AutomationExecutionId": str(uuid.UUID(int=7))})),
        ("ssm", "/", target("ListCommandInvocations"), json.dumps({"MaxResults": 5, "NextToken": "00ff", "Details": True})),
        ("ssm", "/", target("ListCommands"), json.dumps({"MaxResults": 5, "NextToken": "é"})),
        ("ssm", "/", target("GetCommandInvocation"), json.dumps({"CommandId": "x", "InstanceId": "i-1"})),
        ("sns", "/", form, f"Action=Publish&Version=2010-03-31&TopicArn={TOPIC}&Message=hello&Subject=A+drill"),
    ]
    chance = random.Random(7)
    for service, path, headers, text in requests:
        for _ in range(60):
            body = mutilated(chance, text.encode())
            answer = raw(simulator, "POST", path, body, service=service, headers=headers)
            assert answer is not None and answer.status < 500, (service, body)
    labels = ["%", "%00", "a" * 300, "a:b:c:d:e:f:g:h", ":", "%F0%9F%98%80", "a%2Fb", "arn%3Aaws%3Alambda%3A%3A%3Afunction%3A"]
    for label in labels:
        answer = raw(simulator, "POST", f"/2015-03-31/functions/{label}/invocations", b"{}", service="lambda")
        assert answer is not None and answer.status in (400, 404), label
    assert invoke(simulator.client("lambda"))["StatusCode"] == 200


def test_what_is_declared_exists_and_nothing_else(start):
    stubs = {"functions": [stub("check")], "documents": [stub("Shop-Failover")], "topics": [stub("notices")]}
    simulator = start(fleet=declared(**stubs))
    lambdas, ssm, sns = (simulator.client(service) for service in ("lambda", "ssm", "sns"))
    found = lambdas.get_function_configuration(FunctionName="check", Qualifier="live")
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:check"
    assert (found["FunctionName"], found["FunctionArn"], found["State"]) == ("check", arn, "Active")
    assert lambdas.get_function_configuration(FunctionName=arn)["FunctionArn"] == arn
    refused(lambda: lambdas.get_function_configuration(FunctionName="chekc"), "ResourceNotFoundException", 404)

    for name in ["Shop-Failover", "AWS-RunShellScript"]:
        document = ssm.describe_document(Name=name)["Document"]
        assert (document["Name"], document["Status"]) == (name, "Active")
    refused(lambda: ssm.describe_document(Name="Shop-Failovre"), "InvalidDocument", 400)

    attributes = sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]
    assert (attributes["TopicArn"], attributes["Owner"]) == (TOPIC, ACCOUNT)
    refused(lambda: sns.get_topic_attributes(TopicArn=TOPIC.replace("notices", "notcies")), "NotFound", 404)
    foreign = TOPIC.replace(ACCOUNT, "444455556666")
    refused(lambda: sns.get_topic_attributes(TopicArn=foreign), "AuthorizationError", 403)
    refused(lambda: sns.get_topic_attributes(TopicArn="notices"), "InvalidParameter", 400)
    assert calls(simulator) == [], "nothing was called"


MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:drills"


def test_a_state_machine_keeps_its_runs_and_drives_nothing(start):
    simulator = start(fleet=declared(state_machines=[stub("drills")]))
    client = simulator.client("stepfunctions")
    described = client.describe_state_machine(stateMachineArn=MACHINE)
    assert (described["name"], described["type"], described["status"]) == ("drills", "STANDARD", "ACTIVE")
    begun = client.start_execution(stateMachineArn=MACHINE, name="x-1", input='{"execution_id": "x"}')
    assert begun["executionArn"] == f"arn:aws:states:{REGION}:{ACCOUNT}:execution:drills:x-1"
    again = client.start_execution(stateMachineArn=MACHINE, name="x-1", input='{"execution_id": "x"}')
    assert again["startDate"] == begun["startDate"]
    refused(lambda: client.start_execution(stateMachineArn=MACHINE, name="x-1", input="{}"), "ExecutionAlreadyExists", 400)
    shown = client.describe_execution(executionArn=begun["executionArn"])
    assert (shown["status"], shown["stateMachineArn"], "stopDate" in shown) == ("RUNNING", MACHINE, False)
    assert [call["operation"] for call in calls(simulator)] == ["states:StartExecution"] * 3


def test_a_run_ends_as_its_script_says(start):
    steps = [now(outcome="fail", times=1), {"outcome": "time_out", "delay_seconds": 60, "times": 1}, now(outcome="throttle")]
    simulator = start(fleet=declared(state_machines=[stub("drills", *steps)]))
    client = simulator.client("stepfunctions")
    runs = [client.start_execution(stateMachineArn=MACHINE)["executionArn"] for _ in range(2)]
    assert [client.describe_execution(executionArn=run)["status"] for run in runs] == ["FAILED", "RUNNING"]
    simulator.advance(60)
    assert client.describe_execution(executionArn=runs[1])["status"] == "TIMED_OUT"
    refused(lambda: client.start_execution(stateMachineArn=MACHINE), "ThrottlingException", 400)


def test_a_token_is_good_once(start):
    client = start(fleet=declared(state_machines=[stub("drills")])).client("stepfunctions")
    client.send_task_success(taskToken="drills/1", output="{}")
    refused(lambda: client.send_task_success(taskToken="drills/1", output="{}"), "TaskTimedOut", 400)
    refused(lambda: client.send_task_success(taskToken="others/1", output="{}"), "TaskDoesNotExist", 400)
    refused(lambda: client.send_task_success(taskToken="1", output="{}"), "InvalidToken", 400)
    refused(lambda: client.send_task_success(taskToken="drills/2", output="{"), "InvalidOutput", 400)


def test_state_machines_that_nobody_declared_do_not_exist(start):
    client = start(fleet=declared(state_machines=[stub("drills")])).client("stepfunctions")
    for call in (client.describe_state_machine, client.start_execution):
        for other in (MACHINE.replace("drills", "others"), MACHINE.replace(ACCOUNT, "444455556666")):
            refused(functools.partial(call, stateMachineArn=other), "StateMachineDoesNotExist", 400)
    refused(lambda: client.describe_state_machine(stateMachineArn="drills"), "InvalidArn", 400)
    run = MACHINE.replace("stateMachine", "execution") + ":x-1"
    refused(lambda: client.describe_execution(executionArn=run), "ExecutionDoesNotExist", 400)
