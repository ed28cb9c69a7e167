"""The pages that are one form, in a browser: passcode, sign in, sign up, account."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support import page as ui
from tests.support.browser import opened_page
from tests.support.gallery_server import Gallery
from tests.support.visitors import PASSWORD, make_accounts

PASSCODE = "roses"
GONE = "This photo was removed or isn't shared with you."


@pytest.fixture
def gallery_settings() -> dict[str, object]:
    return {"sign_up": "true", "passcode": PASSCODE}


@pytest.fixture
def gallery(gallery: Gallery) -> Gallery:
    make_accounts(gallery, "Ann")
    return gallery


@pytest.fixture
def expected_errors() -> list[str]:
    return [r"status of 4\d\d", ui.NO_CONNECTION]


@pytest.fixture
def without_script(new_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    with opened_page(new_context(java_script_enabled=False), [r"status of 4\d\d"]) as page:
        yield page


def fill(page: Page, **values: str) -> None:
    """Fields by their labels."""
    for label, value in values.items():
        page.get_by_label(label.replace("_", " ")).fill(value)


def expect_the_gallery(page: Page, gallery: Gallery) -> None:
    expect(page).to_have_url(f"{gallery.url}/")
    expect(page.get_by_role("heading", name="Photos", exact=True)).to_be_visible()


def test_signing_in_by_keyboard_says_what_is_wrong(page: Page, gallery: Gallery) -> None:
    page.goto(f"{gallery.url}/sign-in")
    name, password = page.get_by_label("Name"), page.get_by_label("Password")
    error = page.get_by_role("alert")
    expect(name).to_be_focused()
    page.keyboard.type("ann")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(error).to_contain_text("Can't reach the gallery. Try again.")
    for field in (name, password):
        expect(field).not_to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Sign in")).to_be_focused()
    page.context.set_offline(False)
    page.keyboard.press("Enter")
    expect(error).to_have_text("Wrong name or password. Try again.")
    expect(password).to_be_focused()
    expect(password).to_have_accessible_description(error.text_content() or "")
    expect(password).to_have_attribute("aria-invalid", "true")
    expect(page).to_have_url(f"{gallery.url}/sign-in")
    page.keyboard.type(PASSWORD)  # over what was wrong, which is selected
    page.keyboard.press("Enter")
    expect_the_gallery(page, gallery)
    account = page.request.get(f"{gallery.url}/api/settings").json()["account"]
    assert account == {"name": "Ann", "is_host": False}
    page.go_back()  # the form is not where one comes back to
    assert page.url == "about:blank"


def test_the_passcode_is_asked_for_and_again_when_forgotten(page: Page, gallery: Gallery) -> None:
    page.goto(f"{gallery.url}/#wall")
    fill(page, Passcode="tulips")
    page.get_by_role("button", name="Open the gallery").click()
    expect(page.get_by_role("alert")).to_contain_text("That's not the passcode")
    expect(page.get_by_label("Passcode")).to_be_focused()
    fill(page, Passcode="Roses")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Slideshow")).to_be_visible()
    page.context.set_offline(True)
    page.context.clear_cookies()
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()

    # To a browser that sends no cookies the server shows the page, and refuses what it asks for.
    page.goto(f"{gallery.url}/join/{PASSCODE}")
    expect(page.get_by_role("button", name="Add photos")).to_be_visible()
    refusal = {"Dropwall-Refusal": "passcode-wanted", "Content-Type": "text/plain"}
    page.route("**/api/photos*", lambda route: route.fulfill(status=401, headers=refusal, body="x"))
    page.evaluate("() => (window.isStillThere = true)")
    for _ in range(2):
        with page.expect_response("**/api/photos*"):
            page.evaluate("() => dispatchEvent(new Event('online'))")
    expect(page.get_by_text("Can't reach the gallery. Reconnecting…")).to_be_visible()
    assert page.evaluate("() => window.isStillThere")


def test_private_uploads_need_no_javascript(
    without_script: Page, another: Page, gallery: Gallery
) -> None:
    """The tutorial's private uploads, with the plain forms that it has."""
    page = without_script
    page.goto(gallery.url)
    fill(page, Passcode="tulips")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("That's not the passcode")
    fill(page, Passcode=PASSCODE)
    page.keyboard.press("Enter")
    expect_the_gallery(page, gallery)
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("link", name="Sign in")).to_be_attached()

    page.goto(f"{gallery.url}/account")
    fill(page, Name="Ann", Password="wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Wrong name or password")
    expect(page.get_by_label("Name")).to_have_value("Ann")
    expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    fill(page, Password=PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("You're signed in as Ann.")).to_be_visible()

    page.goto(gallery.url)
    page.get_by_role("radio", name="Only me").check()
    ui.file_input(page).set_input_files([ui.payload("mine.jpg", ui.small_photo(1))])
    page.get_by_role("button", name="Add photos").click()
    expect(frame.get_by_role("img", name="Photo")).to_be_attached()
    expect(frame.get_by_role("listitem").filter(has_text="Private")).to_have_count(1)
    [mine] = ui.own_photos(page)
    assert mine["visibility"] == "owner"

    answer = page.request.get(f"{gallery.url}{mine['url']}")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
    page.goto(f"{gallery.url}/account")
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_label("Passcode")).to_be_visible()
    for visitor in (page, another):
        visitor.goto(f"{gallery.url}/join/{PASSCODE}")
        answer = visitor.request.get(f"{gallery.url}{mine['url']}")
        assert (answer.status, answer.text()) == (404, GONE)
    expect(another.locator("[data-state=ready]")).to_be_visible()  # it isn't closed half open


def test_a_guest_signs_up_and_changes_the_password(page: Page, gallery: Gallery) -> None:
    page.goto(f"{gallery.url}/join/{PASSCODE}")
    page.goto(f"{gallery.url}/account")
    expect(page).to_have_url(f"{gallery.url}/sign-in?next=/account")
    page.get_by_role("link", name="Create an account").click()
    page.wait_for_load_state()  # until then its form is a plain one
    fill(page, Name="Ann", Password=PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This name is taken. Choose another one.")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Bo")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You're signed in as Bo.")).to_be_visible()
    for old, new, sentence, blamed in (
        ("wrong", "battery staple", "That's not your current password", "Current password"),
        (PASSWORD, "short", "Choose a password of 8 to 256", "New password"),
    ):
        fill(page, Current_password=old, New_password=new)
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_role("alert")).to_contain_text(sentence)
        expect(page.get_by_label(blamed)).to_be_focused()
    fill(page, New_password="battery staple")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Your password is changed.")
    expect(page.get_by_role("alert")).to_be_empty()
    expect(page.get_by_label("New password")).to_be_empty()
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_label("Passcode")).to_be_visible()  # a new guest's device


@ui.in_all_corners
def test_the_forms_are_accessible(page: Page, gallery: Gallery, corners: ui.Corners) -> None:
    for path, heading, autocomplete in (
        ("/", "Welcome", ["off"]),
        ("/sign-in", "Sign in", ["username", "current-password"]),
        ("/sign-up", "Create an account", ["username", "new-password"]),
        ("/account", "Account", ["username", "current-password", "new-password"]),
    ):
        if path == "/sign-up":
            page.request.get(f"{gallery.url}/join/{PASSCODE}")
        if path == "/account":
            ui.sign_in_by_request(page, gallery)
        page.goto(f"{gallery.url}{path}")
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        fields = page.locator("input[autocomplete]").all()
        assert [field.get_attribute("autocomplete") for field in fields] == autocomplete
        if path == "/account":
            fill(page, Current_password="wrong", New_password="wrong")
            page.keyboard.press("Enter")
            expect(page.get_by_role("alert")).not_to_be_empty()
        ui.expect_accessible(page, corners)
        for width in (320, 1920):
            page.set_viewport_size({"width": width, "height": 640})
            assert page.evaluate("() => document.documentElement.scrollWidth") == width


def test_on_a_touch_screen_a_forms_targets_are_large_enough(
    new_context: Callable[..., BrowserContext], gallery: Gallery, expected_errors: list[str]
) -> None:
    size = {"width": 390, "height": 844}
    phone = new_context(has_touch=True, is_mobile=True, viewport=size)
    with opened_page(phone, expected_errors) as page:
        ui.sign_in_by_request(page, gallery)
        page.goto(f"{gallery.url}/account")
        targets = page.locator("a, button, input:visible").all()
        heights = {str(target): target.bounding_box()["height"] for target in targets}
        assert len(heights) > 5
        assert [target for target, height in heights.items() if height < 44] == []
