"""What a screen reader says in the main story: the page as it is read, and what is announced."""

from contextlib import suppress

from playwright.sync_api import Error, Page, expect

from tests.support import page as ui
from tests.support.gallery_server import Gallery
from tests.support.photos import timed_photo

LISTEN = """window.announced = [];
    const isHeard = (region) =>
        region.textContent.trim() !== "" &&
        region.checkVisibility() &&
        [...document.querySelectorAll("dialog[open], [aria-modal=true]")].every((cover) =>
            cover.contains(region));
    new MutationObserver((changes) => {
        const changed = changes.map(({ target }) => target.closest ? target : target.parentElement);
        const regions = new Set(changed.map((it) => it?.closest("[role=status], [role=alert]")));
        for (const region of regions)
            if (region && isHeard(region)) announced.push(region.textContent.trim());
    }).observe(document, { childList: true, characterData: true, subtree: true });"""
"""Notes in the page's `announced` what its live regions say, where it is heard: not what is hidden,
nor what an open dialog covers."""

EMPTY = """
- /children: deep-equal
- banner:
  - heading "Photos" [level=1]
  - heading "Share your photos" [level=2]
  - paragraph: Full quality. No app, no account.
  - paragraph: Drop photos anywhere.
  - button "Add photos for everyone"
  - button "More ways to add"
  - paragraph: Everyone in this gallery can see your photos.
  - button "Menu"
- status
- main:
  - search:
    - status
  - list "Photos"
- status
- status
"""
GRID = """
- list "Photos":
  - /children: deep-equal
  - listitem:
    - link "Photo, June 1, 2024, 8:00 PM":
      - /url: /\\/uploads\\/.*\\.jpg/
      - img "Photo, June 1, 2024, 8:00 PM"
    - checkbox "Select Photo, June 1, 2024, 8:00 PM"
"""
LIGHTBOX = """
- dialog "Enlarged photo":
  - /children: deep-equal
  - group:
    - img "Photo, June 1, 2024, 8:00 PM"
  - button "Close"
  - paragraph: 1 of 1
  - status: 1 of 1. Photo, June 1, 2024, 8:00 PM
  - paragraph:
    - strong: You
    - text: Visible to everyone
  - paragraph: Sat, June 1, 2024, 8:00 PM
  - group "This photo":
    - button "Share"
    - link "Download":
      - /url: /\\/uploads\\/.*\\.jpg\\?download/
    - button "Make private": Private
    - button "Info"
    - button "Remove"
  - status
"""


def expect_announced(page: Page, *sentences: str) -> None:
    """These were announced since the last time, in this order, and nothing else."""
    expected = " ".join(sentences)
    with suppress(Error):
        page.wait_for_function(f"() => announced.join(' ').length >= {len(expected)}")
    assert page.evaluate("() => announced.splice(0).join(' ')") == expected


def test_the_main_story_by_ear(page: Page, gallery: Gallery) -> None:
    page.add_init_script(LISTEN)
    ui.open_gallery(page, gallery)
    expect(page.get_by_role("button", name="Menu")).to_be_visible()
    expect(page.locator("body")).to_match_aria_snapshot(EMPTY)

    ui.add_photos(page, ("party.jpg", timed_photo(DateTimeOriginal="2024:06:01 20:00:00")))
    expect_announced(page, "Adding 1 photo.", "Photo added.")
    grid = page.get_by_role("list", name="Photos", exact=True)
    expect(grid).to_match_aria_snapshot(GRID)

    page.get_by_role("link", name="Photo, June 1, 2024, 8:00 PM").press("Enter")
    expect(ui.lightbox(page)).to_be_focused()
    expect(ui.lightbox(page)).to_match_aria_snapshot(LIGHTBOX)
    ui.lightbox(page).get_by_role("button", name="Make private").press("Enter")
    expect_announced(page, "Now private.")
    ui.lightbox(page).get_by_role("button", name="Remove").press("Enter")
    expect_announced(page, "Photo removed.")
    expect(grid.get_by_role("listitem")).to_have_count(0)
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    undo.press("Enter")
    expect(grid.get_by_role("link", name="Photo, June 1, 2024, 8:00 PM")).to_be_focused()
    expect_announced(page)
