"""A payments API that remembers, in a process of its own: idempotency keys where asked, tokens, pages, and faults on request.

It deduplicates nothing but what its keys promise, as a bank would not.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet


@dataclass
class Bank:
    """`faults`: taken one a POST: a status before acting, ("acts", status), "cut" or "acts-cut"; or (429, seconds)."""

    keys: bool = True
    page: int = 2
    faults: list[Any] = field(default_factory=list)
    payments: list[dict[str, Any]] = field(default_factory=list)
    files: list[bytes] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    token: str | None = None
    client_secret: str | None = None
    jwks: KeySet | None = None
    tokens_given: int = 0
    delay_s: float = 0.0
    known: dict[str, tuple[int, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""
    words: str = "the account is closed"
    ahead_s: float | None = 0.0
    """Of its clock, which each answer tells; None: it does not."""

    def references(self) -> list[str]:
        return [item["metadata"]["reference"] for item in self.payments]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bank: Bank

    def log_message(self, *_: Any) -> None:
        return

    def send_response(self, code: int, message: str | None = None) -> None:
        self.send_response_only(code, message)
        if self.bank.ahead_s is not None:
            self.send_header("Date", self.date_time_string(time.time() + self.bank.ahead_s))

    def do_GET(self) -> None:
        self._note()
        if not self._known_to_us():
            return
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path == "/payouts":
            listed = list(reversed(self.bank.payments))
            after = query.get("starting_after", [None])[0]
            start = next((n + 1 for n, item in enumerate(listed) if item["id"] == after), 0)
            found = listed[start : start + self.bank.page]
            self._say(200, {"data": found, "has_more": start + self.bank.page < len(listed)})
        elif path == "/pages":
            number = int(query.get("page", ["0"])[0])
            following = f"{self.bank.url}/pages?page={number + 1}" if number < 2 else None
            self._say(200, {"data": [{"id": str(number)}], "next": following})
        elif path == "/elsewhere":
            self._say(200, {"data": [{"id": "1"}], "next": "http://127.0.0.2:9/steal"})
        elif path.startswith("/files/"):
            self._say(200, {"id": path.rpartition("/")[2], "status": "done"})
        else:
            self._say(404, {"error": {"code": "missing"}})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if urlsplit(self.path).path == "/token":
            self._token(parse_qs(body.decode()))
            return
        self._note()
        if not self._known_to_us():
            return
        time.sleep(self.bank.delay_s)
        with self.bank.lock:
            fault = self.bank.faults.pop(0) if self.bank.faults else None
            if fault is None or (isinstance(fault, tuple) and fault[0] == "acts") or fault == "acts-cut":
                answer = self._act(body)
                if fault is None:
                    self._say(*answer)
                    return
        if fault in {"cut", "acts-cut"}:
            self.close_connection = True
            self.connection.close()
        elif isinstance(fault, tuple) and fault[0] == "acts":
            self._say(fault[1], {"error": {"code": "oops"}})
        elif isinstance(fault, tuple):
            self._say(fault[0], {"error": {"code": "slow"}}, {"Retry-After": str(fault[1])})
        else:
            self._say(fault, {"error": {"code": "account_closed", "message": self.bank.words}})

    def _act(self, body: bytes) -> tuple[int, Any]:
        key = self.headers.get("Idempotency-Key")
        if self.bank.keys and key in self.bank.known:
            return self.bank.known[key]
        if self.path.endswith("/file"):
            self.bank.files.append(body)
            answer: tuple[int, Any] = (200, {"ok": True})
        elif self.path == "/consents":
            answer = (201, {"data": {"consent": "C1"}})
        else:
            item = {**json.loads(body), "id": f"po_{len(self.bank.payments) + 1}", "status": "pending"}
            self.bank.payments.append(item)
            answer = (201, item)
        if self.bank.keys and key:
            self.bank.known[key] = answer
        return answer

    def _known_to_us(self) -> bool:
        if self.bank.token is None or self.headers.get("Authorization") == f"Bearer {self.bank.token}":
            return True
        self._say(401, {"error": "invalid_token"})
        return False

    def _token(self, form: dict[str, list[str]]) -> None:
        if self.bank.client_secret is not None:
            good = form.get("client_secret") == [self.bank.client_secret]
        else:
            try:
                claims = jwt.decode(form["client_assertion"][0], self.bank.jwks, algorithms=["PS256", "ES256"]).claims
                good = claims["aud"].endswith("/token") and claims["exp"] > time.time() and claims["iss"] == "us"
            except (ValueError, KeyError, JoseError):
                good = False
        self.bank.tokens_given += good
        if good:
            self._say(200, {"access_token": self.bank.token, "expires_in": 3600, "token_type": "Bearer"})
        else:
            self._say(401, {"error": "invalid_client"})

    def _note(self) -> None:
        self.bank.requests.append((self.command, self.path, dict(self.headers)))

    def _say(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        return


@contextmanager
def bank_api(bank: Bank, context: Any = None) -> Iterator[Bank]:
    """The bank behind its API on a port of this machine; `context`: an SSL context for TLS."""
    server = _Server(("127.0.0.1", 0), type("_ThisHandler", (_Handler,), {"bank": bank}))
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    bank.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield bank
    finally:
        server.shutdown()
        server.server_close()
