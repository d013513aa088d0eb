"""Values of optional attributes, other than their defaults."""

from datetime import UTC, datetime, timedelta
from typing import Any

from .model import After, OfTarget
from .world import HOME, REGION, TOPIC

Values = dict[str, list[Any]]

# The noon before today. The newest point before it is kept for days; those of the last hour would age out while a drill goes on.
NOON = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT12:00:00")
ABOUT: Values = {
    "description": ["", "For people.", 'Two lines\nand "quotes" — and a dash.'],
    "tags": [{}, {"Owner": "dba"}, {"Owner": "web", "Cost center": "12", "Team": "web"}],
}
# What decides nothing, so that it is no part of a digest.
OBJECTIVES: Values = {
    "rto_objective": ["4h", "90m", "1h30m0s"],
    "rpo_objective": ["15m", "900s", "0h15m"],
}
NOTIFICATIONS: Values = {
    "notifications": [
        {"topic_arns": [TOPIC]},
        {"topic_arns": [TOPIC, TOPIC + "-2"], "events": ["FINISHED", "STARTED"]},
        {"topic_arns": [After(TOPIC)], "events": ["DEGRADED", After("PAUSED")]},
    ],
}
PLAN: Values = {
    "execution_timeout_seconds": [43_200, 86_400],
    "drill_guard": [{"subnet_tags": {"Purpose": "drill"}}],
}
WAVE: Values = {
    "launch_order": ["SEQUENTIAL"],
    "max_in_flight": [1, 2, 50],
    "wait_time_seconds": [1, 30],
    "timeout_seconds": [14_400, 86_400],
    "on_failure": ["continue", "pause"],
    "min_success_percent": [1, 50, 100],
    "retries": [1, 3],
}
CHECKS: Values = {
    "instance_status_timeout_seconds": [0, 3_600, 14_400],
    "ssm_document": ["AWS-RunShellScript", "AWS-ConfigureDocker"],
    "lambda_function": ["shop-smoke-test"],
    "timeout_seconds": [3_600],
    "on_degraded": ["fail"],
}
HOOK: Values = {
    "account_id": [HOME, OfTarget("ledger")],
    "region": [REGION],
    "timeout_seconds": [3_600, 14_400],
    "on_failure": ["continue"],
}
DRILL: Values = {
    "cleanup": ["on_success", "always", "never"],
    "fail_on_unsuccessful": [False],
    "max_lifetime": ["240h", "720h0m", "43200m"],
    "on_pause": ["return"],
    "timeouts": [{"create": "48h"}, {"create": "36h30m", "update": "48h", "delete": "24h"}],
}
# What a drill carries from its start, so that an import has it; a change in place is not carried.
CARRIED = tuple(DRILL)
TARGET: Values = {
    "name": ["Other"],
    "description": ["", "Of another account."],
    "session_name": ["drills"],
    "session_duration_seconds": [900, 3_600],
}
REGIONS: dict[str, list[list[str]]] = {
    "ledger": [["us-east-1", "eu-central-1"], ["eu-west-1", "us-east-1", "eu-central-1"], ["us-east-1"]],
    "vault": [["eu-west-1"], ["us-west-2", "eu-west-1"]],
}
# Of a drill that is an action.
ACTION: Values = {
    "cleanup": ["on_success", "never"],
    "max_lifetime": ["240h"],
    "reason": ["The plan was changed."],
    "recovery_point_before": [f"{NOON}Z"],
}
EVENTS = [["after_create"], ["after_update"], ["after_create", "after_update"]]
