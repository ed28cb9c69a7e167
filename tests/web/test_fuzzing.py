"""Fuzzing: whatever is asked of whichever route, the answer is one that a visitor can read."""

import gc
import io
import json
import re
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import create_environ
from werkzeug.wrappers import Response

from dropwall.config import Config
from tests.support.engines import config_of
from tests.support.photos import photo_bytes
from tests.support.visitors import (
    PASSWORD,
    TEXT,
    cookie,
    cookie_name,
    listed_photos,
    open_page,
    parts,
    send_as,
    signed_in,
)

ROUTES = """
/ /<path:filename> /page/<version>/<path:filename> /vendor/<package>/dist/<path:filename> /plain
/slideshow /photo/<photo_id> /poster /qr.svg /wifi.svg /manifest.webmanifest
/api/photos /api/photos/<photo_id> /api/photos/<photo_id>/restore /api/outline /api/live
/api/photos/restore /api/photos/moderate
/uploads/<filename> /thumbnails/<photo_id>/<int:width>.webp /photos.zip /api/uploads/<uuid>
/api/selections
/api/settings /api/guest /api/guests /api/guests/<guest_id>/photos /api/host
/host /host/close /host/open
/passcode /join/<path:word> /sign-in /sign-up /sign-out /sign-out-everywhere /account
/livez /healthz /metrics
"""
ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")
OURS_TO_SAY = (503, 507)
AT_LENGTH = [pytest.mark.slow, pytest.mark.embedded]
SENTENCE = re.compile(r"[A-Z0-9].{9,200}[.:](\n.*)*")  # and a line for each of several photos
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
SMALL = photo_bytes("gif", size=(48, 32))

# Text as WSGI has it: a header's bytes as Latin-1 (PEP 3333). No server lets line ends in.
wild_text = st.text(
    st.characters(max_codepoint=0xFF, exclude_characters="\r\n\0"), max_size=40
) | st.sampled_from(["", "0", "-1", "9" * 30, "1e999", "*", ",", ";", "=", '"', "\xff", "a" * 5000])
numbers = st.integers(-(2**70), 2**70).map(str)
words = st.sampled_from(
    ["null", "true", "everyone", "owner", "shown", "pending", "taken", "uploaded", "1", "٣", "½"]
)
odd = st.sampled_from(["\0", "\ud800", "%", "%00", ".."])
values = st.text(max_size=30) | numbers | words | odd


def wild_or(*known: str) -> st.SearchStrategy[str]:
    return wild_text | st.sampled_from(known)


JSON, FORM = "application/json", "multipart/form-data; boundary=x"
URL_ENCODED = "application/x-www-form-urlencoded"
WILD_HEADERS = (
    "Accept-Encoding Expect Forwarded If-Match If-Range If-Unmodified-Since Referer X-Forwarded-For"
)
HEADERS: dict[str, st.SearchStrategy[str]] = dict.fromkeys(WILD_HEADERS.split(), wild_text) | {
    "Accept": st.sampled_from(["text/html", "*/*", "application/json;q=x"]),
    "Authorization": wild_or("Basic !!", "Basic Og==", "Bearer x"),
    "Content-Length": numbers | wild_or("5"),
    "Content-Range": wild_or("bytes 0-1/9"),
    "Content-Type": wild_or(
        *(JSON, f"{JSON}; charset=utf-9", URL_ENCODED, "image/jpeg", "image/", "text/plain"),
        *(FORM, "multipart/form-data", 'multipart/form-data; boundary="\xff"'),
        "multipart/mixed; boundary=x",
    ),
    "Cookie": wild_or("dropwall=", "dropwall=e30.x.y", "dropwall=.eJw.x.y", 'dropwall="\\777"'),
    "Host": wild_or("a", "[::1", "[::1]:x", "a:99999", "@", "xn--", "ä"),
    "If-Modified-Since": wild_or("Thu, 01 Jan 99999 00:00:00 GMT"),
    "If-None-Match": wild_or("*", 'W/"x"', '"'),
    "Last-Event-ID": wild_text | numbers,
    "Origin": wild_or("null", "http://localhost", "http://[", "://"),
    "Range": wild_or("bytes=0-", "bytes=-1", "bytes=5-2", "bytes=0-0,2-3", "bytes=-0", "x=1-2")
    | st.builds("bytes={}-{}".format, numbers, numbers),
    "Sec-Fetch-Dest": wild_or("document"),
    "Sec-Fetch-Mode": wild_or("navigate"),
    "Sec-Fetch-Site": st.sampled_from(["same-origin", "none", "cross-site", "same-site", "x"]),
    "Transfer-Encoding": st.just("chunked"),
    "X-Forwarded-Host": wild_or("[", "a:b", "[::1"),
    "X-Forwarded-Proto": wild_or("https"),
}
PARAMETERS = (
    "sort order by mine q limit before since ids only selection visibility next passcode"
    " password name"
    " username dzuuid dzchunkindex dztotalfilesize dzchunksize dztotalchunkcount dzchunkbyteoffset"
)

headers = st.sets(st.sampled_from(sorted(HEADERS)), max_size=5).flatmap(
    lambda names: st.fixed_dictionaries({name: HEADERS[name] for name in sorted(names)})
)
pairs = st.lists(st.tuples(st.sampled_from(PARAMETERS.split()) | values, values), max_size=4)
url_encoded = pairs.map(lambda fields: urlencode(fields, errors="replace"))
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | values,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "visibility", "standing", "ids"]) | values, inner
        )
    ),
    max_leaves=5,
)


def form_of(fields: list[tuple[str, str]], files: list[tuple[str, bytes]]) -> bytes:
    """As multipart/form-data with the boundary `x`."""
    parts = [(f'"{name}"', value.encode(errors="replace")) for name, value in fields]
    parts += [(f'"file"; filename="{name}"', content) for name, content in files]
    start = "--x\r\nContent-Disposition: form-data; name="
    heads = [(f"{start}{head}\r\n\r\n".encode(errors="replace"), part) for head, part in parts]
    return b"".join(head + part + b"\r\n" for head, part in heads) + b"--x--"


files = st.tuples(values, st.sampled_from([SMALL, b"", b"text", b"\xff\xd8\xff"]))
forms = st.builds(form_of, pairs, st.lists(files, max_size=2))
BODIES: dict[str, st.SearchStrategy[bytes]] = {
    JSON: json_values.map(json.dumps).map(str.encode) | st.just(b"[" * 700),
    FORM: forms | st.builds(lambda form, end: form[:end], forms, st.integers(0, 300)),
    URL_ENCODED: url_encoded.map(str.encode),
    "image/gif": st.sampled_from([SMALL, b"GIF89a", b""]),
    "": st.binary(max_size=50),
}


@st.composite
def requests_to(
    draw: st.DrawFn, rule: str, methods: list[str], known: dict[str, list[str]], right: list[str]
) -> dict:
    """What `create_environ` takes. `known` are values that mean something, by parameter; `right`
    are cookies that somebody has."""

    def argument(name: re.Match[str]) -> str:
        value = draw(values | st.sampled_from(known.get(name[1], ["1"])))
        return quote(value, safe="", errors="replace")

    content_type = draw(st.sampled_from(sorted(BODIES)))
    body = draw(BODIES[content_type])
    cookie = draw(st.sampled_from(right))
    cookies = st.sampled_from([cookie, cookie, cookie[:-3], cookie.replace(".", "", 1), ""])
    sent = {"Cookie": draw(cookies), "Content-Type": content_type}
    sent |= {"Content-Length": str(len(body))} | draw(headers)
    if "Transfer-Encoding" in sent:
        del sent["Content-Length"]
    environ = {f"HTTP_{name.replace('-', '_').upper()}": value for name, value in sent.items()}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        environ[name] = environ.pop(f"HTTP_{name}", "")
    return {
        "path": ARGUMENT.sub(argument, rule),
        "method": draw(st.sampled_from(methods) | st.sampled_from(METHODS)),
        "query_string": draw(url_encoded | wild_text),
        "input_stream": io.BytesIO(body),
        "environ_overrides": environ | {"wsgi.input_terminated": True},
    }


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_of(tmp_path / "data", proxies=1, mode="approval", sign_up=True)


def test_every_route_is_fuzzed(app: Flask) -> None:
    assert {*ROUTES.split()} == {rule.rule for rule in app.url_map.iter_rules()}


# Werkzeug forgets the files of a form that breaks off; those of our forms fit into memory.
@pytest.mark.filterwarnings("ignore:Unclosed file <tempfile:ResourceWarning")
@pytest.mark.parametrize("rule", ROUTES.split())
@pytest.mark.parametrize("examples", [20, pytest.param(100, marks=AT_LENGTH)])
def test_every_answer_is_one_for_a_visitor(app: Flask, rule: str, examples: int) -> None:
    guest = open_page(app)
    parts(app).accounts.add("Hanna", PASSWORD, is_host=True)
    cookies = [
        f"{cookie_name(app)}={cookie(client)}" for client in (guest, signed_in(app, "Hanna"))
    ]
    send_as(guest, "a.gif", SMALL)
    [photo] = listed_photos(guest)
    known = {
        "photo_id": [photo["id"]],
        "filename": [photo["url"].rpartition("/")[2], "app.js", "styles/tokens.css"],
        "guest_id": [photo["by"]["id"]],
        "width": ["320", "2048"],
        "package": ["dropzone@6.3.5"],
    }
    rules = [each for each in app.url_map.iter_rules() if each.rule == rule]
    methods = sorted({method for each in rules for method in each.methods or ()})

    @settings(max_examples=examples, database=None)
    @given(asked=requests_to(rule, methods, known, cookies))
    def ask(asked: dict) -> None:
        with closing(Response.from_app(app.wsgi_app, create_environ(**asked))) as answer:
            check(answer, asked["method"])

    ask()
    gc.collect()  # so that forgotten files are found now, not in another test


def check(answer: Response, method: str) -> None:
    if answer.mimetype == "text/event-stream":  # it would never end
        return
    body = answer.get_data()
    if answer.status_code < 400:
        return
    text = body.decode()
    assert answer.status_code < 500 or answer.status_code in OURS_TO_SAY
    assert re.fullmatch("[a-z]+(-[a-z]+)*", answer.headers["Dropwall-Refusal"])
    assert "traceback" not in text.lower()
    # A browser is shown its form again, with the sentence in it, or a page with a way back.
    if (
        '<form method="post"' in text
        or "Back to the gallery" in text
        or (method == "HEAD" and answer.mimetype == "text/html")
    ):
        return
    assert answer.headers["Content-Type"] == TEXT
    assert "<html" not in text.lower()
    assert method == "HEAD" or SENTENCE.fullmatch(text)
