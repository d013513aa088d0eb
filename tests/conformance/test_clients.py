"""Checklist item 33: what real clients send is understood, by the AWS CLI and byte for byte."""

import json
import os
import subprocess
import sys
import urllib.parse

import botocore.awsrequest
import pytest

from support import ACCOUNT, REGION, ids, launched, raw, source_server


@pytest.fixture
def cli(simulator, tmp_path):
    """Runs the AWS CLI against the simulator; what it prints, as JSON."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": simulator.endpoint,
        "AWS_ACCESS_KEY_ID": simulator.where["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": simulator.where["secret_access_key"],
        "AWS_DEFAULT_REGION": simulator.region,
        "AWS_PAGER": "",
    }

    def run(*arguments, fails=None):
        command = [sys.executable, "-m", "awscli", *arguments, "--output", "json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        if fails is not None:
            assert done.returncode != 0 and fails in done.stderr, done.stderr
            return None
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def test_item_33_the_aws_cli_runs_a_drill(simulator, cli):
    me = cli("sts", "get-caller-identity")
    assert me["Account"] == ACCOUNT
    # The CLI follows the pages itself.
    found = cli("drs", "describe-source-servers", "--page-size", "5")["items"]
    assert len(found) == len(ids(simulator.drs()))
    names = {one["sourceProperties"]["identificationHints"]["hostname"]: one for one in found}
    server_id = names["db-1"]["sourceServerID"]
    started = cli(
        *("drs", "start-recovery", "--is-drill", "--source-servers", f"sourceServerID={server_id}"),
        *("--tags", "made=by-cli"),
    )["job"]
    assert (started["status"], started["tags"]) == ("PENDING", {"made": "by-cli"})
    again = ("drs", "start-recovery", "--source-servers", f"sourceServerID={server_id}")
    cli(*again, fails="ConflictException")
    simulator.advance(2400)
    (ended,) = cli("drs", "describe-jobs", "--filters", f"jobIDs={started['jobID']}")["items"]
    assert ended["status"] == "COMPLETED"
    events = cli("drs", "describe-job-log-items", "--job-id", started["jobID"])["items"]
    assert events[-1]["event"] == "JOB_END"
    (instance,) = cli("drs", "describe-recovery-instances")["items"]
    (reservation,) = cli("ec2", "describe-instances", "--instance-ids", instance["ec2InstanceID"])["Reservations"]
    assert reservation["Instances"][0]["State"]["Name"] == "running"
    settings = cli("drs", "get-launch-configuration", "--source-server-id", server_id)
    template = ("--launch-template-id", settings["ec2LaunchTemplateID"], "--versions", "$Default")
    (version,) = cli("ec2", "describe-launch-template-versions", *template)["LaunchTemplateVersions"]
    booted = version["LaunchTemplateData"]
    (subnet,) = cli("ec2", "describe-subnets", "--subnet-ids", booted["NetworkInterfaces"][0]["SubnetId"])["Subnets"]
    assert subnet["AvailableIpAddressCount"] > 0
    (kind,) = cli("ec2", "describe-instance-types", "--instance-types", booted["InstanceType"])["InstanceTypes"]
    assert kind["VCpuInfo"]["DefaultVCpus"] == 2
    quota = cli("service-quotas", "get-service-quota", "--service-code", "drs", "--quota-code", "L-B827C881")
    assert quota["Quota"]["Value"] == 100
    terminated = cli("drs", "terminate-recovery-instances", "--recovery-instance-ids", instance["recoveryInstanceID"])
    assert terminated["job"]["type"] == "TERMINATE"


def sent(client, operation, **options):
    """What boto3 puts on the wire: method, path, body and content type."""
    requests = []

    def keep(request, **_):
        requests.append(request)

    client.meta.events.register("before-send.*", keep)
    getattr(client, operation)(**options)
    client.meta.events.unregister("before-send.*", keep)
    (request,) = requests
    assert isinstance(request, botocore.awsrequest.AWSPreparedRequest)
    path = request.url.split("/", 3)[3]
    return request.method, "/" + path, request.body or b"", request.headers.get("content-type")


def test_item_33_bodies_are_as_measured(simulator):
    drs = simulator.drs()
    arn = source_server(drs, ids(drs)["db-1"])["arn"]
    encoded = urllib.parse.quote(arn, safe="")
    assert sent(drs, "describe_jobs")[1:3] == ("/DescribeJobs", b"{}")
    assert sent(drs, "initialize_service")[:3] == ("POST", "/InitializeService", b"")
    assert sent(drs, "list_tags_for_resource", resourceArn=arn)[:3] == ("GET", f"/tags/{encoded}", b"")
    untag = sent(drs, "untag_resource", resourceArn=arn, tagKeys=["a b", "c"])
    assert untag[:3] == ("DELETE", f"/tags/{encoded}?tagKeys=a%20b&tagKeys=c", b"")


def test_item_33_every_way_to_send_nothing_is_accepted(simulator):
    for body in (b"", b"{}"):
        for headers in ({}, {"Content-Type": "application/json"}, {"Content-Type": "application/x-amz-json-1.1"}):
            assert raw(simulator, "POST", "/DescribeJobs", body, headers=headers).status == 200
            assert raw(simulator, "POST", "/InitializeService", body, headers=headers).status == 204


def test_item_33_error_bodies_carry_code_and_message(simulator):
    drs = simulator.drs()
    server_id = ids(drs)["db-1"]
    start = json.dumps({"sourceServers": [{"sourceServerID": server_id}]}).encode()
    raw(simulator, "POST", "/StartRecovery", start)
    answer = raw(simulator, "POST", "/StartRecovery", start)
    body = json.loads(answer.body)
    assert answer.error == body["code"] == "ConflictException"
    assert body["message"]


def test_item_33_values_outside_of_the_models_enums_pass(simulator):
    drs = simulator.drs()
    job = launched(simulator, drs, ids(drs)["db-1"])
    items = drs.describe_job_log_items(jobID=job["jobID"])["items"]
    assert "LAUNCH_END" in {item["event"] for item in items}
    assert job["arn"].split(":")[3] == REGION
