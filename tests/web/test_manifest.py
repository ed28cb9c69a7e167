"""The web app manifest: Dropwall as an app on a phone, its icons, and the share sheet."""

import io
import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from tests.support.browser import ROOT
from tests.support.photos import photo_bytes
from tests.support.visitors import own_id

pytestmark = pytest.mark.embedded

INDEX = (ROOT / "frontend" / "index.html").read_text()
MANIFEST = json.loads((ROOT / "frontend" / "manifest.webmanifest").read_text())
TARGET = MANIFEST["share_target"]
[FIELD] = TARGET["params"]["files"]


def in_index(pattern: str) -> list[str]:
    return re.findall(pattern, INDEX, re.DOTALL)


def test_the_page_links_its_manifest(client: FlaskClient) -> None:
    [path] = in_index(r'<link rel="manifest" href="([^"]+)"')
    answer = client.get(path, buffered=True)
    assert answer.mimetype == "application/manifest+json"
    assert json.loads(answer.data) == MANIFEST


def test_the_icons_have_their_sizes_and_no_holes(client: FlaskClient) -> None:
    """Those that a system cuts to its own shape are opaque."""
    pngs = [icon for icon in MANIFEST["icons"] if icon["type"] == "image/png"]
    [apple] = in_index(r'<link rel="apple-touch-icon" href="([^"]+)"')
    pngs.append({"src": apple, "sizes": "180x180", "purpose": "maskable"})
    for icon in pngs:
        answer = client.get(icon["src"], buffered=True)
        assert answer.mimetype == "image/png"
        image = Image.open(io.BytesIO(answer.data)).convert("RGBA")
        assert f"{image.width}x{image.height}" == icon["sizes"]
        least_alpha = 255 if icon.get("purpose") == "maskable" else 0
        assert image.getchannel("A").getextrema() == (least_alpha, 255), icon


def test_the_manifest_has_what_browsers_need_to_install_the_app() -> None:
    assert {"192x192", "512x512", "any"} <= {icon["sizes"] for icon in MANIFEST["icons"]}
    assert "maskable" in {icon.get("purpose") for icon in MANIFEST["icons"]}
    chosen = [MANIFEST[name] for name in ("name", "start_url", "display")]
    assert chosen == ["Dropwall", "/", "standalone"]
    colours = in_index(r'<meta name="theme-color" content="([^"]+)"')
    assert {MANIFEST["theme_color"], MANIFEST["background_color"]} <= set(colours)


def test_the_share_sheet_takes_the_same_files_as_the_form() -> None:
    [accepted] = in_index(r'name="file"[^>]*?accept="([^"]+)"')
    assert FIELD["accept"] == accepted.split(",")


def share(client: FlaskClient) -> TestResponse:
    answer = client.open(
        TARGET["action"],
        method=TARGET["method"],
        data={FIELD["name"]: (io.BytesIO(photo_bytes("jpg")), "a.jpg")},
        content_type=TARGET["enctype"],
        headers={"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"},
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    return answer


def test_a_shared_photo_belongs_to_the_guest_who_shares_it(app: Flask, client: FlaskClient) -> None:
    phone = app.test_client()  # which has never opened the page
    for visitor, is_new in ((phone, True), (client, False)):
        cookies = share(visitor).headers.getlist("Set-Cookie")
        assert any(cookie.startswith("dropwall=") for cookie in cookies) == is_new
        photo = visitor.get("/api/photos").json["photos"][0]
        assert photo["by"]["id"] == own_id(visitor)
        assert visitor.delete(f"/api/photos/{photo['id']}").status_code == 204
