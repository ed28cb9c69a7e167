"""Whatever is asked of whichever route, the answer is one that a visitor can read."""

import gc
import io
import json
import re
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from werkzeug.routing import Rule
from werkzeug.test import create_environ
from werkzeug.wrappers import Response

from server import create_app
from tests.conftest import open_page
from tests.people.test_accounts import PASSWORD, cookie, signed_in
from tests.support.engines import config_of
from tests.support.photos import photo_bytes

EXAMPLES = 100  # of each route
OURS_TO_SAY = (503, 507)
FORM_AGAIN = '<form method="post"'
"""What a browser shows of a refused form is the form, with the sentence in it."""
SENTENCE = re.compile(r"[A-Z0-9].{9,200}[.:](\n.*)*")  # and a line for each of several photos
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")

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

HEADERS = {
    "Accept": st.sampled_from(["text/html", "*/*", "application/json;q=x"]),
    "Accept-Encoding": wild_text,
    "Authorization": wild_text | st.sampled_from(["Basic !!", "Basic Og==", "Bearer x"]),
    "Content-Length": numbers | wild_text | st.just("5"),
    "Content-Range": wild_text | st.just("bytes 0-1/9"),
    "Content-Type": wild_text
    | st.sampled_from(
        [
            "application/json",
            "application/json; charset=utf-9",
            "application/x-www-form-urlencoded",
            "image/jpeg",
            "image/",
            "text/plain",
            "multipart/form-data",
            "multipart/form-data; boundary=x",
            'multipart/form-data; boundary="\xff"',
            "multipart/mixed; boundary=x",
        ]
    ),
    "Cookie": wild_text
    | st.sampled_from(["dropwall=", "dropwall=e30.x.y", "dropwall=.eJw.x.y", 'dropwall="\\777"']),
    "Expect": wild_text,
    "Forwarded": wild_text,
    "Host": wild_text | st.sampled_from(["a", "[::1", "[::1]:x", "a:99999", "@", "xn--", "ä"]),
    "If-Match": wild_text,
    "If-Modified-Since": wild_text | st.just("Thu, 01 Jan 99999 00:00:00 GMT"),
    "If-None-Match": wild_text | st.sampled_from(["*", 'W/"x"', '"']),
    "If-Range": wild_text,
    "If-Unmodified-Since": wild_text,
    "Last-Event-ID": wild_text | numbers,
    "Origin": wild_text | st.sampled_from(["null", "http://localhost", "http://[", "://"]),
    "Range": wild_text
    | st.sampled_from(["bytes=0-", "bytes=-1", "bytes=5-2", "bytes=0-0,2-3", "bytes=-0", "x=1-2"])
    | st.builds("bytes={}-{}".format, numbers, numbers),
    "Referer": wild_text,
    "Sec-Fetch-Dest": wild_text | st.just("document"),
    "Sec-Fetch-Mode": wild_text | st.just("navigate"),
    "Sec-Fetch-Site": st.sampled_from(["same-origin", "none", "cross-site", "same-site", "x"]),
    "Transfer-Encoding": st.just("chunked"),
    "X-Forwarded-For": wild_text,
    "X-Forwarded-Host": wild_text | st.sampled_from(["[", "a:b", "[::1"]),
    "X-Forwarded-Proto": wild_text | st.just("https"),
}
LISTED = "sort by mine q limit before since ids only visibility next"
TYPED = "passcode password name username"
CHUNKED = "dzuuid dzchunkindex dztotalfilesize dzchunksize dztotalchunkcount dzchunkbyteoffset"
KEYS = f"{LISTED} {TYPED} {CHUNKED}".split()

pairs = st.lists(st.tuples(st.sampled_from(KEYS) | values, values), max_size=4)
url_encoded = pairs.map(lambda fields: urlencode(fields, errors="replace"))
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | values,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "visibility", "standing"]) | values, inner)
    ),
    max_leaves=5,
)


@st.composite
def headers(draw: st.DrawFn) -> dict[str, str]:
    chosen = draw(st.sets(st.sampled_from(sorted(HEADERS)), max_size=5))
    return {name: draw(HEADERS[name]) for name in chosen}


def form_of(fields: list[tuple[str, str]], files: list[tuple[str, bytes]]) -> bytes:
    """As multipart/form-data with the boundary `x`."""
    parts = [(f'"{name}"', value.encode(errors="replace")) for name, value in fields]
    parts += [(f'"file"; filename="{name}"', content) for name, content in files]
    start = "--x\r\nContent-Disposition: form-data; name="
    heads = [(f"{start}{head}\r\n\r\n".encode(errors="replace"), part) for head, part in parts]
    return b"".join(head + part + b"\r\n" for head, part in heads) + b"--x--"


files = st.tuples(values, st.sampled_from([photo_bytes("gif"), b"", b"text", b"\xff\xd8\xff"]))
forms = st.builds(form_of, pairs, st.lists(files, max_size=2))
JSON, FORM, URL_ENCODED = (
    "application/json",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
)
BODIES = {
    JSON: json_values.map(json.dumps).map(str.encode) | st.just(b"[" * 700),
    FORM: forms | st.builds(lambda form, end: form[:end], forms, st.integers(0, 300)),
    URL_ENCODED: url_encoded.map(str.encode),
    "image/gif": st.sampled_from([photo_bytes("gif"), b"GIF89a", b""]),
    "": st.binary(max_size=50),
}


@st.composite
def requests_to(draw: st.DrawFn, rule: Rule, known: dict[str, list[str]], right: list[str]) -> dict:
    """What `create_environ` takes. `known` are values that mean something, by parameter; `right`
    are cookies that somebody has."""
    arguments = {
        name: draw(values | st.sampled_from(known.get(name, ["1"]))) for name in rule.arguments
    }
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda name: quoted(arguments[name[1]]), rule.rule)
    content_type = draw(st.sampled_from(sorted(BODIES)))
    body = draw(BODIES[content_type])
    cookie = draw(st.sampled_from(right))
    cookies = st.sampled_from([cookie, cookie, cookie[:-3], cookie.replace(".", "", 1), ""])
    sent = {"Cookie": draw(cookies), "Content-Type": content_type}
    sent |= {"Content-Length": str(len(body))} | draw(headers())
    if "Transfer-Encoding" in sent:
        del sent["Content-Length"]
    environ = {f"HTTP_{name.replace('-', '_').upper()}": value for name, value in sent.items()}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        environ[name] = environ.pop(f"HTTP_{name}", "")
    return {
        "path": path,
        "method": draw(st.sampled_from(sorted(rule.methods or ())) | st.sampled_from(METHODS)),
        "query_string": draw(url_encoded | wild_text),
        "input_stream": io.BytesIO(body),
        "environ_overrides": environ | {"wsgi.input_terminated": True},
    }


def quoted(value: str) -> str:
    return quote(value, safe="", errors="replace")


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return create_app(config_of(tmp_path, proxies=1, mode="approval", sign_up=True))


# Werkzeug forgets the files of a form that breaks off; those of our forms fit into memory.
@pytest.mark.filterwarnings("ignore:Unclosed file <tempfile:ResourceWarning")
def test_every_answer_of_every_route_is_one_for_a_visitor(app: Flask) -> None:
    guest = open_page(app)
    app.extensions["dropwall"].accounts.add("Hanna", PASSWORD, is_host=True)
    cookies = [f"dropwall={cookie(client)}" for client in (guest, signed_in(app, "Hanna"))]
    guest.post("/", data={"file": (io.BytesIO(photo_bytes("jpg")), "a.jpg")}, buffered=True)
    [photo] = guest.get("/api/photos").json["photos"]
    known = {
        "photo_id": [photo["id"]],
        "filename": [photo["url"].rpartition("/")[2], "app.js", "styles/tokens.css"],
        "guest_id": [photo["by"]["id"]],
        "width": ["320", "2048"],
        "package": ["dropzone@6.3.5"],
    }
    removing_last = sorted(app.url_map.iter_rules(), key=lambda rule: "DELETE" in rule.methods)
    for number, rule in enumerate(removing_last):

        @seed(number)
        @settings(max_examples=EXAMPLES, database=None, deadline=None)
        @given(asked=requests_to(rule, known, cookies))
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
    assert answer.headers["Dropwall-Refusal"]
    assert "traceback" not in text.lower()
    if FORM_AGAIN in text or (method == "HEAD" and answer.mimetype == "text/html"):
        return
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "<html" not in text.lower()
    assert method == "HEAD" or SENTENCE.fullmatch(text)
