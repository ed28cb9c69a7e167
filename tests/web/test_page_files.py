"""The page's files and libraries, its settings, and what it is without JavaScript."""

import base64
import hashlib
import re

import pytest
from flask.testing import FlaskClient

from server.config import Config
from tests.conftest import Send
from tests.support.browser import CDN, ROOT
from tests.support.photos import photo_bytes
from tests.support.programs import need_libraries

pytestmark = pytest.mark.embedded

INDEX = (ROOT / "frontend" / "index.html").read_text()


def attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    assert found, f"{tag} has no {name}"
    return found[1]


def test_the_cdns_libraries_are_npms_by_version_and_integrity(client: FlaskClient) -> None:
    need_libraries()
    names = set()
    for tag in re.findall(r"<link[^>]+data-library[^>]*>", INDEX):
        package, _, path = attribute(tag, "href").removeprefix(CDN).partition("/")
        name, _, version = package.partition("@")
        names.add(name)
        file = (ROOT / "node_modules" / name / path).read_bytes()
        digest = base64.b64encode(hashlib.sha384(file).digest()).decode()
        assert attribute(tag, "integrity") == f"sha384-{digest}"
        assert attribute(tag, "crossorigin") == "anonymous"
        assert f'"{name}": "{version}"' in (ROOT / "package.json").read_text()
        own_copy = client.get(f"/vendor/{package}/{path}", buffered=True)
        assert (own_copy.status_code, own_copy.data) == (200, file)
    assert names == {"dropzone", "idb-keyval", "photoswipe"}


def test_no_other_npm_package_is_served(client: FlaskClient) -> None:
    for path in (
        "dropzone@0.0.1/dist/dropzone-min.js",
        "uppy@6.0.1/dist/uppy.min.js",
        "dropzone@6.3.5/dist/../package.json",
        "..@6.3.5/dist/package.json",
    ):
        assert client.get(f"/vendor/{path}").status_code == 404, path


def test_the_pages_files_are_revalidated_and_sent_once(client: FlaskClient) -> None:
    for path in ("/", "/app.js", "/styles/tokens.css"):
        first = client.get(path, buffered=True)
        assert (first.status_code, first.headers["Cache-Control"]) == (200, "no-cache"), path
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]}, buffered=True)
        assert again.status_code == 304, path


def test_the_settings_have_the_limits_and_the_guest(client: FlaskClient) -> None:
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


def test_the_health_check_names_every_part_that_does_not_answer(
    client: FlaskClient, config: Config
) -> None:
    (config.data / "incoming").rmdir()
    for path in config.data.glob("catalog.sqlite*"):
        path.write_bytes(b"no database" * 1000)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (503, "Not answering: catalog, storage.")
