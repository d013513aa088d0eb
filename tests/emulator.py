"""ministack, other people's emulator of AWS, as a process of a test's own.

It is on loopback, keeps its files in a folder of the test, and is ended by its process id. That it is missing or does not
start is a failure.
"""

import os
import pathlib
import socket
import subprocess
import time
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
MINISTACK = pathlib.Path(os.environ.get("MINISTACK_BIN", ROOT / ".tools/ministack/bin/ministack"))
START_SECONDS = 30
STOP_SECONDS = 10


class Ministack:
    """A running ministack."""

    def __init__(self, home: pathlib.Path) -> None:
        if not MINISTACK.exists():
            pytest.fail(f"no ministack at {MINISTACK}; `make test` installs it")
        self.log = home / "log"
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TMPDIR": str(home),
            # It would listen on every address.
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
        }
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([MINISTACK], env=environment, cwd=home, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not self.is_healthy():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                pytest.fail(f"ministack did not start:\n{self.log.read_text()}")
            time.sleep(0.1)

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
