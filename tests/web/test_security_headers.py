"""Security headers, cookies and Sec-Fetch rules keep others from acting in a visitor's name."""

import io
import logging
import re
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner

from dropwall import create_app
from dropwall.config import Config
from tests.support.engines import config_of
from tests.support.gallery_server import Gallery
from tests.support.photos import photo_bytes
from tests.support.visitors import TEXT, Send, open_page, take_name

pytestmark = pytest.mark.embedded

HOST = "notebook:8000"
REFUSAL = "This request came from another site. Open the gallery itself."
SAME_ORIGIN, SAME_SITE, CROSS_SITE, TYPED, UNKNOWN_SITE = (
    {"Sec-Fetch-Site": site} for site in ("same-origin", "same-site", "cross-site", "none", "new")
)
FOLLOWED = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
FRAMED = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
SHOWN = {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
NO = (False, False)
FETCHED = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
OURS = {"Origin": f"http://{HOST}"}
THEIRS = {"Origin": "https://evil.test"}

# What a browser says of a request, and whether it may then look, and change something.
SENDERS = {
    "the page": (SAME_ORIGIN | FETCHED | OURS, True, True),
    "the page's form": (SAME_ORIGIN | FOLLOWED | OURS, True, True),
    "the page's frame": (SAME_ORIGIN | FRAMED, True, True),
    "a typed address": (TYPED | FOLLOWED, True, True),
    "the share sheet": (TYPED | FOLLOWED | {"Origin": "null"}, True, True),
    "another site's link or form": (CROSS_SITE | FOLLOWED | THEIRS, True, False),
    "a neighbour's link or form": (SAME_SITE | FOLLOWED | THEIRS, True, False),
    "another site's frame": (CROSS_SITE | FRAMED, False, False),
    "another site's image": (CROSS_SITE | SHOWN, False, False),
    "a neighbour's image": (SAME_SITE | SHOWN, False, False),
    "another site's fetch": (CROSS_SITE | FETCHED | THEIRS, False, False),
    "a neighbour's fetch": (SAME_SITE | FETCHED | THEIRS, False, False),
    "who says that it is ours, from elsewhere": (CROSS_SITE | FETCHED | OURS, False, False),
    "who says something new": (UNKNOWN_SITE | FETCHED, False, False),
    "no browser": ({}, True, True),
    "an old browser or http: the page": (OURS, True, True),
    "the same, in capitals": ({"Origin": f"HTTP://{HOST.upper()}"}, True, True),
    "the same, by the proxy's name": ({"Origin": "https://photos.example.com"}, True, True),
    "an old browser or http: another site": (THEIRS, False, False),
    "the same, from a sandbox": ({"Origin": "null"}, False, False),
    "the same, from another port": ({"Origin": "http://notebook:9000"}, False, False),
    "the same, with a longer name": ({"Origin": f"http://{HOST}.evil.test"}, False, False),
    "the same, without a name": ({"Origin": ""}, False, False),
    # What a proxy makes of the Host: without a port its name alone counts.
    "no port left": (OURS | {"Host": "notebook"}, True, True),
    "no port left, in IPv6": ({"Origin": "http://[::1]:8000", "Host": "[::1]"}, True, True),
    "no port left, another name": (THEIRS | {"Host": "notebook"}, False, False),
    "no port left, a longer name": ({"Origin": "http://notebook.x:1", "Host": "notebook"}, *NO),
    "a port added": ({"Origin": "http://notebook", "Host": "notebook:80"}, True, True),
    "a port added, by https": ({"Origin": "https://notebook", "Host": "notebook:443"}, True, True),
    "another port, by https": ({"Origin": "https://notebook", "Host": "notebook:80"}, *NO),
    "the port of http, named": ({"Origin": "http://notebook:8000", "Host": "notebook:80"}, *NO),
    "a lost name": (OURS | {"Host": "dropwall"}, False, False),
    "a lost name, and our own word for it": (OURS | {"Host": "a", "X-Forwarded-Host": HOST}, *NO),
}
NO_PORT = {"Host": "notebook", **OURS}
LOOKING = ("GET", "HEAD", "OPTIONS")
CHANGING = ("POST", "PUT", "PATCH", "DELETE", "BREW")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_of(tmp_path / "data", public_url="https://photos.example.com")


def test_other_sites_may_only_link_to_the_gallery(client: FlaskClient) -> None:
    wrong = []
    for sender, (headers, may_look, may_change) in SENDERS.items():
        may = dict.fromkeys(LOOKING, may_look) | dict.fromkeys(CHANGING, may_change)
        own_files = ("/", "/app.js", "/page/0/app.js")
        for path in (*own_files, "/api/photos", "/api/photos/1", "/uploads/a.jpg", "/nothing"):
            for method in may:
                with client.open(path, method=method, headers={"Host": HOST, **headers}) as answer:
                    is_refused = answer.headers.get("Dropwall-Refusal") == "another-site"
                    if is_refused == may[method]:
                        wrong.append((sender, method, path))
    assert wrong == []


@pytest.mark.parametrize(
    ("port", "proxies", "status"), [(80, 0, 403), (80, 1, 204), (8000, 0, 204)]
)
def test_a_host_without_port_is_another_one_only_where_we_listen_on_port_80_ourselves(
    config: Config, port: int, proxies: int, status: int
) -> None:
    client = create_app(replace(config, port=port, proxies=proxies)).test_client()
    assert client.delete("/api/uploads/any", headers=NO_PORT).status_code == status


def test_a_browser_that_is_still_sending_reads_the_refusal(gallery: Gallery) -> None:
    answer = gallery.send(("a.jpg", photo_bytes() + bytes(40_000_000)), headers=THEIRS)
    assert (answer.status_code, answer.text) == (403, REFUSAL)
    assert answer.headers["Content-Type"] == TEXT
    assert answer.headers["Dropwall-Refusal"] == "another-site"
    assert gallery.photos() == []


PINNED = ("dropzone@6.3.5", "idb-keyval@6.3.0", "photoswipe@5.4.4")
CDN_PATHS = " ".join(f"https://cdn.jsdelivr.net/npm/{package}/dist/" for package in PINNED)
PAGE_POLICY = (
    "default-src 'self'; "
    f"script-src 'self' {CDN_PATHS}; style-src 'self' {CDN_PATHS}; "
    "img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), hid=(), microphone=(), "
        "midi=(), payment=(), serial=(), usb=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def test_every_answer_has_the_security_headers(client: FlaskClient, send: Send) -> None:
    send(("a.jpg", photo_bytes("jpg")))
    [photo] = client.get("/api/photos").json["photos"]
    pages, script = ("/", "/plain", "/poster"), "/page/0/app.js"
    files = ("/app.js", "/favicon.svg", "/qr.svg", "/photos.zip", "/api/photos", "/healthz")
    wrong = {}
    for path in (*pages, script, *files, "/nothing", photo["url"], photo["thumbnails"]["320"]):
        headers = dict(client.get(path, buffered=True).headers)
        policy = headers["Content-Security-Policy"]
        is_closed = "default-src 'none'" in policy and "sandbox" in policy
        if not (policy == PAGE_POLICY if path in pages else is_closed):
            wrong[path] = policy
        elif lacking := EVERYWHERE.items() - headers.items():
            wrong[path] = lacking
    assert wrong == {}


def test_the_cookie_is_kept_from_scripts_and_other_sites(app: Flask) -> None:
    cookie = app.test_client().get("/", buffered=True).headers["Set-Cookie"]
    assert re.fullmatch(
        r"dropwall-[\da-f]{16}=\S+; Expires=[^;]+; HttpOnly; Path=/; SameSite=Lax", cookie
    )


def test_the_cookie_of_a_machine_whose_clock_is_ahead_is_known(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = app.test_client()
    now = TimestampSigner.get_timestamp
    with monkeypatch.context() as ahead:
        ahead.setattr(TimestampSigner, "get_timestamp", lambda signer: now(signer) + 3600)
        assert "Set-Cookie" in client.get("/", buffered=True).headers
    assert "Set-Cookie" not in client.get("/", buffered=True).headers


def test_a_visitor_is_known_while_the_clock_is_being_set_back(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look at it is before, and another one after that."""
    client = open_page(app)
    now = TimestampSigner.get_timestamp
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda signer: now(signer) - 3600)
    assert "Set-Cookie" not in client.get("/", buffered=True).headers


def test_nobody_else_may_read_the_catalogs_files(tmp_path: Path) -> None:
    data = tmp_path / "new"
    client = open_page(create_app(Config(data=data)))
    with closing(sqlite3.connect(data / "catalog.sqlite")):
        assert take_name(client, "Ann").status_code == 204
        for name in ("catalog.sqlite", "catalog.sqlite-shm", "catalog.sqlite-wal"):
            assert stat.S_IMODE((data / name).stat().st_mode) == 0o600, name


def test_what_the_catalog_refuses_is_logged_without_names(
    client: FlaskClient, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with closing(sqlite3.connect(config.data / "catalog.sqlite")) as catalog:
        for table in ("photos", "guests"):
            catalog.execute(
                f"CREATE TRIGGER no_{table} BEFORE INSERT ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'Not today'); END"
            )
    photo = (io.BytesIO(photo_bytes("jpg")), "Pauline at the lake.jpg")
    assert client.post("/?q=Pauline", data={"file": photo}).status_code == 500
    assert take_name(client, "Pauline").status_code == 500
    assert caplog.text.count("Not today") >= 2
    assert "Pauline" not in caplog.text
