"""The address to share: as a QR code, on a poster, in the settings."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
import segno
from flask.testing import FlaskClient
from playwright.sync_api import BrowserContext, Page, expect

from server import create_app
from server.config import Config
from tests.page.test_accessibility import serious_findings
from tests.support.gallery_server import RunningServer

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    '"><script>alert(1)</script>',
    "a.example/wedding",
    "a.example@b.example",
    "[::",
    "",
    ".".join(["a" * 60] * 100),
]


def modules(client: FlaskClient, **options: object) -> set[tuple[int, int]]:
    """The dark ones of /qr.svg, without its margin: column and row."""
    drawing = ElementTree.fromstring(client.get("/qr.svg", **options).data)
    light, dark = drawing.iter(f"{SVG}path")
    margin = 4
    size = int(re.fullmatch(r"M0 0h(\d+)v(\d+)h-\1z", light.attrib["d"])[1]) - 2 * margin
    found, x, y = set(), 0, 0
    for command, arguments in re.findall(r"([Mmh])([-\d. ]+)", dark.attrib["d"]):
        numbers = [float(number) for number in arguments.split()]
        if command == "h":
            found |= {(x + step - margin, y - margin) for step in range(int(numbers[0]))}
            x += int(numbers[0])
        else:
            x, y = (0, 0) if command == "M" else (x, y)
            x, y = x + int(numbers[0]), int(y + numbers[1])
    assert all(0 <= x < size and 0 <= y < size for x, y in found)
    return found


def modules_of(address: str) -> set[tuple[int, int]]:
    matrix = segno.make_qr(address, error="m").matrix
    return {(x, y) for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark}


def test_the_code_holds_the_address_that_was_visited(client: FlaskClient) -> None:
    base_url = "https://photos.example.com"
    assert modules(client, base_url=base_url) == modules_of(base_url)


def test_the_code_is_dark_on_white_and_drawn_anew_for_every_address(client: FlaskClient) -> None:
    answer = client.get("/qr.svg")
    assert answer.mimetype == "image/svg+xml"
    assert answer.headers["Cache-Control"] == "private, no-store"
    drawing = ElementTree.fromstring(answer.data)
    light, dark = drawing.iter(f"{SVG}path")
    assert (light.attrib["fill"], dark.attrib["stroke"]) == ("#fff", "#000")
    assert drawing.attrib["width"].endswith("mm")


def test_the_address_of_the_settings_is_everywhere(config: Config) -> None:
    address = "https://photos.example.com"
    client = create_app(replace(config, public_url=address)).test_client()
    assert modules(client) == modules_of(address)
    assert f">{address}<" in client.get("/poster").text
    assert client.get("/api/settings").json["address"] == address


@pytest.mark.parametrize(
    "base_url", ["http://notebook.local:8000", "https://xn--mnchen-3ya.example"]
)
def test_who_asks_by_a_name_is_told_that_name(client: FlaskClient, base_url: str) -> None:
    assert client.get("/api/settings", base_url=base_url).json["address"] == base_url
    assert f">{base_url}<" in client.get("/poster", base_url=base_url).text


@pytest.mark.parametrize("host", HOSTILE)
def test_nobody_writes_on_the_poster_by_the_name_of_a_host(config: Config, host: str) -> None:
    client = create_app(replace(config, host="127.0.0.1")).test_client()
    for path in ("/qr.svg", "/poster", "/api/settings"):
        assert client.get(path, headers={"Host": host}).status_code == 200
    assert (
        client.get("/poster", headers={"Host": host}).text
        == client.get("/poster", base_url="http://127.0.0.1:8000").text
    )


def test_guests_are_told_to_join_the_network_where_that_is_needed(client: FlaskClient) -> None:
    assert "Wi-Fi" in client.get("/poster", base_url="http://192.168.1.20:8000").text
    assert "Wi-Fi" not in client.get("/poster", base_url="https://photos.example.com").text


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_poster_is_one_sheet(page: Page, live_server: RunningServer, paper: str) -> None:
    page.goto(f"{live_server.url}/poster")
    expect(page.get_by_role("img", name=f"QR code of {live_server.url}")).to_be_visible()
    pdf = page.pdf(format=paper)
    assert re.findall(rb"/Type /Pages\s.*?/Count (\d+)", pdf, re.DOTALL) == [b"1"]


def test_the_poster_is_printed_by_its_button(page: Page, live_server: RunningServer) -> None:
    page.add_init_script("window.print = () => (window.printed = true)")
    page.goto(f"{live_server.url}/poster")
    button = page.get_by_role("button", name="Print")
    button.click()
    page.wait_for_function("() => window.printed")
    page.emulate_media(media="print")
    expect(button).to_be_hidden()
    expect(page.get_by_text(live_server.url)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_poster_keeps_nobody_out(page: Page, live_server: RunningServer, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{live_server.url}/poster")
    expect(page.get_by_role("heading", name="Scan to add your photos")).to_be_visible()
    assert serious_findings(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth") == 320


def test_the_poster_needs_no_script(context: BrowserContext, live_server: RunningServer) -> None:
    browser = context.browser
    assert browser
    plain = browser.new_context(java_script_enabled=False)
    page = plain.new_page()
    page.goto(f"{live_server.url}/poster")
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    expect(page.get_by_text(live_server.url)).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    plain.close()
