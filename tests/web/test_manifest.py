"""Dropwall as an app on a phone: its icons, and its place in the share sheet."""

import io
import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from tests.support.gallery_server import ROOT
from tests.support.photos import photo_bytes

INDEX = (ROOT / "frontend" / "index.html").read_text()
MANIFEST = json.loads((ROOT / "frontend" / "manifest.webmanifest").read_text())
FROM_THE_SHARE_SHEET = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}


def share(client: FlaskClient):
    [field] = MANIFEST["share_target"]["params"]["files"]
    return client.open(
        MANIFEST["share_target"]["action"],
        method=MANIFEST["share_target"]["method"],
        data={field["name"]: (io.BytesIO(photo_bytes("jpg")), "a.jpg")},
        content_type=MANIFEST["share_target"]["enctype"],
        headers=FROM_THE_SHARE_SHEET,
    )


def icon_files() -> list[tuple[str, int, bool]]:
    """PNGs, with the width that they should have, and whether a system cuts them to its shape."""
    files = [
        (icon["src"], int(icon["sizes"].split("x")[0]), icon.get("purpose") == "maskable")
        for icon in MANIFEST["icons"]
        if icon["type"] == "image/png"
    ]
    [for_apple] = re.findall(r'<link rel="apple-touch-icon" href="([^"]+)"', INDEX)
    return [*files, (for_apple, 180, True)]


def test_the_page_names_its_manifest(client: FlaskClient) -> None:
    [path] = re.findall(r'<link rel="manifest" href="([^"]+)"', INDEX)
    answer = client.get(path, buffered=True)
    assert answer.mimetype == "application/manifest+json"
    assert json.loads(answer.data) == MANIFEST


@pytest.mark.parametrize(("path", "width", "is_cut"), icon_files())
def test_icons_have_the_size_that_is_said(
    client: FlaskClient, path: str, width: int, is_cut: bool
) -> None:
    answer = client.get(path, buffered=True)
    assert answer.mimetype == "image/png"
    image = Image.open(io.BytesIO(answer.data)).convert("RGBA")
    assert image.size == (width, width)
    assert image.getchannel("A").getextrema() == (255 if is_cut else 0, 255)


def test_a_manifest_has_what_browsers_ask_for_before_they_install() -> None:
    sizes = {icon["sizes"] for icon in MANIFEST["icons"]}
    assert {"192x192", "512x512", "any"} <= sizes
    assert "maskable" in {icon.get("purpose") for icon in MANIFEST["icons"]}
    assert (MANIFEST["name"], MANIFEST["start_url"], MANIFEST["display"]) == (
        "Dropwall",
        "/",
        "standalone",
    )
    colours = re.findall(r'<meta name="theme-color" content="([^"]+)"', INDEX)
    assert {MANIFEST["theme_color"], MANIFEST["background_color"]} <= set(colours)


def test_the_share_sheet_offers_what_the_form_takes() -> None:
    [field] = MANIFEST["share_target"]["params"]["files"]
    accepted = re.search(r'name="file".*?accept="([^"]+)"', INDEX, re.DOTALL)[1]
    assert field["accept"] == accepted.split(",")


def makes_a_guest(answer: TestResponse) -> bool:
    return any(cookie.startswith("dropwall=") for cookie in answer.headers.getlist("Set-Cookie"))


def test_what_is_shared_belongs_to_a_guest_who_never_saw_the_page(app: Flask) -> None:
    phone = app.test_client()
    answer = share(phone)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert makes_a_guest(answer)
    [photo] = phone.get("/api/photos").json["photos"]
    assert photo["by"]["id"] == phone.get("/api/settings").json["guest"]["id"]
    assert phone.delete(f"/api/photos/{photo['id']}").status_code == 204


def test_what_is_shared_belongs_to_the_guest_who_shares_it(client: FlaskClient) -> None:
    answer = share(client)
    assert answer.status_code == 303
    assert not makes_a_guest(answer)
    [photo] = client.get("/api/photos").json["photos"]
    assert photo["by"]["id"] == client.get("/api/settings").json["guest"]["id"]
