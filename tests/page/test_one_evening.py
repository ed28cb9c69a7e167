"""One whole evening, from the invitation to the ZIP file, on PostgreSQL and an S3 server."""

import io
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Page, expect

from tests.support import page as ui
from tests.support.engines import servers_for
from tests.support.gallery_server import GalleryServer

PASSCODE = "roses"


@pytest.fixture
def gallery_settings(tmp_path: Path) -> dict[str, object]:
    engines = servers_for(tmp_path / "data")
    return {"passcode": PASSCODE, "chunk_bytes": 1_000_000, **engines}


@pytest.mark.embedded
def test_one_evening_on_postgresql_and_s3(
    page: Page, another: Page, server: GalleryServer, expected_errors: list[str]
) -> None:
    expected_errors += [ui.REFUSED, ui.NO_CONNECTION]
    # Two guests come by the invitation; one says who she is.
    for guest in (page, another):
        guest.goto(f"{server.url}/join/{PASSCODE}")
        expect(guest.locator("[data-state=ready]")).to_be_visible()
    ui.name_oneself(page, "Ann")
    # What she adds is seen by both at once: a small photo, a large one in chunks, not her notes.
    ui.add_photos(
        page, ("1.jpg", ui.small_photo(1)), ui.large_photo(2, 3_000), ("notes.jpg", b"Notes.")
    )
    expect(ui.summary(page)).to_contain_text("2 photos added.")
    expect(ui.rows(page).filter(has_text="notes.jpg")).to_contain_text("This file isn't a photo")
    for guest in (page, another):
        expect(ui.tiles(guest)).to_have_count(2)
    # One of them she keeps to herself, one she removes and takes back.
    ui.enlarge(page, "1.jpg")
    ui.change_in_lightbox(page, "Make private", "1.jpg")
    ui.expect_shown(another, "2.jpg")
    ui.close_lightbox(page)
    ui.remove_by_key(page, "2.jpg")
    expect(ui.tiles(another)).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(ui.tile(another, "2.jpg")).to_be_visible()
    # The server goes down and comes back; nobody has lost anything.
    server.kill()
    server.start()
    page.reload()
    expect(ui.tiles(page)).to_have_count(2)
    # Each takes home what is theirs to see, byte for byte.
    for guest, names in ((page, ["1.jpg", "2.jpg"]), (another, ["2.jpg"])):
        archive = guest.request.get(f"{server.url}/photos.zip").body()
        with ZipFile(io.BytesIO(archive)) as photos:
            assert sorted(name.split()[-1] for name in photos.namelist()) == names
            [large] = [name for name in photos.namelist() if name.endswith("2.jpg")]
            assert photos.read(large) == ui.large_photo(2, 3_000)[1]
