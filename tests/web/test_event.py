"""The event's own name: in the page, at the doors, on paper, in a chat, and as a file."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from dropwall import create_app
from dropwall.config import BadSetting, Config
from tests.support.photos import photo_bytes
from tests.support.visitors import open_page

TITLE, WELCOME = "Anna & Ben", "20 June, in the garden"
ESCAPED = "Anna &amp; Ben"

OpenGallery = Callable[..., FlaskClient]


@pytest.fixture
def open_gallery(config: Config) -> OpenGallery:
    """Opens a gallery with these settings."""
    return lambda **settings: open_page(
        create_app(replace(config, title=TITLE, welcome=WELCOME, **settings))
    )


def send(client: FlaskClient, base_url: str | None = None, **fields: str) -> str:
    """Send a photo; returns its id."""
    form = {"file": (io.BytesIO(photo_bytes()), "IMG_1.jpg"), **fields}
    return client.post("/", data=form, base_url=base_url).headers["Location"][len("/uploads/") :][
        :32
    ]


def preview(client: FlaskClient, path: str) -> dict[str, str]:
    """What a chat reads in the page at this address."""
    text = client.get(path).get_data(as_text=True)
    return dict(
        re.findall(r'<meta (?:property|name)="(?:og|twitter):(\w+)" content="([^"]*)"', text)
    )


def test_the_page_has_the_name_of_the_event(open_gallery: OpenGallery) -> None:
    text = open_gallery().get("/").get_data(as_text=True)
    assert f"<title>{ESCAPED}</title>" in text
    assert f"<h1>{ESCAPED}</h1>" in text


def test_without_a_name_it_says_photos(client: FlaskClient) -> None:
    text = client.get("/").get_data(as_text=True)
    assert "<title>Photos</title>" in text
    assert "<h1>Photos</h1>" in text


@pytest.mark.parametrize("path", ["/plain", "/poster", "/slideshow", "/sign-in", "/nothing/here"])
def test_every_other_page_has_it_too(open_gallery: OpenGallery, path: str) -> None:
    answer = open_gallery().get(path, headers={"Accept": "text/html"})
    assert ESCAPED in answer.get_data(as_text=True)
    assert "Dropwall" not in answer.get_data(as_text=True)


def test_the_door_says_whose_it_is_and_no_more(open_gallery: OpenGallery) -> None:
    client = open_gallery(passcode="blue hydrangea")
    door = client.get(
        "/photo/" + "0" * 32, headers={"Sec-Fetch-Mode": "navigate"}, follow_redirects=True
    )
    assert ESCAPED in door.get_data(as_text=True)
    assert WELCOME in door.get_data(as_text=True)
    assert "og:image" not in door.get_data(as_text=True)


def test_an_installed_app_is_called_like_the_event(open_gallery: OpenGallery) -> None:
    manifest = open_gallery().get("/manifest.webmanifest")
    assert json.loads(manifest.data)["name"] == TITLE
    assert manifest.mimetype == "application/manifest+json"


def test_a_zip_is_called_like_the_event(open_gallery: OpenGallery) -> None:
    client = open_gallery()
    send(client)
    named = client.get("/photos.zip").headers["Content-Disposition"]
    assert named.startswith(f'attachment; filename="{TITLE} 20')


def test_a_chat_shows_the_name_and_the_newest_photo(open_gallery: OpenGallery) -> None:
    client, url = open_gallery(public_url="https://photos.example"), "https://photos.example/"
    assert "image" not in preview(client, url)
    photo_id = send(client, base_url=url)
    assert preview(client, url) == {
        "type": "website",
        "title": ESCAPED,
        "description": WELCOME,
        "url": url,
        "image": f"{url}thumbnails/{photo_id}/640.webp",
        "card": "summary_large_image",
    }


def test_a_chat_shows_a_photo_that_everyone_sees(open_gallery: OpenGallery) -> None:
    client = open_gallery()
    first = send(client)
    shown = preview(client, f"/photo/{first}")
    assert first in shown["image"]
    assert shown["description"].startswith("Photo")


@pytest.mark.parametrize(
    ("settings", "fields"),
    [({}, {"visibility": "owner"}), ({"mode": "own"}, {}), ({"mode": "approval"}, {})],
)
def test_a_chat_shows_no_photo_that_some_may_not_see(
    open_gallery: OpenGallery, settings: dict[str, str], fields: dict[str, str]
) -> None:
    client = open_gallery(**settings)
    photo_id = send(client, **fields)
    for path in ("/", f"/photo/{photo_id}"):  # its owner asks, and is shown the same as a chat
        shown = preview(client, path)
        assert shown["title"] == ESCAPED
        assert "image" not in shown


def test_a_photo_that_is_gone_has_a_page_all_the_same(client: FlaskClient) -> None:
    answer = client.get("/photo/" + "0" * 32)
    assert answer.status_code == 200
    assert "<h1>Photos</h1>" in answer.get_data(as_text=True)


@pytest.mark.parametrize("title", ["a" * 61, "two\nlines"])
def test_a_name_is_one_short_line(config: Config, title: str) -> None:
    with pytest.raises(BadSetting, match="DROPWALL_TITLE must be one line of at most 60"):
        replace(config, title=title)
