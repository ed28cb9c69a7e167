"""The page's files, and what it must know."""

import base64
import hashlib
import re

import pytest
from flask.testing import FlaskClient

from tests.conftest import CDN, Send
from tests.support.gallery_server import ROOT
from tests.support.photos import photo_bytes
from tests.support.waiting import wait_until

INDEX = (ROOT / "frontend" / "index.html").read_text()
LIBRARY_TAGS = re.findall(r"<link[^>]+data-library[^>]*>", INDEX)


def attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    assert found, f"{tag} has no {name}"
    return found[1]


@pytest.mark.parametrize("tag", LIBRARY_TAGS)
def test_what_the_page_takes_from_the_cdn_is_what_npm_has(client: FlaskClient, tag: str) -> None:
    package, _, path = attribute(tag, "href").removeprefix(CDN).partition("/")
    name, _, version = package.partition("@")
    file = (ROOT / "node_modules" / name / path).read_bytes()
    digest = base64.b64encode(hashlib.sha384(file).digest()).decode()
    assert attribute(tag, "integrity") == f"sha384-{digest}"
    assert attribute(tag, "crossorigin") == "anonymous"
    assert f'"{name}": "{version}"' in (ROOT / "package.json").read_text()
    own_copy = client.get(f"/vendor/{package}/{path}", buffered=True)
    assert (own_copy.status_code, own_copy.data) == (200, file)


def test_the_page_takes_three_libraries_from_the_cdn() -> None:
    assert {attribute(tag, "href").removeprefix(CDN).split("@")[0] for tag in LIBRARY_TAGS} == {
        "dropzone",
        "idb-keyval",
        "photoswipe",
    }


@pytest.mark.parametrize(
    "path",
    [
        "/vendor/dropzone@0.0.1/dist/dropzone-min.js",
        "/vendor/uppy@6.0.1/dist/uppy.min.js",
        "/vendor/dropzone@6.3.5/dist/../package.json",
        "/vendor/..@6.3.5/dist/package.json",
    ],
)
def test_no_other_package_is_given_away(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/app.js", "/styles/tokens.css"])
def test_the_pages_files_are_asked_for_again_and_sent_once(client: FlaskClient, path: str) -> None:
    first = client.get(path, buffered=True)
    assert (first.status_code, first.headers["Cache-Control"]) == (200, "no-cache")
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]}, buffered=True)
    assert again.status_code == 304


def test_the_settings_tell_the_limits_and_who_is_asking(client: FlaskClient) -> None:
    settings = client.get("/api/settings").json
    assert settings["max_upload_bytes"] == 100 * 1024 * 1024
    assert "jpg" in settings["extensions"]
    assert settings["guest"] == client.get("/api/settings").json["guest"]


def test_without_script_there_is_a_form_and_a_gallery(client: FlaskClient, send: Send) -> None:
    assert re.search(r'<form[^>]+enctype="multipart/form-data"', INDEX)
    assert '<iframe src="/plain"' in INDEX
    send(("<b>&name.jpg", photo_bytes("jpg")))
    plain = client.get("/plain").text
    assert "/320.webp" in plain
    assert "&lt;b&gt;&amp;name.jpg" in plain


@pytest.mark.embedded
def test_the_health_check_names_what_does_not_answer(client: FlaskClient, config) -> None:
    assert client.get("/healthz").status_code == 200
    (config.data / "incoming").rmdir()
    wait_until(lambda: told(client) == (503, "Not answering: storage."))
    for path in config.data.glob("catalog.sqlite*"):
        path.write_bytes(b"no database" * 1000)
    wait_until(lambda: told(client) == (503, "Not answering: catalog, storage."))


def told(client: FlaskClient) -> tuple[int, str]:
    """Of its health, once the last answer is not given again any more."""
    answer = client.get("/healthz")
    return answer.status_code, answer.text
