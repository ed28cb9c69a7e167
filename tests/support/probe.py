"""An application that tells what our gunicorn makes of its visitors, in the place of Dropwall."""

import gc
import os
import queue
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from unittest.mock import Mock

from gunicorn.workers.gthread import ThreadWorker

FILE_BYTES = 64 << 20

watched: "queue.SimpleQueue[bytes | None]" = queue.SimpleQueue()
watched.put(b"first")
uploads: list[object] = []


@cache
def own_worker() -> ThreadWorker:
    """A new one has its parent's memory of the others."""
    workers = (found for found in gc.get_objects() if isinstance(found, ThreadWorker))
    return next(worker for worker in workers if worker.pid == os.getpid())


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:  # noqa: C901
    status, body = "200 OK", b"hello"
    match environ["PATH_INFO"]:
        case "/read":
            uploads.append(environ)
            try:
                body = b"%d bytes" % len(environ["wsgi.input"].read())
            except TimeoutError:
                body = b"TimeoutError"
            except OSError:
                body = b"OSError"
            finally:
                uploads.remove(environ)
        case "/state":
            body = b"%d %d %d" % (os.getpid(), own_worker().nr_conns, len(uploads))
        case "/refuse":
            status, body = "413 Content Too Large", b"too large"
        case "/broken":
            raise RuntimeError("a defect")
        case "/stream":
            start_response(status, [])
            return (bytes(65536) for _ in range(FILE_BYTES // 65536))
        case "/file":
            start_response(status, [("Content-Length", str(FILE_BYTES))])
            file = tempfile.TemporaryFile()  # noqa: SIM115 - gunicorn closes it
            file.truncate(FILE_BYTES)
            return environ["wsgi.file_wrapper"](file)
        case "/watch":
            start_response(status, [])
            return iter(watched.get, None)
        case "/lump":
            body = bytes(24 << 20)
    start_response(status, [("Content-Length", str(len(body)))])
    return [body]


parts = Mock()  # what gunicorn's hooks ask for
parts.sweep.has_lost_catalog.return_value = False
parts.watchers.close = lambda: watched.put(None)
application.extensions = {"dropwall": parts}
