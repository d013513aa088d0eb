"""Notifications: topics are told what executions do, as the stand-ins of SNS remember it."""

from .configuration import Expression, block, drill, group, plan, wave
from .host import Workspace
from .simulator import Simulator
from .test_checks_and_hooks import calls
from .test_control import PAUSED, in_status
from .test_progress import drsctl
from .waiting import until

PLAN = "drs_recovery_plan.shop"
DRILL = "drs_drill_execution.quarterly"
TOPIC = "arn:aws:sns:us-east-1:111122223333:disaster-recovery"
NOWHERE = "arn:aws:sns:us-east-1:111122223333:nobody"


def shop(simulator: Simulator, notifications: dict | None, **attributes: object) -> list[str]:
    return [
        simulator.provider(),
        group("web", source_server_ids=simulator.ids("web-1", "web-2")),
        plan("shop", wave("web", "web", **attributes), notifications=notifications),
    ]


def told(simulator: Simulator) -> list[str]:
    """The subjects of what was published."""
    return [call["input"]["Subject"] for call in calls(simulator, "sns:Publish")]


def test_topics_are_told_of_everything(workspace: Workspace, simulator: Simulator) -> None:
    faults = [{"phase": "status_checks"}]
    simulator.command({"script_launches": {"place": simulator.place, "server": "web-2", "faults": faults}})
    texts = [*shop(simulator, {"topic_arns": [TOPIC]}, pause_before=True), drill("quarterly", "shop")]
    running = workspace.write(*texts).start_apply()
    execution = until("the pause", lambda: in_status(simulator, PAUSED))
    until("the notice of the pause", lambda: any("PAUSED" in subject for subject in told(simulator)))
    resumed = drsctl(simulator, "resume", execution, "--reason", "the network is ready")
    assert resumed.returncode == 0, resumed
    running.wait().expect(0)
    workspace.plans_nothing()

    # Notices that are due at the same moment are sent together, in any order.
    published = [call["input"] for call in calls(simulator, "sns:Publish")]
    messages = {call["Subject"].split()[0].rstrip(":"): call["Message"] for call in published}
    assert len(published) == 4 and set(messages) == {"STARTED", "PAUSED", "DEGRADED", "COMPLETED"}
    assert f"drsctl resume {execution}" in messages["PAUSED"] and f"drsctl cancel {execution}" in messages["PAUSED"]
    assert "web-2" in messages["DEGRADED"]


def test_a_topic_that_cannot_be_told_stops_nothing(workspace: Workspace, simulator: Simulator) -> None:
    notifications = {"topic_arns": [NOWHERE, TOPIC], "events": ["FINISHED"]}
    workspace.write(*shop(simulator, notifications), drill("quarterly", "shop")).apply()
    workspace.plans_nothing()
    assert workspace.state()[DRILL]["status"] == "COMPLETED"
    published = {call["input"]["TopicArn"]: call.get("error") for call in calls(simulator, "sns:Publish")}
    assert published == {NOWHERE: "NotFound", TOPIC: None}
    assert "NoticeFailed" in simulator.events()


def test_who_is_told_is_read_imported_and_changes_no_digest(workspace: Workspace, simulator: Simulator) -> None:
    workspace.write(*shop(simulator, None)).apply()
    digest = workspace.state()[PLAN]["digest"]
    texts = shop(simulator, {"topic_arns": [TOPIC], "events": ["PAUSED", "FINISHED"]})
    workspace.write(*texts)
    assert workspace.planned_actions() == {PLAN: ["update"]}
    workspace.apply()
    workspace.plans_nothing()
    before = workspace.state()
    assert before[PLAN]["digest"] == digest
    (workspace.folder / "terraform.tfstate").unlink()
    imports = [block("import", to=Expression(address), id=values["id"]) for address, values in before.items()]
    workspace.write(*texts, *imports).apply()
    assert workspace.state() == before

    # A topic of the same apply is not known when it is planned.
    topic = block("resource", "terraform_data", "topic", input=NOWHERE)
    workspace.write(*shop(simulator, {"topic_arns": [Expression("terraform_data.topic.output")]}), topic).apply()
    workspace.plans_nothing()
    assert workspace.state()[PLAN]["notifications"] == {"topic_arns": [NOWHERE], "events": None}
