"""gunicorn reads its settings and hooks here; the numbers come from Config."""

import errno
import logging
import os
import resource
import socket
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from dropwall import make_folders, open_catalog
from dropwall.catalog.schema import UnusableCatalog
from dropwall.config import BadSetting, Config
from dropwall.images.decoding import start_decoding
from dropwall.operations import metrics
from dropwall.operations.logs import reason, set_up_logs
from dropwall.people.address import EVERYWHERE, exposure, lan_address
from dropwall.people.passcode import MIN_SAFE_PASSCODE, is_short
from dropwall.photos.notifier import Notifier
from dropwall.photos.sweep import Sweep
from dropwall.refusals import CatalogUnavailable
from dropwall.storage import Storage
from dropwall.web.page_files import prepare_page_files

try:
    settings = Config.from_environ()  # not `config`, which gunicorn would take for its setting
except BadSetting as error:
    raise SystemExit(str(error)) from None

FILES_A_THREAD = 8
"""Open files for each thread: two connections (one of them idle), and for each what the poller, an
upload and the catalog need."""

# A process that may not open enough files serves fewer requests at once.
_, _most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
_most_threads = max(1, _most_files // FILES_A_THREAD)
_is_limited = _most_files != resource.RLIM_INFINITY and settings.threads > _most_threads
if _is_limited:
    settings = replace(settings, threads=_most_threads)
    os.environ["DROPWALL_THREADS"] = str(_most_threads)  # what the workers read

_literal_host = f"[{settings.host}]" if ":" in settings.host else settings.host

wsgi_app = "dropwall:create_app()"
worker_class = "dropwall.serving.worker.Worker"
bind = f"{_literal_host}:{settings.port}"
workers = settings.workers
threads = settings.threads
worker_connections = 2 * settings.threads  # half of them kept alive, without a thread
reuse_port = True  # a queue for each worker, so that none idles while another is swamped
preload_app = False  # an S3 client that was used before a fork hangs after it
control_socket_disable = True
forwarded_allow_ips = ""  # nobody: ProxyFix reads a proxy's headers (DROPWALL_PROXIES)
keepalive = 15  # longer than the page waits between two polls
timeout = 60  # seconds that the accepting thread may hang; requests take as long as they need
graceful_timeout = 30  # seconds for uploads to finish on SIGTERM; Ctrl-C ends them (handle_quit)
errorlog = None  # set_up_logs adds its handler
loglevel = "info" if settings.log == "json" else "warning"

set_up_logs(settings.log)


def on_starting(server: Any) -> None:
    """Refuse to start without the address, the folders or the catalog; warn of bad settings."""
    _check_address()
    try:
        make_folders(settings)
        open_catalog(settings).close()  # no connection outlives a fork
    except BadSetting as error:
        raise SystemExit(str(error)) from None
    except (CatalogUnavailable, UnusableCatalog) as error:
        raise SystemExit(f"Dropwall can't start. {error}") from None
    prepare_page_files()
    start_decoding()
    metrics.share_metrics()
    # The soft limit of open files is often 1024 or 256, and gunicorn ends when it is reached.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != soft < FILES_A_THREAD * threads:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_A_THREAD * threads, hard))
    if is_short(settings.passcode):
        logging.getLogger("dropwall.people.passcode").warning(
            "DROPWALL_PASSCODE has fewer than %d characters, and can be guessed by somebody with"
            " many addresses. Choose a longer one.",
            MIN_SAFE_PASSCODE,
        )
    if sentence := exposure(settings):
        logging.getLogger("dropwall.people.address").warning(sentence)
    if _is_limited:
        logging.getLogger("dropwall.serving.worker").warning(
            "Only %d files may be open at once (ulimit -n), so each process serves no more than %d"
            " requests at once.",
            *(_most_files, threads),
        )


def _check_address() -> None:
    """Bind the address once, to see whether it is free. With SO_REUSEPORT two Dropwalls would
    silently share a port, each answering half of the requests, and gunicorn would for ever restart
    a worker that cannot bind (Arbiter.reap_workers)."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
            probe.listen()
        except OSError as error:
            wanted = "DROPWALL_PORT to another port"
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                wanted = "DROPWALL_HOST to an address of this computer"
            sentence = f"Dropwall can't use {bind}: {error.strerror}. Set {wanted}."
            raise SystemExit(sentence) from None


def post_fork(server: Any, worker: Any) -> None:
    metrics.check_metrics_room()


def post_worker_init(worker: Any) -> None:
    """Sweep in each worker: any may end, and sweeping twice does no harm. Once the first one has
    loaded the gallery, check the storage and print the addresses."""
    parts = worker.wsgi.extensions["dropwall"]
    if worker.age == 1:
        threading.Thread(
            target=_try_storage, args=(parts.storage, parts.sweep), name="storage", daemon=True
        ).start()
        if settings.log == "text":
            _greet()
    threading.Thread(target=parts.sweep.sweep_forever, name="sweep", daemon=True).start()
    if settings.notify_url:
        notifier = Notifier(parts.database, settings.notify_url, settings.title)
        threading.Thread(target=notifier.notify_forever, name="notify", daemon=True).start()


def _try_storage(storage: Storage, sweep: Sweep) -> None:
    """Log it if photos cannot be stored. The start goes on: the storage may come back later."""
    log = logging.getLogger("dropwall.storage")
    try:
        storage.check()
        if sweep.has_lost_catalog():
            log.critical(
                "THE CATALOG IS EMPTY, AND THERE ARE PHOTOS IN THE STORAGE: nobody sees them. If"
                " the catalog was lost, stop the gallery before anybody sends a photo, and put its"
                " backup in place; else see to DROPWALL_DATABASE and DROPWALL_STORAGE. Nothing is"
                " deleted."
            )
    except CatalogUnavailable as error:
        log.warning("Couldn't check whether the catalog was lost: %s", reason(error))
    except OSError as error:
        see_to = "DROPWALL_STORAGE or DROPWALL_DATA"
        if "://" in settings.storage_address:
            see_to = "DROPWALL_STORAGE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        log.warning("No photo can be stored right now. Check %s: %s", see_to, reason(error))


def child_exit(server: Any, worker: Any) -> None:
    metrics.forget_process(worker.pid)


def on_exit(server: Any) -> None:
    metrics.remove_shared_metrics()


def _greet() -> None:
    print(f"Dropwall is on http://{EVERYWHERE.get(settings.host, _literal_host)}:{settings.port}")
    if settings.host in EVERYWHERE:
        if address := lan_address():
            print(f"On your network: http://{address}:{settings.port}")
        else:
            print("On your network: no address, this computer is offline")
    kept = settings.storage_address
    print(f"Photos are kept in {kept if '://' in kept else Path(kept).absolute()}")
    print("Stop with Ctrl-C", flush=True)
