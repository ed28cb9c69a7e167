"""The pages that are one form, in a browser."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.conftest import CDN, opened_page, play_cdn
from tests.page.test_accessibility import expect_nobody_kept_out
from tests.page.test_uploading import payload
from tests.people.test_accounts import PASSWORD
from tests.support.gallery_server import RunningServer
from tests.support.photos import photo_bytes

PASSCODE = "roses"
GONE = "This photo is not here; it may have been removed."
REFUSED = "the server responded with a status of 4"
PHONE = {"width": 390, "height": 844}
PATHS = {"/": "Welcome", "/sign-in": "Sign in", "/sign-up": "Create an account"}


@pytest.fixture
def live_server(tmp_path: Path) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path / "data", sign_up="true", passcode=PASSCODE)
    guest = requests.Session()
    guest.get(f"{server.url}/join/{PASSCODE}")
    made = guest.post(f"{server.url}/sign-up", data={"name": "Ann", "password": PASSWORD})
    assert made.status_code == 204
    yield server
    server.stop(signal.SIGINT)


@contextmanager
def another_browser(browser: Browser, **options: Any) -> Iterator[Page]:
    context = browser.new_context(**options)
    context.route(f"{CDN}**", play_cdn)
    with opened_page(context, [REFUSED]) as page:
        yield page
    context.close()


@pytest.fixture
def without_script(browser: Browser, live_server: RunningServer) -> Iterator[Page]:
    with another_browser(browser, java_script_enabled=False) as page:
        yield page


def expect_the_gallery(page: Page, server: RunningServer) -> None:
    expect(page).to_have_url(f"{server.url}/")
    expect(page.get_by_role("heading", name="Dropwall")).to_be_visible()


def settings(page: Page) -> dict:
    return page.evaluate("() => fetch('/api/settings').then((answer) => answer.json())")


def expect_gone(page: Page, address: str) -> None:
    answer = page.request.get(address)
    assert (answer.status, answer.text()) == (404, GONE)


def test_one_signs_in_by_the_keyboard_alone(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)
    page.goto(f"{live_server.url}/sign-in")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("ann")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    password = page.get_by_label("Password")
    trouble = page.get_by_role("alert")
    expect(trouble).to_have_text("This name and password do not belong together; please try again.")
    expect(password).to_be_focused()
    expect(password).to_have_accessible_description(trouble.text_content() or "")
    expect(password).to_have_attribute("aria-invalid", "true")
    expect(page).to_have_url(f"{live_server.url}/sign-in")
    page.keyboard.type(PASSWORD)  # over what was wrong, which is selected
    page.keyboard.press("Enter")
    expect_the_gallery(page, live_server)
    assert settings(page)["account"] == {"name": "Ann", "is_host": False}
    page.go_back()  # the form is not where one comes back to
    assert page.url == "about:blank"


def test_the_passcode_is_asked_for_where_the_gallery_will_be(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)
    page.goto(f"{live_server.url}/#wall")
    page.get_by_label("Passcode").fill("tulips")
    page.get_by_role("button", name="Open the gallery").click()
    expect(page.get_by_role("alert")).to_contain_text("This is not the passcode")
    expect(page.get_by_label("Passcode")).to_be_focused()
    page.get_by_label("Passcode").fill("Roses")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="The wall")).to_be_visible()


def test_sign_in_upload_and_only_you_can_open_it(
    without_script: Page, live_server: RunningServer, browser: Browser
) -> None:
    """The tutorial's private uploads, with the plain forms that it has."""
    page = without_script
    page.goto(f"{live_server.url}/sign-in")
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("radio", name="Only me").check()
    page.get_by_role("button", name="Photos", exact=True).set_input_files(
        [payload("mine.jpg", photo_bytes("jpg"))]
    )
    page.get_by_role("button", name="Send photos").click()
    expect(page.frame_locator("iframe").get_by_role("img", name="mine.jpg")).to_be_attached()
    [mine] = page.request.get(f"{live_server.url}/api/photos").json()["photos"]
    address = f"{live_server.url}{mine['url']}"
    assert page.request.get(address).headers["content-type"] == "image/jpeg"
    with another_browser(browser) as other:
        other.goto(f"{live_server.url}/join/{PASSCODE}")
        expect_gone(other, address)
        form = {"name": "Bo", "password": PASSWORD}
        assert other.request.post(f"{live_server.url}/sign-up", form=form).ok
        expect_gone(other, address)
    page.request.post(f"{live_server.url}/sign-out")
    page.goto(f"{live_server.url}/join/{PASSCODE}")
    expect_gone(page, address)


def test_one_signs_up_and_changes_the_password(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)
    page.goto(f"{live_server.url}/join/{PASSCODE}")
    page.goto(f"{live_server.url}/account")
    expect(page).to_have_url(f"{live_server.url}/sign-in?next=/account")
    page.get_by_role("link", name="Create an account").click()
    page.wait_for_load_state()  # until then its form is a plain one
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This name is taken; please choose another one.")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Bo")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You are signed in as Bo.")).to_be_visible()
    for old, new, sentence, blamed in (
        ("wrong", "battery staple", "This is not your present password", "Present password"),
        (PASSWORD, "short", "Please choose a password of 8 to 256", "New password"),
    ):
        page.get_by_label("Present password").fill(old)
        page.get_by_label("New password").fill(new)
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_role("alert")).to_contain_text(sentence)
        expect(page.get_by_label(blamed)).to_be_focused()
    page.get_by_label("New password").fill("battery staple")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Your password is changed.")
    expect(page.get_by_role("alert")).to_be_empty()
    expect(page.get_by_label("New password")).to_be_empty()
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_label("Passcode")).to_be_visible()  # a new guest's device


def test_what_does_not_answer_is_said(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append("ERR_INTERNET_DISCONNECTED")
    page.goto(f"{live_server.url}/sign-in")
    page.context.set_offline(True)
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The gallery does not answer just now")
    for label in ("Name", "Password"):
        expect(page.get_by_label(label)).not_to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Sign in")).to_be_focused()
    page.context.set_offline(False)
    page.get_by_role("button", name="Sign in").click()
    expect_the_gallery(page, live_server)


def test_everything_works_without_script(without_script: Page, live_server: RunningServer) -> None:
    page = without_script
    page.goto(live_server.url)
    page.get_by_label("Passcode").fill("tulips")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This is not the passcode")
    page.get_by_label("Passcode").fill(PASSCODE)
    page.keyboard.press("Enter")
    expect_the_gallery(page, live_server)
    page.goto(f"{live_server.url}/account")
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    expect(page.get_by_label("Name")).to_have_value("Ann")
    expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("You are signed in as Ann.")).to_be_visible()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_label("Passcode")).to_be_visible()


def test_password_managers_know_which_field_is_which(
    page: Page, live_server: RunningServer
) -> None:
    expected = {
        "/": ["off"],
        "/sign-in": ["username", "current-password"],
        "/sign-up": ["username", "new-password"],
        "/account": ["username", "current-password", "new-password"],
    }
    for path, fields in expected.items():
        if path == "/sign-up":
            page.goto(f"{live_server.url}/join/{PASSCODE}")
        if path == "/account":
            sign_in(page, live_server)
        page.goto(f"{live_server.url}{path}")
        inputs = page.locator("input[autocomplete]")
        assert [each.get_attribute("autocomplete") for each in inputs.all()] == fields


def test_the_forms_keep_nobody_out(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)
    for path, title in PATHS.items():
        if path == "/sign-up":
            page.goto(f"{live_server.url}/join/{PASSCODE}")
        page.goto(f"{live_server.url}{path}")
        expect(page.get_by_role("heading", name=title)).to_be_visible()
        expect_room_for_all(page)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/account")
    page.get_by_label("Present password").fill("wrong")
    page.get_by_label("New password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).not_to_be_empty()
    expect_room_for_all(page)


def expect_room_for_all(page: Page) -> None:
    expect_nobody_kept_out(page)
    for width in (320, 1920):
        page.set_viewport_size({"width": width, "height": 640})
        assert page.evaluate("() => document.documentElement.scrollWidth") == width


def sign_in(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.url}/sign-in")
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect_the_gallery(page, server)


def test_on_touch_screens_everything_is_large_enough(
    browser: Browser, live_server: RunningServer
) -> None:
    with another_browser(browser, has_touch=True, is_mobile=True, viewport=PHONE) as page:
        sign_in(page, live_server)
        page.goto(f"{live_server.url}/account")
        for each in page.locator("a, button, input:visible").all():
            box = each.bounding_box()
            assert box
            assert box["height"] >= 44, each


def test_a_page_whose_guest_was_forgotten_asks_for_the_passcode_again(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)
    page.goto(f"{live_server.url}/join/{PASSCODE}")
    expect(page.get_by_role("button", name="Add photos")).to_be_visible()
    page.context.clear_cookies()
    page.evaluate("() => dispatchEvent(new Event('online'))")
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
