"""The page's CDN, played by an HTTPS server of this process from the same npm packages. Without
playwright's routing, which takes the browser's cache away and a fifth of a page's start."""

import gzip
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import trustme
from playwright.sync_api import Page, sync_playwright

from tests.support.browser import CDN, ROOT, launch_options


class _Packages(SimpleHTTPRequestHandler):
    """Answers /npm/<package>@<version>/<path>."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    def translate_path(self, path: str) -> str:
        package, _, file = urlsplit(path).path.removeprefix("/npm/").partition("/")
        return str(ROOT / "node_modules" / package.partition("@")[0] / file)

    def do_GET(self) -> None:
        """Compressed, as by the CDN: what a page costs is measured."""
        with suppress(FileNotFoundError):
            body = gzip.compress(Path(self.translate_path(self.path)).read_bytes())
            self.send_response(200)
            self.send_header("Content-Type", self.guess_type(self.path))
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "public, max-age=31536000, immutable")
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_error(404)

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A browser may hang up at any time."""


@cache
def browser_arguments() -> list[str]:
    """Leads a Chromium to the CDN of this process, which starts with the first call. Its contexts
    have to be made with `ignore_https_errors`."""
    host = urlsplit(CDN).hostname
    assert host
    server = _Server(("127.0.0.1", 0), _Packages)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(host).configure_cert(context)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    Thread(target=server.serve_forever, daemon=True).start()
    cdn = f"MAP {host}:443 127.0.0.1:{server.server_address[1]}"
    return [f"--host-resolver-rules={cdn}, MAP *.test 127.0.0.1"]


@contextmanager
def chromium() -> Iterator[Callable[..., Page]]:
    """A Chromium for what is no test. Opens pages, each in a context of its own, which ends with
    it; with playwright's options."""
    options = launch_options()
    options["args"] += browser_arguments()  # type: ignore[operator]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**options)  # type: ignore[arg-type]
        yield partial(browser.new_page, ignore_https_errors=True)
        browser.close()
