"""A stand-in of Step Functions that remembers what it was asked. It runs no machine: nothing here drives an execution."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:drs"
DESCRIBED = {
    "stateMachineArn": MACHINE,
    "name": "drs",
    "definition": "{}",
    "roleArn": "arn:aws:iam::111122223333:role/drs",
    "type": "STANDARD",
    "status": "ACTIVE",
    "creationDate": 1.0,
}


class StepFunctions:
    """Every operation has one answer, or an error code."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "DescribeStateMachine": DESCRIBED,
            "StartExecution": {"executionArn": MACHINE, "startDate": 1.0},
            "SendTaskSuccess": {},
        }
        self.errors: dict[str, str] = {}
        self.seen: list[tuple[str, dict]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def asked(self, operation: str) -> list[dict]:
        """What an operation was asked, in order."""
        return [body for name, body in self.seen if name == operation]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, operation: str, body: dict) -> tuple[int, Any]:
        self.seen.append((operation, body))
        if code := self.errors.get(operation):
            return 400, {"__type": code, "message": "it says no"}
        if operation not in self.answers:
            return 400, {"__type": "UnknownOperationException", "message": operation}
        return 200, self.answers[operation]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802 - the name is the library's
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                operation = self.headers["X-Amz-Target"].rpartition(".")[2]
                status, answer = stand_in._answer(operation, body)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
