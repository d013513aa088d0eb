"""A door in front of the simulator: a port that can go away when a certain call comes, and come back.

The call that comes is not passed on and its connection is closed; whoever tries again meets a port that refuses
connections, until the door opens again.
"""

import socket
import threading
import urllib.parse

# How long the port refuses connections: longer than the first retry of any SDK.
SHUT_SECONDS = 1.5
LOOPBACK = "127.0.0.1"
# The services that call actions by a form, and those that name the operation in a header.
_FORMS = {"sts", "ec2", "sns"}
# What the last step of a path asks of a function.
_OF_A_FUNCTION = {"invocations": "Invoke", "configuration": "GetFunctionConfiguration"}
# Largest message of this API by far; DynamoDB's own limit is 16 MiB.
_MESSAGE_BYTES = 32 << 20


class Door:
    """A port that passes HTTP calls on, one per connection."""

    def __init__(self, endpoint: str) -> None:
        url = urllib.parse.urlsplit(endpoint)
        self._inside = (url.hostname, url.port)
        self._refused: list[str] = []
        self._let_in: list[str] = []
        self._to_refuse: set[str] = set()
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._listener = self._listen(0)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def refused(self) -> list[str]:
        """The operations whose next call met a shut door."""
        with self._lock:
            return list(self._refused)

    @property
    def let_in(self) -> list[str]:
        """The operation of every call that was passed on, in order."""
        with self._lock:
            return list(self._let_in)

    def refuse_next(self, *operations: str) -> None:
        """Shuts the door when the next call of one of these comes, once for each."""
        with self._lock:
            self._to_refuse.update(operations)

    def shut(self) -> None:
        """Refuses connections until [`open`]; calls that were let in go on."""
        with self._lock:
            self._shut()

    def open(self) -> None:
        """Takes connections again."""
        with self._lock:
            self._open()

    def close(self) -> None:
        self._is_over.set()
        with self._lock:
            self._shut()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server((LOOPBACK, port))
        listener.listen(64)
        return listener

    def _serve(self) -> None:
        listener = self._listener
        while True:
            try:
                outside, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(outside,), daemon=True).start()

    def _pass_on(self, outside: socket.socket) -> None:
        with outside:
            outside.settimeout(60)
            request = _read_message(outside)
            if not request or self._shuts_for(_operation(request)):
                return
            self._note(_operation(request))
            with socket.create_connection(self._inside, timeout=60) as inside:
                inside.sendall(_with_close(request))
                while part := inside.recv(1 << 16):
                    outside.sendall(part)

    def _shuts_for(self, operation: str) -> bool:
        with self._lock:
            if operation not in self._to_refuse:
                return False
            self._to_refuse.remove(operation)
            self._refused.append(operation)
            self._shut()
            self._is_over.wait(SHUT_SECONDS)
            if not self._is_over.is_set():
                self._open()
            return True

    def _note(self, operation: str) -> None:
        with self._lock:
            self._let_in.append(operation)

    def _open(self) -> None:
        self._listener = self._listen(self.port)
        threading.Thread(target=self._serve, daemon=True).start()

    def _shut(self) -> None:
        # Whoever waits for a connection is woken by the first; the port is free after the second.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _read_message(connection: socket.socket) -> bytes:
    """One HTTP request with its body."""
    text = b""
    while b"\r\n\r\n" not in text and len(text) < _MESSAGE_BYTES:
        part = connection.recv(1 << 16)
        if not part:
            return b""
        text += part
    length = int(_headers(text).get("content-length", "0"))
    wanted = text.index(b"\r\n\r\n") + 4 + length
    while len(text) < wanted:
        part = connection.recv(1 << 16)
        if not part:
            return b""
        text += part
    return text


def _headers(message: bytes) -> dict[str, str]:
    lines = message.split(b"\r\n\r\n", 1)[0].decode("latin-1").split("\r\n")[1:]
    pairs = (line.split(":", 1) for line in lines)
    return {name.strip().lower(): text.strip() for name, text in pairs}


def _with_close(message: bytes) -> bytes:
    """The same request on a connection that ends with its answer; the header is not among those that are signed."""
    head, body = message.split(b"\r\n\r\n", 1)
    return head + b"\r\nconnection: close\r\n\r\n" + body


def _operation(message: bytes) -> str:
    """The operation by the name that the simulator has for it."""
    headers = _headers(message)
    service = headers.get("authorization", "////").split("Credential=")[-1].split("/")[3]
    path = message.split(b" ", 2)[1].decode("latin-1").strip("/")
    if service == "drs":
        return path
    if service == "lambda":
        return f"lambda:{_OF_A_FUNCTION.get(path.rpartition('/')[2], '?')}"
    if service in _FORMS:
        body = message.split(b"\r\n\r\n", 1)[1].decode("latin-1")
        return f"{service}:{urllib.parse.parse_qs(body).get('Action', ['?'])[0]}"
    return f"{service}:{headers.get('x-amz-target', '').rpartition('.')[2]}"
