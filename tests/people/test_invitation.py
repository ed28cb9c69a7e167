"""The invitation: the gallery's address as a QR code, on a poster, in the settings."""

import re
from dataclasses import replace
from itertools import product
from xml.etree import ElementTree

import pytest
import segno
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from dropwall import create_app
from dropwall.config import Config
from tests.support.gallery_server import Gallery
from tests.support.page import expect_accessible
from tests.support.visitors import PASSWORD, dropwall, sign_in

pytestmark = pytest.mark.embedded

SITE = "https://photos.example.com"
NEARBY = "http://192.168.1.20:8000"
LONG_PASSCODE = " ".join(["roses"] * 16)
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE_HOSTS = (
    '"><script>alert(1)</script>',
    "a.example/wedding",
    "a.example@b.example",
    "[::",
    "",
    ".".join(["a" * 60] * 100),
)


def drawn_modules(
    client: FlaskClient, path: str = "/qr.svg", **options: object
) -> set[tuple[int, int]]:
    """The dark ones of this code, without its margin: column and row."""
    answer = client.get(path, **options)
    assert answer.mimetype == "image/svg+xml"
    assert answer.headers["Cache-Control"] == "private, no-store"
    drawing = ElementTree.fromstring(answer.data)
    assert drawing.attrib["width"].endswith("mm")
    light, dark = drawing.iter(f"{SVG}path")
    assert (light.attrib["fill"], dark.attrib["stroke"]) == ("#fff", "#000")
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


@pytest.mark.parametrize(
    ("settings", "visited", "shared"),
    [
        ({}, SITE, SITE),
        ({"public_url": SITE}, "http://localhost", SITE),
        ({"public_url": f"{SITE}/"}, "http://192.168.1.20", SITE),
        ({}, "http://notebook.local:8000", "http://notebook.local:8000"),
        ({}, "https://xn--mnchen-3ya.example", "https://xn--mnchen-3ya.example"),
    ],
)
def test_qr_code_poster_and_settings_have_the_address_to_share(
    config: Config, settings: dict[str, str], visited: str, shared: str
) -> None:
    client = create_app(replace(config, **settings)).test_client()
    assert drawn_modules(client, base_url=visited) == modules_of(shared)
    poster = re.sub("</?span>", "", client.get("/poster", base_url=visited).text)
    assert f">{shared}<" in poster
    assert "Passcode" not in client.get("/poster", base_url=visited).text
    assert client.get("/api/settings", base_url=visited).json["address"] == shared


def test_the_qr_code_and_the_poster_have_the_passcode(config: Config) -> None:
    client = create_app(replace(config, passcode="Süße Rosen 7/7")).test_client()
    link = f"{SITE}/join/S%C3%BC%C3%9Fe%20Rosen%207%2F7"
    assert client.get(link).status_code == 303
    assert client.get("/api/settings", base_url=SITE).json["address"] == link
    assert drawn_modules(client, base_url=SITE) == modules_of(link)
    poster = re.sub("</?span>", "", client.get("/poster", base_url=SITE).text)
    assert f">{SITE}<" in poster
    assert "Passcode: <strong>Süße Rosen 7/7</strong>" in poster


def test_a_hostile_host_header_does_not_get_onto_the_poster(config: Config) -> None:
    client = create_app(replace(config, host="127.0.0.1")).test_client()
    expected = client.get("/poster", base_url="http://127.0.0.1:8000").text
    for host in HOSTILE_HOSTS:
        for path in ("/qr.svg", "/poster", "/api/settings"):
            assert client.get(path, headers={"Host": host}).status_code == 200, (host, path)
        assert client.get("/poster", headers={"Host": host}).text == expected, host


def test_the_poster_names_the_wifi_where_it_is_needed(client: FlaskClient) -> None:
    assert "Wi-Fi" in client.get("/poster", base_url="http://192.168.1.20:8000").text
    assert "Wi-Fi" not in client.get("/poster", base_url=SITE).text


def test_the_poster_is_one_sheet_printed_by_its_button(page: Page, gallery: Gallery) -> None:
    page.add_init_script("window.print = () => (window.printed = true)")
    page.goto(f"{gallery.url}/poster")
    expect(page.get_by_role("img", name=f"QR code of {gallery.url}")).to_be_visible()
    button = page.get_by_role("button", name="Print")
    button.click()
    page.wait_for_function("() => window.printed")
    for paper in ("A4", "Letter"):
        pdf = page.pdf(format=paper)
        assert re.findall(rb"/Type /Pages\s.*?/Count (\d+)", pdf, re.DOTALL) == [b"1"], paper
    page.emulate_media(media="print")
    expect(button).to_be_hidden()
    expect(page.get_by_text(gallery.url)).to_be_visible()


@pytest.mark.parametrize(
    "gallery_settings",
    [
        {
            "title": "Annabella & Bartholomew " * 2,
            "welcome": "Dance! " * 14,
            "passcode": LONG_PASSCODE,
        }
    ],
)
def test_the_longest_words_leave_the_poster_one_sheet_with_a_code_to_scan(
    page: Page, gallery: Gallery
) -> None:
    page.goto(f"{gallery.url}/passcode")
    page.get_by_label("Passcode").fill(LONG_PASSCODE)
    page.get_by_role("button", name="Open the gallery").click()
    expect(page).to_have_url(f"{gallery.url}/")
    page.goto(f"{gallery.url}/poster")
    for paper, is_turned in product(("A4", "Letter"), (False, True)):
        pdf = page.pdf(format=paper, landscape=is_turned)
        assert re.findall(rb"/Type /Pages\s.*?/Count (\d+)", pdf, re.DOTALL) == [b"1"], paper
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 794, "height": 1123})  # A4, of 96 px an inch
    code = page.get_by_role("img", name="QR code").bounding_box() or {}
    assert code["height"] > 300  # 8 cm


def test_an_address_that_no_phone_reaches_is_said_to_the_host_and_not_printed(
    client: FlaskClient, page: Page, gallery: Gallery
) -> None:
    warning = "Phones can't reach "
    for site in ("http://192.168.1.20:8000", "http://party:8000", SITE):
        assert warning not in client.get("/poster", base_url=site).text
    page.goto(f"{gallery.url}/poster")
    expect(page.get_by_role("note")).to_contain_text(warning)
    page.emulate_media(media="print")
    expect(page.get_by_role("note")).to_be_hidden()


def test_axe_finds_nothing_in_the_poster_on_a_phone(page: Page, gallery: Gallery) -> None:
    page.goto(f"{gallery.url}/poster")
    expect(page.get_by_role("heading", name="Scan to add your photos")).to_be_visible()
    expect_accessible(page, ((320, "light"), (320, "dark")))
    assert page.evaluate("() => document.documentElement.scrollWidth") == 320


def test_the_poster_needs_no_script(new_context, gallery: Gallery) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(f"{gallery.url}/poster")
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    expect(page.get_by_text(gallery.url)).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)


def test_a_sheet_of_cards_has_each_card_once_for_screen_readers(config: Config) -> None:
    client = create_app(replace(config, title="Anna & Ben", welcome="Hello!")).test_client()
    for number in (4, 6, 8, 10):
        sheet = re.sub("</?span>", "", client.get(f"/poster?cards={number}", base_url=SITE).text)
        for text in (f">{SITE}<", ">Anna &amp; Ben<", ">Hello!<", 'src="/qr.svg"'):
            assert sheet.count(text) == number, text
        assert sheet.count("aria-hidden=true") == number - 1
    for wrong in ("1", "5", "12", "-8", "eight", "8.0"):
        assert client.get(f"/poster?cards={wrong}").status_code == 400, wrong


@pytest.mark.parametrize(
    ("wifi", "content"),
    [
        ("Garden:red roses", "WIFI:T:WPA;S:Garden;P:red roses;;"),
        ("Café:", "WIFI:T:nopass;S:Café;P:;;"),
        (r'a;b,"c":1:2;3,"4\5', r"WIFI:T:WPA;S:a\;b\,\"c\";P:1\:2\;3\,\"4\\5;;"),
    ],
)
def test_phones_join_the_wifi_by_its_code(config: Config, wifi: str, content: str) -> None:
    client = create_app(replace(config, wifi=wifi)).test_client()
    assert drawn_modules(client, "/wifi.svg", base_url=NEARBY) == modules_of(content)


def test_the_wifi_is_told_nearby_to_those_with_the_passcode_and_to_hosts(config: Config) -> None:
    wifi = {"wifi": "Garden:red roses"}
    app = create_app(replace(config, **wifi))
    dropwall(app, "add-account", "Ann", "--host", typed=PASSWORD)
    host = app.test_client()
    assert sign_in(host, base_url=SITE).status_code == 204
    invited = create_app(replace(config, passcode="tulips", **wifi)).test_client()
    invited.get(f"{SITE}/join/tulips", base_url=SITE)
    for client, site, is_told in (
        (app.test_client(), NEARBY, True),
        (app.test_client(), SITE, False),
        (invited, SITE, True),
        (host, SITE, True),
    ):
        for path in ("/poster", "/poster?cards=8"):
            assert ("red roses" in client.get(path, base_url=site).text) is is_told, (path, site)
        assert client.get("/wifi.svg", base_url=site).status_code == (200 if is_told else 404)
        for path in ("/", "/api/settings", "/plain", "/slideshow"):
            assert "red roses" not in client.get(path, base_url=site).text
    for stranger in ("8.8.8.8", "::ffff:8.8.8.8", "2606:4700::1", ""):  # who claims to be nearby
        told = app.test_client().get(
            "/poster", base_url=NEARBY, environ_overrides={"REMOTE_ADDR": stranger}
        )
        assert "red roses" not in told.text, stranger


@pytest.mark.parametrize(
    ("proxies", "forwarded", "is_told"),
    [
        (0, "8.8.8.8", False),
        (0, "192.168.1.30", False),  # anybody may claim that
        (1, "8.8.8.8, 192.168.1.2", False),
        (1, "192.168.1.30", True),
        (2, "192.168.1.30, 192.168.1.2", True),
        (1, None, True),  # past the proxy, in the local network
    ],
)
def test_the_wifi_is_told_nobody_behind_a_proxy_that_is_not_counted(
    config: Config, proxies: int, forwarded: str | None, is_told: bool
) -> None:
    """It passes strangers on, from its own address in the local network."""
    app = create_app(replace(config, wifi="Garden:red roses", proxies=proxies))
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    client, options = app.test_client(), {"base_url": NEARBY, "headers": headers}
    assert ("red roses" in client.get("/poster", **options).text) is is_told
    assert client.get("/wifi.svg", **options).status_code == (200 if is_told else 404)


@pytest.mark.parametrize(
    "gallery_settings",
    [
        {"title": "Anna & Ben", "welcome": "So glad you came!", "wifi": "Garden:red roses"},
        {
            "title": "Annabella & Bartholomew " * 2,
            "welcome": "Dance! " * 14,
            "wifi": f"{'Rosegarden ' * 2}:{'red roses ' * 6}",
        },
    ],
    ids=["usual", "longest"],
)
def test_cards_are_one_sheet_of_whole_cards_with_codes_to_scan(
    page: Page, gallery: Gallery
) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 794, "height": 1123})  # A4, of 96 px an inch
    for number in (4, 6, 8, 10):
        page.goto(f"{gallery.url}/poster?cards={number}")
        page.wait_for_function("() => [...document.images].every((it) => it.naturalWidth)")
        for paper in ("A4", "Letter"):
            pdf = page.pdf(format=paper)
            assert re.findall(rb"/Type /Pages\s.*?/Count (\d+)", pdf, re.DOTALL) == [b"1"], paper
        expect(page.get_by_role("heading", name="Scan to add")).to_have_count(1)
        [height, most, code] = page.locator(".card").first.evaluate(
            "it => [it.scrollHeight, it.clientHeight, it.querySelector('img').clientHeight]"
        )
        assert height <= most, number
        assert code > 68, number  # 18 mm


def test_axe_finds_nothing_in_the_cards_on_a_phone(page: Page, gallery: Gallery) -> None:
    page.goto(f"{gallery.url}/poster?cards=8")
    expect(page.get_by_role("link", name="8 cards")).to_have_attribute("aria-current", "page")
    expect_accessible(page, ((320, "light"), (320, "dark")))
    assert page.evaluate("() => document.documentElement.scrollWidth") == 320
