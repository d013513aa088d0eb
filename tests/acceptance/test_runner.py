"""Who drives: what is wrong with a state machine is said before anything starts, and Ctrl-C leaves one at work.

Step Functions is a stand-in that runs no machine, and the simulator is reached by its endpoint, as AWS would be.
"""

from collections.abc import Iterator

import pytest

from . import golden
from .configuration import TERRAFORM, block, data, drill, group, output, plan, wave
from .host import Workspace
from .simulator import ENVIRONMENT, REGION, Simulator
from .step_functions import DESCRIBED, MACHINE, StepFunctions
from .test_actions import action
from .waiting import until

DRILL = "drs_drill_execution.quarterly"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIASIM0111122223333", "AWS_SECRET_ACCESS_KEY": "not-verified"}
HOSTED = {"type": "step_functions", "state_machine_arn": MACHINE}
SERVICES = ("drs", "dynamodb", "ec2", "sts", "servicequotas", "lambda", "ssm", "sns")


@pytest.fixture
def step_functions() -> Iterator[StepFunctions]:
    stand_in = StepFunctions()
    yield stand_in
    stand_in.close()


@pytest.fixture
def served(simulator: Simulator) -> Simulator:
    """The simulator in the time of the wall, with jobs that are short."""
    simulator.speed = 1
    simulator.command({"change_settings": {"shorten": 1000.0}})
    return simulator


def texts(simulator: Simulator, step_functions: StepFunctions, *more: str, **of_provider: object) -> list[str]:
    endpoints = dict.fromkeys(SERVICES, simulator.process["endpoint"])
    endpoints["stepfunctions"] = step_functions.endpoint
    given = {"region": REGION, "environment": ENVIRONMENT, "create_tables": True, "endpoints": endpoints}
    return [
        TERRAFORM + block("provider", "drs", **given | of_provider),
        group("web", source_server_ids=simulator.ids("web-1", "web-2")),
        plan("shop", wave("web", "web")),
        *more,
    ]


def with_credentials(workspace: Workspace) -> Workspace:
    workspace.environment |= CREDENTIALS
    return workspace


# Wrong in themselves: nothing is asked of anybody.
MISTAKES = {
    "runner_of_words": {"type": "lambda", "state_machine_arn": "drs"},
    "runner_with_a_version": {"type": "step_functions", "state_machine_arn": f"{MACHINE}:3"},
    "runner_without_machine": {"type": "step_functions"},
    "runner_without_type": {"state_machine_arn": MACHINE},
    "runner_with_idle_machine": {"type": "in_process", "state_machine_arn": MACHINE},
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_runner_that_is_wrong_in_itself(name: str, workspace: Workspace, simulator: Simulator) -> None:
    web = [group("web", source_server_ids=simulator.ids("web-1")), plan("shop", wave("web", "web"))]
    workspace.write(simulator.provider(), *web, drill("quarterly", "shop", runner=MISTAKES[name]))
    golden.check(name, workspace.plan(expect=1), workspace)
    workspace.write(simulator.provider(runner=MISTAKES[name]), *web)
    golden.check(f"{name}_of_provider", workspace.plan(expect=1), workspace)


def test_a_machine_that_is_named_and_a_simulator_on_this_machine(workspace: Workspace, simulator: Simulator) -> None:
    web = [group("web", source_server_ids=simulator.ids("web-1")), plan("shop", wave("web", "web"))]
    workspace.write(simulator.provider(), *web, drill("quarterly", "shop", runner=HOSTED))
    golden.check("runner_beside_simulator", workspace.apply(expect=1), workspace)
    assert simulator.accepted() == []


def answers(**changed: object) -> dict:
    return DESCRIBED | changed


# Machines that cannot drive: what Step Functions says of them.
UNFIT = {
    "runner_missing": {"error": "StateMachineDoesNotExist"},
    "runner_express": {"answer": answers(type="EXPRESS")},
    "runner_deleting": {"answer": answers(status="DELETING")},
    "runner_denied": {"error": "AccessDeniedException"},
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_machine_that_cannot_drive(
    name: str, workspace: Workspace, served: Simulator, step_functions: StepFunctions
) -> None:
    """A warning at plan, because the same apply may mend it; an error at apply, and nothing starts."""
    workspace = with_credentials(workspace)
    if error := UNFIT[name].get("error"):
        step_functions.errors["DescribeStateMachine"] = error
    else:
        step_functions.answers["DescribeStateMachine"] = UNFIT[name]["answer"]
    workspace.write(*texts(served, step_functions)).apply()
    workspace.write(*texts(served, step_functions, drill("quarterly", "shop", runner=HOSTED)))
    golden.check(f"{name}_planned", workspace.plan(), workspace)
    golden.check(name, workspace.apply(expect=1), workspace)
    workspace.write(*texts(served, step_functions, drill("quarterly", "shop"), runner=HOSTED))
    golden.check(f"{name}_of_provider", workspace.apply(expect=1), workspace)
    assert step_functions.asked("StartExecution") == [] and served.history() == []


def test_a_machine_that_is_not_started(workspace: Workspace, served: Simulator, step_functions: StepFunctions) -> None:
    """Nobody drives the execution that is in the history; the next apply takes it up and starts no other."""
    workspace = with_credentials(workspace)
    step_functions.errors["StartExecution"] = "AccessDeniedException"
    workspace.write(*texts(served, step_functions, drill("quarterly", "shop", runner=HOSTED)))
    golden.check("runner_not_started", workspace.apply(expect=1), workspace)
    assert DRILL not in workspace.state() and served.events() == ["ExecutionStarted", "OwnerTaken"]
    workspace.write(*texts(served, step_functions, drill("quarterly", "shop")))
    workspace.apply()
    assert workspace.state()[DRILL]["status"] == "COMPLETED"
    assert served.events().count("ExecutionStarted") == 1
    assert served.launches() == {"web-1": 1, "web-2": 1}
    workspace.plans_nothing()
    workspace.destroy()


def test_ctrl_c_leaves_the_machine_at_work(
    workspace: Workspace, served: Simulator, step_functions: StepFunctions
) -> None:
    workspace = with_credentials(workspace)
    workspace.write(*texts(served, step_functions, drill("quarterly", "shop"), runner=HOSTED))
    running = workspace.start_apply()
    until("a machine that is started", lambda: step_functions.asked("StartExecution"))
    running.interrupt()
    interrupted = running.wait().expect(1)
    golden.check("runner_interrupted", interrupted, workspace)
    state = workspace.state()[DRILL]
    assert state["status"] == "RUNNING" and state["id"] and not state["_tainted"]
    assert served.events() == ["ExecutionStarted", "OwnerTaken"], "nothing is asked of an execution that is left"
    golden.check("runner_interrupted_planned", workspace.plan("-detailed-exitcode", expect=2), workspace)
    assert workspace.planned_actions() == {DRILL: ["update"]}
    # The stand-in drives nothing, so the next apply finds a machine that is silent, and drives by itself.
    workspace.apply()
    after = workspace.state()[DRILL]
    assert after["id"] == state["id"] and after["status"] == "COMPLETED"
    assert served.launches() == {"web-1": 1, "web-2": 1}
    workspace.plans_nothing()
    workspace.write(*texts(served, step_functions, drill("quarterly", "shop", runner={"type": "in_process"})))
    assert workspace.planned_actions() == {DRILL: ["update"]}, "who drives says nothing about which drill it is"
    workspace.apply()
    workspace.destroy()
    assert served.instances() == []


@pytest.mark.parametrize("host", ["1.15"], indirect=True)
def test_an_action_that_names_a_machine_that_is_missing(
    workspace: Workspace, served: Simulator, step_functions: StepFunctions
) -> None:
    workspace = with_credentials(workspace)
    step_functions.errors["DescribeStateMachine"] = "StateMachineDoesNotExist"
    workspace.write(*texts(served, step_functions)).apply()
    workspace.write(action("drs_start_drill", recovery_plan_id="shop", runner=HOSTED), name="actions.tf")
    golden.check("runner_of_action", workspace.apply("-invoke=action.drs_start_drill.it", expect=1), workspace)
    assert served.history() == []


def test_the_definition(workspace: Workspace, simulator: Simulator) -> None:
    function = "arn:aws:lambda:us-east-1:111122223333:function:drs"
    definition = data("drs_state_machine_definition", "it", function_arn=function)
    result = output("machine", "jsondecode(data.drs_state_machine_definition.it.json)")
    workspace.write(simulator.provider(), definition, result).apply()
    machine = workspace.outputs()["machine"]
    assert machine["QueryLanguage"] == "JSONata"
    assert machine["States"]["Turn"]["Arguments"]["FunctionName"] == function
    wrong = data("drs_state_machine_definition", "it", function_arn="drs")
    workspace.write(simulator.provider(), wrong)
    golden.check("definition_of_words", workspace.plan(expect=1), workspace)
