"""An error is shown on a small page to people, and stays plain text for all else."""

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from tests.support import page as ui
from tests.support.gallery_server import Gallery

MISSING = f"/uploads/{'0' * 32}.jpg"
GONE = "This photo was removed or isn't shared with you."
FROM_A_BAR = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html,*/*;q=0.8"}
OLD_BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("headers", [FROM_A_BAR, OLD_BROWSER])
def test_who_goes_to_an_address_gets_a_page_with_a_way_back(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    answer = client.get(MISSING, headers=headers)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert answer.headers["Dropwall-Refusal"] == "no-such-photo"
    assert GONE.replace("'", "&#39;") in answer.text
    assert '<a href="/" target="_top">' in answer.text


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", MISSING, {}),
        ("GET", MISSING, {"Accept": "*/*"}),
        ("GET", MISSING, {"Accept": "image/avif,*/*;q=0.8", "Sec-Fetch-Mode": "no-cors"}),
        ("GET", MISSING, {"Accept": "text/html", "Sec-Fetch-Mode": "cors"}),
        ("GET", f"/api/photos/{'0' * 32}", FROM_A_BAR),
        ("POST", "/", FROM_A_BAR),
    ],
)
def test_scripts_and_uploads_are_answered_in_plain_text(
    client: FlaskClient, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = client.open(path, method=method, headers=headers)
    assert answer.status_code >= 400
    assert answer.mimetype == "text/plain"


def test_a_link_with_a_slash_too_many_leads_to_the_page_without_an_error(
    client: FlaskClient,
) -> None:
    answer = client.get("//", headers=FROM_A_BAR)
    assert (answer.status_code, answer.location) == (308, "http://localhost/")
    assert "Dropwall-Refusal" not in answer.headers
    assert client.get(answer.location).status_code == 200


def test_the_page_of_an_error_is_accessible(
    page: Page, gallery: Gallery, expected_errors: list[str]
) -> None:
    expected_errors.append(ui.REFUSED)
    page.goto(f"{gallery.url}{MISSING}")
    expect(page.get_by_text(GONE)).to_be_visible()
    ui.expect_accessible(page)
    page.get_by_role("link", name="Back to the gallery").click()
    expect(page.get_by_role("button", name="Add photos")).to_be_visible()
