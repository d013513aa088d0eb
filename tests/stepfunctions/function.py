"""Our function as Lambda runs it, without Lambda: the runtime API, served to the binary by the test itself.

Here a test asks the function directly and sees what it answers and logs; no state machine is between.
"""

import json
import queue
import subprocess
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# How long Lambda lets a call run, and how long a test waits for the answer.
CALL_SECONDS = 60
PREFIX = "/2018-06-01/runtime/invocation/"


class Server(ThreadingHTTPServer):
    """One that says nothing of connections that the function's end has cut."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class Function:
    """The function, waiting for events."""

    def __init__(self, binary: Path, variables: dict[str, str], log: Path) -> None:
        self._events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._answers: queue.Queue[Any] = queue.Queue()
        self._server = Server(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.log = log
        lambdas = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "drs",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/drs",
            "AWS_LAMBDA_LOG_STREAM_NAME": "1",
        }
        with log.open("w") as out:
            self._process = subprocess.Popen([binary], env=variables | lambdas, stdout=out, stderr=out)

    def ask(self, event: dict) -> dict:
        """What it answers to an event; an error is an object with an `errorType`."""
        self._events.put((str(uuid.uuid4()), event))
        return self._answers.get(timeout=CALL_SECONDS)

    @property
    def resident_mb(self) -> float:
        """The most that it has had resident until now."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        function = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # noqa: N802 - the name is the library's
                request_id, event = function._events.get()
                deadline = int((time.time() + CALL_SECONDS) * 1000)
                headers = {
                    "Lambda-Runtime-Aws-Request-Id": request_id,
                    "Lambda-Runtime-Deadline-Ms": str(deadline),
                    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:111122223333:function:drs",
                    "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000",
                }
                self._reply(200, json.dumps(event).encode(), headers)

            def do_POST(self) -> None:  # noqa: N802 - the name is the library's
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path.startswith(PREFIX):
                    function._answers.put(body)
                self._reply(202, b"{}", {})

            def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, text in headers.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
