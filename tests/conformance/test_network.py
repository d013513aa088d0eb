"""What launches boot with: launch templates, subnets and instance types of EC2, and its vCPU quota."""

from support import ACCOUNT, REGION, fleet, ids, instances, launch, launched, participant, refused, server, servers

CELLAR = {"name": "cellar", "id": "subnet-0000000000000000a", "free_addresses": 2, "tags": {"Purpose": "drill"}}
VCPUS = "L-1216C47A"


def with_subnets(*hosts, **options):
    """A fleet whose Region has a subnet with two free addresses, and another."""
    described = fleet(*hosts, **options)
    region = described["accounts"][0]["regions"][0]
    region["subnets"] = [CELLAR, {"name": "attic", "availability_zone": f"{REGION}b"}]
    return described


def world(simulator, **command):
    (members,) = command.values()
    members["place"] = {"region": REGION}
    return simulator.admin("POST", "/world", command)


def template_of(simulator, server_id):
    template_id = simulator.drs().get_launch_configuration(sourceServerID=server_id)["ec2LaunchTemplateID"]
    ec2 = simulator.client("ec2")
    versions = ec2.describe_launch_template_versions(LaunchTemplateId=template_id, Versions=["$Default"])
    (version,) = versions["LaunchTemplateVersions"]
    assert (version["LaunchTemplateId"], version["DefaultVersion"]) == (template_id, True)
    return version


def test_every_server_has_a_launch_template(start):
    simulator = start(fleet=with_subnets(server("a"), server("b", subnet="attic", instance_type="c6i.xlarge")))
    known = ids(simulator.drs())
    one, other = (template_of(simulator, known[name])["LaunchTemplateData"] for name in "ab")
    assert (one["InstanceType"], one["NetworkInterfaces"][0]["SubnetId"]) == ("m5.large", CELLAR["id"])
    assert other["InstanceType"] == "c6i.xlarge"
    assert other["NetworkInterfaces"][0]["SubnetId"] != CELLAR["id"]


def test_a_changed_template_is_the_next_version(start):
    simulator = start(fleet=with_subnets(server("a")))
    (server_id,) = ids(simulator.drs()).values()
    before = template_of(simulator, server_id)
    world(simulator, set_launch_template={"server": "a", "subnet": "none", "instance_type": "t3.micro"})
    after = template_of(simulator, server_id)
    assert (before["VersionNumber"], after["VersionNumber"]) == (1, 2)
    assert after["LaunchTemplateData"]["InstanceType"] == "t3.micro"
    assert after["LaunchTemplateData"].get("NetworkInterfaces", []) == []


def test_templates_are_listed_page_by_page_without_an_id(start):
    simulator = start(fleet=with_subnets(*servers(12)))
    ec2 = simulator.client("ec2")
    pages = ec2.get_paginator("describe_launch_template_versions")
    pages = list(pages.paginate(Versions=["$Default"], PaginationConfig={"PageSize": 5}))
    found = [version["LaunchTemplateId"] for page in pages for version in page["LaunchTemplateVersions"]]
    assert (len(pages), len(set(found))) == (3, 12)
    refused(lambda: ec2.describe_launch_template_versions(), "MissingParameter", 400)
    refused(lambda: ec2.describe_launch_template_versions(Versions=["1"]), "MissingParameter", 400)
    missing = {"LaunchTemplateId": "lt-" + "0" * 17}
    refused(lambda: ec2.describe_launch_template_versions(**missing), "InvalidLaunchTemplateId.NotFound", 400)


def test_subnets_have_tags_and_free_addresses(start):
    simulator = start(fleet=with_subnets(server("a"), server("b"), server("c")))
    ec2, drs = simulator.client("ec2"), simulator.drs()
    (cellar,) = ec2.describe_subnets(SubnetIds=[CELLAR["id"]])["Subnets"]
    assert cellar["AvailableIpAddressCount"] == 2
    assert {tag["Key"]: tag["Value"] for tag in cellar["Tags"]} == {"Name": "cellar", "Purpose": "drill"}
    by_tag = ec2.describe_subnets(Filters=[{"Name": "tag:Purpose", "Values": ["drill"]}])["Subnets"]
    assert by_tag == [cellar]
    by_zone = ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": [f"{REGION}b"]}])["Subnets"]
    assert [one["Tags"] for one in by_zone] == [[{"Key": "Name", "Value": "attic"}]]
    missing = "subnet-" + "0" * 17
    refused(lambda: ec2.describe_subnets(SubnetIds=[CELLAR["id"], missing]), "InvalidSubnetID.NotFound", 400)
    absent = ec2.describe_subnets(Filters=[{"Name": "subnet-id", "Values": [missing]}])["Subnets"]
    assert absent == []

    known = ids(drs)
    # Two addresses, so one of three is not launched.
    job = launched(simulator, drs, *known.values())
    launches = [participant(job, server_id)["launchStatus"] for server_id in known.values()]
    assert sorted(launches) == ["FAILED", "LAUNCHED", "LAUNCHED"]
    (cellar,) = ec2.describe_subnets(SubnetIds=[CELLAR["id"]])["Subnets"]
    assert cellar["AvailableIpAddressCount"] == 0
    (one, _) = instances(drs, *known.values())
    described = ec2.describe_instances(InstanceIds=[one["ec2InstanceID"]])["Reservations"][0]["Instances"][0]
    assert (described["SubnetId"], described["InstanceType"]) == (CELLAR["id"], "m5.large")
    assert described["CpuOptions"] == {"CoreCount": 1, "ThreadsPerCore": 2}


def test_instance_types_have_vcpus(simulator):
    ec2 = simulator.client("ec2")
    (found,) = ec2.describe_instance_types(InstanceTypes=["m5.xlarge"])["InstanceTypes"]
    assert (found["InstanceType"], found["VCpuInfo"]["DefaultVCpus"]) == ("m5.xlarge", 4)
    wanted = {"Name": "instance-type", "Values": ["t3.micro", "m5.enormous"]}
    found = ec2.describe_instance_types(Filters=[wanted])["InstanceTypes"]
    assert [one["InstanceType"] for one in found] == ["t3.micro"]
    refused(lambda: ec2.describe_instance_types(InstanceTypes=["m5.enormous"]), "InvalidInstanceType", 400)


def test_vcpus_are_counted_against_their_quota(start):
    described = with_subnets(server("a"), server("b"), settings={"quotas": {"standard_vcpus": 3}})
    simulator = start(fleet=described)
    quotas, drs = simulator.client("service-quotas"), simulator.drs()
    quota = quotas.get_service_quota(ServiceCode="ec2", QuotaCode=VCPUS)["Quota"]
    assert (quota["Value"], quota["Adjustable"]) == (3, True)
    assert quota["QuotaArn"] == f"arn:aws:servicequotas:{REGION}:{ACCOUNT}:ec2/{VCPUS}"
    known = ids(drs)
    job = launched(simulator, drs, *known.values())
    launches = [participant(job, server_id)["launchStatus"] for server_id in known.values()]
    assert sorted(launches) == ["FAILED", "LAUNCHED"]


def test_a_caller_without_the_right_is_told_so(simulator):
    ec2 = simulator.client("ec2")
    for operation, call in (
        ("ec2:DescribeSubnets", ec2.describe_subnets),
        ("ec2:DescribeInstanceTypes", ec2.describe_instance_types),
        ("ec2:DescribeLaunchTemplateVersions", lambda: ec2.describe_launch_template_versions(Versions=["$Default"])),
    ):
        simulator.fault(operation, "access_denied")
        refused(call, "UnauthorizedOperation", 403)
        assert call()["ResponseMetadata"]["HTTPStatusCode"] == 200
    drs = simulator.drs()
    (server_id, *_) = ids(drs).values()
    simulator.fault("GetLaunchConfiguration", "access_denied")
    refused(lambda: drs.get_launch_configuration(sourceServerID=server_id), "AccessDeniedException", 403)
    launch(drs, server_id)
