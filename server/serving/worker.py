"""The gunicorn worker that lets no slow or broken visitor hold up, or puzzle, another one."""

import errno
import os
import signal
import sys
import threading
import time
from collections import deque
from functools import partial
from typing import Any

from gunicorn import sock, util
from gunicorn.arbiter import Arbiter
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from ..catalog.schema import UnusableCatalog
from ..config import Config
from ..operations.logs import new_request_id, request_id
from ..people.rate_limits import neighbourhood
from ..photos.limits import AddressLimit
from ..refusals import CatalogUnavailable, TooManyAtOnce
from ..web.access_log import log_answer
from .connection import PatientSocket, WholeBody
from .door import close_door

# How much of a refused request is swallowed so that its sender gets to read the refusal.
# gunicorn swallows 64 KiB and then resets the connection, which destroys the answer on its way.
LINGER_BYTES = 16 * 1024 * 1024

READ_BYTES = 64 * 1024
"""Of a body at once: as much as is asked for. gunicorn reads 1 MiB ahead, and copies all that is
left of it twice for each piece that it hands over."""

GOODBYE_SECONDS = 2.0
"""For a visitor to read the answer and to hang up."""

NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)  # accept(2)
FULL_SECONDS = 0.05

UNREAD_SECONDS = 0.05
"""For what is left of a body that the application has not read, and is here already."""

WATCHING = "/api/live"
ENDING = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
HANDOVER_SECONDS = 0.2
"""For a new worker to listen in the place of one that ends."""

LOADING_SECONDS = 3
"""For the application to be there; longer it takes only where the catalog does not answer."""

UNREADABLE = "This request could not be read; please reload the page and try again."
TOO_MUCH = "This request has too much in its head; please clear this site's cookies and try again."
DEFECT = (
    "500 Internal Server Error",
    "Something went wrong on our side; please try again in a moment.",
)
REFUSALS: dict[type, tuple[str, str]] = {
    errors.LimitRequestLine: ("414 URI Too Long", "This address is too long; please shorten it."),
    errors.LimitRequestHeaders: ("431 Request Header Fields Too Large", TOO_MUCH),
    errors.ExpectationFailed: ("417 Expectation Failed", UNREADABLE),
    errors.InvalidResponseHeader: DEFECT,  # ours, though it is a ParseException too
    errors.InvalidResponseHeaderName: DEFECT,
    errors.ParseException: ("400 Bad Request", UNREADABLE),
    Exception: DEFECT,
}


def hold_signals_for_new_workers() -> None:
    """Until they heed them: gunicorn tells a worker once that it should end, and one that has just
    been forked would still take that as its parent does, for later. gunicorn kills it after
    `graceful_timeout`."""
    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ENDING),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING),
    )


class Worker(ThreadWorker):  # type: ignore[misc]
    """gthread, with what `tests/serving/test_worker.py` asks of it beyond gunicorn's own."""

    alive: bool
    sockets: list[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.settings = Config.from_environ()
        self.connections = AddressLimit(self.worker_connections - self.worker_connections // 8)
        self.at_work = AddressLimit(self.settings.address_requests)
        self.waiting: dict[str, deque[Any]] = {}  # by network
        self.goodbyes = threading.BoundedSemaphore(max(1, self.settings.threads // 16))

    def init_signals(self) -> None:
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    def load_wsgi(self) -> None:
        """When the catalog cannot be used, gunicorn ends; while it only does not answer, the next
        worker tries.

        Its queue is its own (SO_REUSEPORT): who comes into it would wait as long as it does, and be
        reset then. Other workers answer, if only that the catalog is away."""
        closing = threading.Timer(LOADING_SECONDS, self._stop_listening)
        closing.start()
        try:
            super().load_wsgi()
        except UnusableCatalog as trouble:
            self.log.error("Dropwall cannot start. %s", trouble)
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
        except CatalogUnavailable as trouble:
            self.log.error("Dropwall cannot start yet. %s", trouble)
            sys.exit(1)
        finally:
            closing.cancel()
            closing.join()
        if not self.sockets:
            self.sockets = sock.create_sockets(self.cfg, self.log)

    def _stop_listening(self) -> None:
        listeners, self.sockets = self.sockets, []
        for listener in listeners:
            listener.close()

    def accept(self, listener: Any) -> None:
        """Leave visitors at the door while nothing more can be opened: gunicorn would end."""
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            time.sleep(FULL_SECONDS)  # or this thread would do nothing but look again

    def enqueue_req(self, conn: Any) -> None:
        """Let one address have only so many of the connections and of the threads: its further
        requests wait for its own. Behind a proxy all have the proxy's address; there the
        application knows the visitors' (`limit_address`)."""
        if not isinstance(conn.sock, PatientSocket):
            conn.address = str(conn.client[0])
            conn.sock = PatientSocket(
                conn.sock, self.settings.stall_seconds, self.settings.slowest_bytes_per_second
            )
            if not self._is_let_in(conn):
                conn.sock.close()
                self.nr_conns -= 1
                return
        if self._may_work(conn):
            conn.sock.renew_patience()
            super().enqueue_req(conn)

    def _is_let_in(self, conn: Any) -> bool:
        if not self.settings.proxies:
            try:
                self.connections.take(conn.address)
            except TooManyAtOnce:
                return False
            conn.sock.when_closed = partial(self.connections.give_back, conn.address)
        return True

    def _may_work(self, conn: Any) -> bool:
        if not self.settings.proxies:
            try:
                self.at_work.take(conn.address)
            except TooManyAtOnce:
                self.waiting.setdefault(neighbourhood(conn.address), deque()).append(conn)
                return False
        return True

    def handle(self, conn: Any) -> Any:
        """Serve one request; say goodbye on this thread.

        gunicorn waits for the visitor to hang up, up to 2 s each, on the one thread that accepts.
        Where many goodbyes are being said, the next visitor's is short: one who is still sending
        may see a reset then instead of the answer, and the page sends that photo again.
        """
        request_id.set("")  # of this thread's last one
        keep = super().handle(conn)
        if not keep and conn.sock.fileno() >= 0:
            conn.sock.setblocking(True)
            is_long = self.goodbyes.acquire(blocking=False)
            try:
                seconds = GOODBYE_SECONDS if is_long else UNREAD_SECONDS
                util.close_graceful(conn.sock, seconds, LINGER_BYTES)
            finally:
                if is_long:
                    self.goodbyes.release()
        return keep

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Keep no connection whose body was not read: gunicorn would wait 5 s for its end."""
        deadline = time.monotonic() + UNREAD_SECONDS
        return keepalive and bool(conn.parser.finish_body(deadline=deadline))

    def finish_request(self, conn: Any, fs: Any) -> None:
        if not self.settings.proxies:
            self.at_work.give_back(conn.address)
        if conn.sock.fileno() < 0:  # `handle` has closed it
            self.nr_conns -= 1
        else:
            super().finish_request(conn, fs)
        network = neighbourhood(conn.address)
        if waiting := self.waiting.pop(network, None):
            following = waiting.popleft()
            if waiting:
                self.waiting[network] = waiting
            self.enqueue_req(following)

    def handle_request(self, req: Any, conn: Any) -> Any:
        conn.parser.unreader.max_body_chunk = READ_BYTES
        asks = None
        if req._expected_100_continue:  # gunicorn would ask for the body of what is refused, too
            req._expected_100_continue, asks = False, conn.sock
            req.force_close()  # whether a body follows a refusal is not known
        req.body.reader = WholeBody(req.body.reader, asks)
        if req.path == WATCHING:  # its connection would lead back to a worker that ends
            req.force_close()
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer what never reached the application: gunicorn would answer in HTML."""
        request_id.set(answer_id := request_id.get() or new_request_id())
        status, sentence = next(REFUSALS[kind] for kind in type(exc).__mro__ if kind in REFUSALS)
        if (status, sentence) == DEFECT:
            # Not its `uri` or `path`: passcodes, names and searches are nobody else's.
            self.log.exception("Error handling a request")
        else:  # in whose words there may be what was sent
            self.log.info("Refused a request: %s", type(exc).__name__)
        body = sentence.encode()
        head = (
            f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
            f"X-Request-Id: {answer_id}\r\n\r\n"
        )
        log_answer("none", "none", int(status[:3]), len(body), 0.0)
        try:
            client.sendall(head.encode() + body)
        except OSError as error:
            self.log.debug("Nobody is left to read the refusal: %s", error)

    def is_parent_alive(self) -> bool:
        """Without its parent it ends as on SIGTERM, which may arrive in here too: `alive` is never
        set back to True."""
        if not super().is_parent_alive():
            self.alive = False
        return self.alive

    def set_accept_enabled(self, enabled: bool) -> None:
        """At the end, take those in who wait at the door, close it, and only then let the watchers
        go to another worker: they would not end by themselves.

        gunicorn leaves its listener open until its last request has ended. The kernel goes on
        queueing visitors there (SO_REUSEPORT), whom nobody accepts.
        """
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            listeners, self.sockets = self.sockets, []
            close_door(listeners, self.accept, HANDOVER_SECONDS)
            time.sleep(HANDOVER_SECONDS)  # the other old workers' doors are closed by then, too
            self.wsgi.extensions["dropwall"].watchers.close()

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End at once on Ctrl-C; a normal exit would first wait for every busy thread.

        (`concurrent.futures.thread._python_exit` joins them.) No photo is lost by it: as after
        a power cut, what was answered is stored, and the rest is swept at the next start.
        """
        os._exit(0)
