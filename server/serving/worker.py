"""The gunicorn worker is gthread, changed so that no slow or broken client holds up others.

Each override names what gunicorn 27.0.1 does instead.

On SIGTERM a worker keeps accepting for HANDOVER_SECONDS, stops listening, ends the live streams
(`set_accept_enabled`), lets the requests that run end, and exits; after gunicorn's
`graceful_timeout` it is killed. Photos whose upload was cut off are sent again by the page.
"""

import errno
import math
import os
import secrets
import selectors
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
from ..operations.logs import request_id
from ..people.rate_limits import network_of
from ..photos.limits import AddressLimit
from ..refusals import CatalogUnavailable, InternalError, TooManyAtOnce
from ..web import access_log
from .connection import MinimumRateSocket, WholeBody

LINGER_BYTES = 16 * 1024 * 1024
"""Bytes of a refused request that are read so that its sender gets to read the refusal. gunicorn
reads 64 KiB and then resets the connection, which destroys the answer on its way."""
LINGER_SECONDS = 2.0
"""Time for a client to read the answer and to close its side."""
READ_BYTES = 64 * 1024
"""Bytes of a body that are read ahead: as many as are asked for. gunicorn reads 1 MiB ahead, and
copies the rest of it twice for each piece that it hands over."""
UNREAD_SECONDS = 0.05
"""Time for the rest of a body that the application has not read, if it is here already."""
NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)  # accept(2)
NO_DESCRIPTORS_SECONDS = 0.05
"""Pause before the next attempt to accept, so that this thread does not spin."""
HANDOVER_SECONDS = 0.2
"""Time for a new worker to listen in the place of one that ends."""
LOADING_SECONDS = 3
"""Time for the application to load; it takes longer only while the catalog does not answer."""
LIVE_PATH = "/api/live"
NOTIFY_SECONDS = 1
"""Time between two signs of life, which gunicorn awaits for `timeout` seconds."""

UNREADABLE = "This request couldn't be read. Reload the page and try again."
TOO_MUCH = "This request's headers are too large. Clear this site's cookies and try again."
DEFECT = ("500 Internal Server Error", InternalError.sentence)
REFUSALS: dict[type, tuple[str, str]] = {
    errors.LimitRequestLine: ("414 URI Too Long", "This address is too long. Shorten it."),
    errors.LimitRequestHeaders: ("431 Request Header Fields Too Large", TOO_MUCH),
    errors.ExpectationFailed: ("417 Expectation Failed", UNREADABLE),
    errors.InvalidResponseHeader: DEFECT,  # ours, though it is a ParseException as well
    errors.InvalidResponseHeaderName: DEFECT,
    errors.ParseException: ("400 Bad Request", UNREADABLE),
    Exception: DEFECT,
}


class Worker(ThreadWorker):  # type: ignore[misc]
    """gthread with time limits, limits for each address, and an orderly end.

    `tests/serving/test_worker.py` holds each change.
    """

    alive: bool
    sockets: list[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.settings = Config.from_environ()
        self.connections = AddressLimit(self.worker_connections - self.worker_connections // 8)
        self.requests = AddressLimit(self.settings.address_requests)
        self.waiting: dict[str, deque[Any]] = {}  # network → connections with a request
        self.lingering = threading.BoundedSemaphore(max(1, self.settings.threads // 16))
        self.notified = -math.inf

    def load_wsgi(self) -> None:
        """Load the application, and stop listening if that takes long.

        Each worker has its own queue of connections (SO_REUSEPORT), and nobody else would accept
        what comes into this one. With an unusable catalog the whole server ends; with one that does
        not answer yet, this worker ends and gunicorn starts the next.
        """

        def stop_listening() -> None:
            listeners, self.sockets = self.sockets, []
            for listener in listeners:
                listener.close()

        timer = threading.Timer(LOADING_SECONDS, stop_listening)
        timer.start()
        try:
            super().load_wsgi()
        except UnusableCatalog as error:
            self.log.error("Dropwall can't start. %s", error)
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
        except CatalogUnavailable as error:
            self.log.error("Dropwall can't start yet. %s", error)
            sys.exit(1)
        finally:
            timer.cancel()
            timer.join()
        if not self.sockets:
            self.sockets = sock.create_sockets(self.cfg, self.log)

    def notify(self) -> None:
        """Give the arbiter a sign of life. gunicorn does so twice a request, by touching a file."""
        if (now := time.monotonic()) >= self.notified + NOTIFY_SECONDS:
            self.notified = now
            super().notify()

    def accept(self, listener: Any) -> None:
        """Leave connections in the queue while no more files can be opened. gunicorn would end."""
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno not in NO_DESCRIPTORS:
                raise
            time.sleep(NO_DESCRIPTORS_SECONDS)

    def enqueue_req(self, conn: Any) -> None:
        """Give a connection to a thread, within its address's share of connections and threads.

        A connection beyond the share is closed; a request beyond it waits for another one of its
        address to end. gunicorn has no such shares. Behind a proxy all connections come from the
        proxy's address; there the application knows the visitors' (`web/security.py`).
        """
        is_limited = not self.settings.proxies
        if not isinstance(conn.sock, MinimumRateSocket):  # a new connection
            conn.address = str(conn.client[0])
            conn.sock = MinimumRateSocket(
                conn.sock, self.settings.stall_seconds, self.settings.slowest_bytes_per_second
            )
            if is_limited:
                try:
                    self.connections.take(conn.address)
                except TooManyAtOnce:
                    conn.sock.close()
                    self.nr_conns -= 1
                    return
                conn.sock.when_closed = partial(self.connections.give_back, conn.address)
        if is_limited:
            try:
                self.requests.take(conn.address)
            except TooManyAtOnce:
                self.waiting.setdefault(network_of(conn.address), deque()).append(conn)
                return
        conn.sock.reset_time_limits()
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """Serve one request; if the connection ends with it, linger on this thread.

        gunicorn lingers on the one thread that accepts, up to 2 s for each connection. While many
        linger, the next one does so only shortly: a client that is still sending may then see a
        reset instead of the answer, and the page sends that photo again.
        """
        request_id.set("")  # the one of this thread's last request
        keep = super().handle(conn)
        if not keep and conn.sock.fileno() >= 0:
            conn.sock.setblocking(True)
            is_long = self.lingering.acquire(blocking=False)
            try:
                seconds = LINGER_SECONDS if is_long else UNREAD_SECONDS
                util.close_graceful(conn.sock, seconds, LINGER_BYTES)
            finally:
                if is_long:
                    self.lingering.release()
        return keep

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Close a connection whose body was not read. gunicorn would wait 5 s for its end."""
        deadline = time.monotonic() + UNREAD_SECONDS
        return keepalive and bool(conn.parser.finish_body(deadline=deadline))

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Release the request's place, and start the next one that waits for it."""
        if not self.settings.proxies:
            self.requests.give_back(conn.address)
        if conn.sock.fileno() < 0:  # `handle` has closed it
            self.nr_conns -= 1
        else:
            super().finish_request(conn, fs)
        network = network_of(conn.address)
        if waiting := self.waiting.pop(network, None):
            following = waiting.popleft()
            if waiting:
                self.waiting[network] = waiting
            self.enqueue_req(following)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Serve a request whose body has to be complete (see WholeBody)."""
        conn.parser.unreader.max_body_chunk = READ_BYTES
        continue_to = None
        if req._expected_100_continue:  # gunicorn would ask for a body that is then refused
            req._expected_100_continue, continue_to = False, conn.sock
            req.force_close()  # whether a body follows a refusal is not known
        req.body.reader = WholeBody(req.body.reader, continue_to)
        if req.path == LIVE_PATH:  # or the page's next request would come to a worker that ends
            req.force_close()
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer a request that never reached the application. gunicorn would answer in HTML."""
        request_id.set(answer_id := request_id.get() or secrets.token_hex(16))
        status, sentence = next(REFUSALS[kind] for kind in type(exc).__mro__ if kind in REFUSALS)
        if (status, sentence) == DEFECT:
            # Without its `uri` or `path`, which may have a passcode, a name or a search in it.
            self.log.exception("Error handling a request")
        else:  # without the error's text, which may quote what was sent
            self.log.info("Refused a request: %s", type(exc).__name__)
        body = sentence.encode()
        head = (
            f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
            f"X-Request-Id: {answer_id}\r\n\r\n"
        )
        line = access_log.Line(status=int(status[:3]), bytes=len(body))
        access_log.log.info("answered", extra=vars(line))
        try:
            client.sendall(head.encode() + body)
        except OSError as error:
            self.log.debug("Nobody is left to read the refusal: %s", error)

    def is_parent_alive(self) -> bool:
        """End as on SIGTERM when the parent is gone. gunicorn would leave `alive` as it is, and
        the live streams open. A SIGTERM may arrive in here, so `alive` never becomes True again."""
        if not super().is_parent_alive():
            self.alive = False
        return self.alive

    def set_accept_enabled(self, enabled: bool) -> None:
        """At the end of this worker, accept for a moment more, close the listeners, then end the
        live streams, so that their pages connect to another worker.

        gunicorn leaves its listeners open until the last request has ended, and the kernel goes on
        queueing connections there (SO_REUSEPORT), which nobody accepts. A client that connects
        between the last accept and `close` is reset, and tries again.
        """
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        listeners, self.sockets = self.sockets, []
        deadline = time.monotonic() + HANDOVER_SECONDS
        with selectors.DefaultSelector() as selector:
            for listener in listeners:
                selector.register(listener, selectors.EVENT_READ)
            # Those that wait already are accepted after the deadline, too, within reason.
            while (left := deadline - time.monotonic()) > -HANDOVER_SECONDS:
                ready = selector.select(max(0.0, left))
                if not ready:
                    break
                for key, _ in ready:
                    self.accept(key.fileobj)
        for listener in listeners:
            listener.close()
        time.sleep(HANDOVER_SECONDS)  # until the other old workers have closed theirs
        self.wsgi.extensions["dropwall"].watchers.close()

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End at once on Ctrl-C. gunicorn would wait for every busy thread
        (`concurrent.futures.thread._python_exit` joins them).

        No photo is lost: as after a power cut, what was answered is stored, and the rest is swept
        at the next start.
        """
        os._exit(0)
