"""Histories of two runners, made comparable.

Only three things are taken out: times, ids, and the name of the runner. The lists say by which names they go; whatever else
differs is a difference of the runners. When a look found something is a time, too, and each look has a pace of its own: what
looks found is compared without its order, and everything that was decided or asked with it.
"""

import json
import re
from typing import Any

# By the names of their fields.
TIMES = {"now", "signed_at", "at"}
IDS = {"execution_id", "plan_id", "plan_digest", "resolution_digest", "job", "jobs", "instance", "group_id"}
RUNNER = {"owner", "host", "previous", "seq"}
# What is found by looking.
FOUND = {"ServersJudged", "JobEnded", "InstancesFound", "PointsFound", "ServersChecked"}
# Within texts.
PATTERNS = [
    (re.compile(r"drsjob-[0-9a-z]{17}"), "JOB"),
    (re.compile(r"\bi-[0-9a-f]{17}"), "INSTANCE"),
    (re.compile(r"execution-[0-9a-f]{32}"), "EXECUTION"),
    (re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z"), "TIME"),
]


def comparable(events: list[dict]) -> tuple[list[Any], list[Any]]:
    """A history without times, ids and the runner's name: what was decided and asked, in order, and what looks found."""
    cleaned = [clean({"author": author(event), "event": event["event"]}) for event in events]
    found = [event for event in cleaned if event["event"]["type"] in FOUND]
    return [event for event in cleaned if event not in found], sorted(found, key=json.dumps)


def author(event: dict) -> str:
    """Whether the runner wrote it, or somebody who asked for something."""
    return next(iter(event["author"]))


def clean(value: Any) -> Any:
    if isinstance(value, dict):
        taken_out = TIMES | IDS | RUNNER
        return {clean(name): clean(item) for name, item in value.items() if name not in taken_out}
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, str):
        for pattern, word in PATTERNS:
            value = pattern.sub(word, value)
    return value
