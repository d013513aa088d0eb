"""The same seed, the same calls and a manual clock give the same bytes, over the wire too."""

import json

from support import fleet, ids, raw, server


def script(simulator):
    """Calls of every kind; each answer with its headers."""
    known = ids(simulator.drs())
    answers = []

    def call(path, body, **options):
        answer = raw(simulator, "POST", path, json.dumps(body).encode(), **options)
        answers.append(answer and (answer.status, sorted(answer.headers.items()), answer.body))
        return answer and json.loads(answer.body or b"null")

    def start(*names, **members):
        listed = [{"sourceServerID": known[name]} for name in names]
        return call("/StartRecovery", {"sourceServers": listed, **members})

    call("/InitializeService", {})
    job = start("a", "b", isDrill=True, tags={"run": "1"})["job"]
    start("b")
    simulator.advance(200.5)
    start("c")
    simulator.fault("DescribeJobs", {"throttle": {"retry_after_seconds": 2}})
    call("/DescribeJobs", {})
    simulator.fault("StartRecovery", "lost_answer")
    start("d")
    call("/StartRecovery", {"sourceServers": [{"sourceServerID": "LATEST"}]})
    simulator.advance(3000)
    call("/DescribeJobs", {})
    call("/DescribeJobLogItems", {"jobID": job["jobID"]})
    found = call("/DescribeRecoveryInstances", {})["items"]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    listed = raw(simulator, "POST", "/", b"Action=DescribeInstances&Version=2016-11-15", service="ec2", headers=form)
    answers.append((listed.status, sorted(listed.headers.items()), listed.body))
    call("/TerminateRecoveryInstances", {"recoveryInstanceIDs": [one["recoveryInstanceID"] for one in found]})
    simulator.advance(1000)
    call("/DescribeSourceServers", {})
    call("/DescribeRecoverySnapshots", {"sourceServerID": known["a"]})
    return answers, simulator.admin("GET", "/state"), simulator.admin("GET", "/launches")


def world():
    faulty = server("c", faults=[{"phase": "conversion"}])
    return fleet(server("a"), server("b", os="windows"), faulty, server("d", recovery_instance={}))


def test_the_same_seed_gives_the_same_bytes(start):
    one = script(start("one", seed=5, fleet=world()))
    two = script(start("two", seed=5, fleet=world()))
    assert len(one[0]) == 14
    assert one == two


def test_another_seed_gives_others(start):
    one, _, _ = script(start("one", seed=5, fleet=world()))
    two, _, _ = script(start("two", seed=6, fleet=world()))
    assert one != two


def test_a_kill_in_between_changes_no_byte_of_the_state(start):
    whole = start("whole", seed=5, fleet=world())
    _, state, launches = script(whole)
    whole.kill()
    again = start("whole", seed=5)
    assert again.admin("GET", "/state") == state
    assert again.admin("GET", "/launches") == launches
