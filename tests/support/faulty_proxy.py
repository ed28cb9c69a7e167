"""A network that fails: an HTTP proxy that loses answers, or sends requests twice."""

import http.client
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

from tests.support.proxy import PIECE_BYTES, Proxy

TIMEOUT_SECONDS = 120
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}

Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Headers
    body: bytes


@dataclass(frozen=True)
class Answer:
    status: int
    reason: str
    headers: Headers
    body: bytes


Fault = Callable[["FaultyProxy", Request], Answer | None]
"""Answers a request; with None the visitor gets no answer."""


class FaultyProxy(Proxy):
    """Everything meets `fault`, which may be exchanged meanwhile; or only what is about uploads,
    and the rest passes, piece by piece."""

    def __init__(self, server_url: str, fault: Fault, only_uploads: bool = False) -> None:
        super().__init__(server_url, _Handler)
        self.fault = fault
        self.only_uploads = only_uploads
        self.faults = 0
        self.lock = threading.Lock()

    def ask_server(self, request: Request) -> Answer:
        with self.asking_server(request) as response:
            body = response.read()
            headers = _end_to_end(response.getheaders())
            if response.chunked:
                headers.append(("Content-Length", str(len(body))))
            return Answer(response.status, response.reason, headers, body)

    @contextmanager
    def asking_server(self, request: Request) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(*self.upstream_address, timeout=TIMEOUT_SECONDS)
        with closing(connection):
            headers = {"Connection": "close"} | dict(request.headers)
            connection.request(request.method, request.path, request.body or None, headers)
            with connection.getresponse() as response:
                yield response


def losing_answers(server_url: str, share: float, seed: int = 0) -> FaultyProxy:
    """The server has done what it was asked to, and the visitor never hears of it."""
    chance = random.Random(seed)

    def lose_some(proxy: FaultyProxy, request: Request) -> Answer | None:
        answer = proxy.ask_server(request)
        with proxy.lock:
            is_lost = chance.random() < share
            proxy.faults += is_lost
        return None if is_lost else answer

    return FaultyProxy(server_url, lose_some, only_uploads=True)


def doubling_requests(server_url: str) -> FaultyProxy:
    """Each POST arrives twice, by turns at once and one after the other; the visitor gets the
    answer that came last."""

    def ask_twice(proxy: FaultyProxy, request: Request) -> Answer:
        if request.method != "POST":
            return proxy.ask_server(request)
        with proxy.lock:
            proxy.faults += 1
            at_once = 1 + proxy.faults % 2
        with ThreadPoolExecutor(at_once) as pool:
            asking = [pool.submit(proxy.ask_server, request) for _ in range(2)]
            return [done.result() for done in as_completed(asking)][-1]

    return FaultyProxy(server_url, ask_twice, only_uploads=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FaultyProxy

    def handle(self) -> None:
        """A connection that breaks, on either side, breaks on the other one."""
        try:
            super().handle()
        except (OSError, http.client.HTTPException):
            self.close_connection = True

    def pass_on(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size)
        if len(body) < size:
            raise ConnectionError("the visitor left while sending")
        request = Request(self.command, self.path, _end_to_end(self.headers.items()), body)
        is_about_an_upload = body or self.path.startswith("/api/uploads/")
        if self.server.only_uploads and not is_about_an_upload:
            self._stream(request)
        elif answer := self.server.fault(self.server, request):
            self._send_head(answer.status, answer.reason, answer.headers)
            self.wfile.write(answer.body)
        else:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on  # noqa: N815

    def _stream(self, request: Request) -> None:
        with self.server.asking_server(request) as response:
            headers = _end_to_end(response.getheaders())
            if response.chunked:
                headers.append(("Connection", "close"))
                self.close_connection = True
            self._send_head(response.status, response.reason, headers)
            while piece := response.read1(PIECE_BYTES):
                self.wfile.write(piece)

    def _send_head(self, status: int, reason: str, headers: Headers) -> None:
        self.send_response_only(status, reason)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def _end_to_end(headers: Iterable[tuple[str, str]]) -> Headers:
    return [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]
