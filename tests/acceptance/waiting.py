"""Waiting for events: a condition is polled until it holds, and the wait has a bound."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Long enough for anything that should happen at once on a busy machine.
SOON_SECONDS = 30.0
# Between two looks. Looks at local files and ports are cheap.
LOOK_SECONDS = 0.05


class NeverHappened(AssertionError):
    """What was waited for did not happen in time."""


def until(what: str, look: Callable[[], T | None], seconds: float = SOON_SECONDS) -> T:
    """What `look` gives once it is something true."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise NeverHappened(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(LOOK_SECONDS)
