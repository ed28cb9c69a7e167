"""The page's files, libraries and settings, its manifest for phones, and what it is without
JavaScript."""

import base64
import hashlib
import io
import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from dropwall.config import Config
from tests.support.browser import CDN, ROOT
from tests.support.photos import photo_bytes
from tests.support.programs import need_libraries
from tests.support.visitors import Send, cookie_name, listed, listed_photos, own_id

pytestmark = pytest.mark.embedded

INDEX = (ROOT / "frontend" / "index.html").read_text()
MANIFEST = json.loads((ROOT / "frontend" / "manifest.webmanifest").read_text())
TARGET = MANIFEST["share_target"]
[FIELD] = TARGET["params"]["files"]


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


def test_the_pages_files_are_revalidated_and_sent_once(client: FlaskClient) -> None:
    """A browser takes over the headers of a 304: the policy must be among them."""
    for path in ("/", "/app.js", "/styles/tokens.css"):
        first = client.get(path, buffered=True)
        assert (first.status_code, first.headers["Cache-Control"]) == (200, "no-cache"), path
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]}, buffered=True)
        assert again.status_code == 304, path
        name = "Content-Security-Policy"
        assert again.headers[name] == first.headers[name], path


def test_the_page_learns_the_limits_from_the_server(client: FlaskClient) -> None:
    settings = client.get("/api/settings").json
    assert settings["max_upload_bytes"] == 100 * 1024 * 1024
    assert "jpg" in settings["extensions"]


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


# An app on a phone


def test_the_manifest_has_what_browsers_need_to_install_the_app(client: FlaskClient) -> None:
    [link] = re.findall(r'<link rel="manifest"[^>]*>', INDEX)
    answer = client.get(attribute(link, "href"), buffered=True)
    assert answer.mimetype == "application/manifest+json"
    assert json.loads(answer.data) == MANIFEST
    chosen = [MANIFEST[name] for name in ("name", "start_url", "display")]
    assert chosen == ["Dropwall", "/", "standalone"]
    assert {"192x192", "512x512", "any"} <= {icon["sizes"] for icon in MANIFEST["icons"]}
    assert "maskable" in {icon.get("purpose") for icon in MANIFEST["icons"]}
    tags = re.findall('<meta name="theme-color"[^>]*>', INDEX)
    colours = {attribute(tag, "content") for tag in tags}
    assert {MANIFEST["theme_color"], MANIFEST["background_color"]} <= colours


def test_the_icons_have_their_sizes_and_no_holes(client: FlaskClient) -> None:
    """Those that a system cuts to its own shape are opaque."""
    icons = [icon for icon in MANIFEST["icons"] if icon["type"] == "image/png"]
    [link] = re.findall(r'<link rel="apple-touch-icon"[^>]*>', INDEX)
    icons.append({"src": attribute(link, "href"), "sizes": "180x180", "purpose": "maskable"})
    for icon in icons:
        answer = client.get(icon["src"], buffered=True)
        assert answer.mimetype == "image/png"
        image = Image.open(io.BytesIO(answer.data)).convert("RGBA")
        assert f"{image.width}x{image.height}" == icon["sizes"]
        least_alpha = 255 if icon.get("purpose") == "maskable" else 0
        assert image.getchannel("A").getextrema() == (least_alpha, 255), icon


def test_the_share_sheet_takes_the_same_files_as_the_form() -> None:
    [field] = re.findall('<input[^>]*name="file"[^>]*>', INDEX)
    assert attribute(field, "accept").split(",") == FIELD["accept"]


def test_a_shared_photo_is_given_its_true_extension(client: FlaskClient) -> None:
    """No script looks into it on its way from the phone's share sheet, and nobody can rename it."""
    for seed, (sent, kept) in enumerate({"a.heic": "a.jpg", "b.PNG": "b.jpg", "c": "c"}.items()):
        data = {FIELD["name"]: (io.BytesIO(photo_bytes("jpg", seed)), sent)}
        assert client.post(TARGET["action"], data=data).status_code == 204
        assert listed(client)[0] == kept
    for name in ("a.exe", "a.pdf"):
        data = {FIELD["name"]: (io.BytesIO(photo_bytes("jpg", 9)), name)}
        assert client.post(TARGET["action"], data=data).status_code == 400


def test_a_shared_photo_belongs_to_the_guest_who_shares_it(app: Flask, client: FlaskClient) -> None:
    phone = app.test_client()  # which has never opened the page
    for visitor, is_new in ((phone, True), (client, False)):
        answer = visitor.open(
            TARGET["action"],
            method=TARGET["method"],
            data={FIELD["name"]: (io.BytesIO(photo_bytes("jpg")), "a.jpg")},
            content_type=TARGET["enctype"],
            headers={"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"},
        )
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
        cookies = answer.headers.getlist("Set-Cookie")
        assert any(cookie.startswith(f"{cookie_name(app)}=") for cookie in cookies) == is_new
        photo = listed_photos(visitor)[0]
        assert photo["by"]["id"] == own_id(visitor)
        assert visitor.delete(f"/api/photos/{photo['id']}").status_code == 204
