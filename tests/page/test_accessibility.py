"""axe-core finds nothing serious, whatever the page shows, in either colour scheme."""

from playwright.sync_api import Page, expect

from tests.page.test_resuming import until_nothing_would_be_lost, upload_without_a_network
from tests.page.test_uploading import (
    REFUSED,
    UNREACHABLE,
    add_photos,
    open_gallery,
    rows,
    tiles,
    until_nothing_moves,
)
from tests.support.gallery_server import ROOT, RunningServer
from tests.support.many_photos import add_many
from tests.support.photos import photo_bytes

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
WIDTHS = (320, 1280)


def serious_findings(page: Page) -> list[str]:
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate("() => axe.run().then((results) => results.violations)")
    return [
        f"{finding['id']}: {node['html']}"
        for finding in found
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]


def expect_nobody_kept_out(page: Page) -> None:
    """Neither on a phone nor on a large screen, neither in light nor in dark colours."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            # Without motion: what is half faded in has half its contrast.
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            assert serious_findings(page) == [], f"{width} px, {scheme}"


def test_whoever_sends_photos_is_not_kept_out(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(REFUSED)
    page.emulate_media(reduced_motion="reduce")
    open_gallery(page, live_server)
    expect_nobody_kept_out(page)
    page.get_by_role("button", name="Menu").click()
    expect_nobody_kept_out(page)
    page.keyboard.press("Escape")
    add_photos(page, ("a.jpg", photo_bytes("jpg", size=(900, 600))), ("b.jpg", b"no photo"))
    expect(rows(page)).to_have_count(1)
    expect(tiles(page)).to_have_count(1)
    expect(page.get_by_role("button", name="No, thanks")).to_be_visible()
    expect_nobody_kept_out(page)
    page.get_by_role("button", name="Add your name").click()
    expect_nobody_kept_out(page)
    page.keyboard.type("Ann")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Done").click()
    tiles(page).first.click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Remove a.jpg")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_role("button", name="by Ann")).to_be_visible()
    until_nothing_moves(page)
    expect_nobody_kept_out(page)
    page.get_by_role("button", name="Remove a.jpg").click()
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    expect_nobody_kept_out(page)


def test_whoever_looks_for_photos_is_not_kept_out(page: Page, live_server: RunningServer) -> None:
    add_many(live_server, 200)
    page.emulate_media(reduced_motion="reduce")
    open_gallery(page, live_server)
    slider = page.get_by_role("slider", name="Place in the gallery")
    slider.focus()
    page.keyboard.press("End")
    live_server.send(("a.jpg", photo_bytes("jpg")))
    expect(page.get_by_role("button", name="1 new photo")).to_be_visible()
    expect_nobody_kept_out(page)
    page.get_by_role("searchbox").fill("19")
    expect(page.get_by_role("search").get_by_role("status")).to_have_text("12 photos")
    expect_nobody_kept_out(page)
    page.get_by_role("searchbox").fill("nothing")
    expect(page.get_by_text("No photos match.")).to_be_visible()
    expect_nobody_kept_out(page)


def test_what_waits_for_the_network_keeps_nobody_out(
    page: Page, live_server: RunningServer, expected_errors: list[str]
) -> None:
    expected_errors.append(UNREACHABLE)
    page.emulate_media(reduced_motion="reduce")
    open_gallery(page, live_server)
    upload_without_a_network(page)
    assert serious_findings(page) == []
    until_nothing_would_be_lost(page)
    page.reload()
    expect(page.get_by_role("button", name="Continue")).to_be_visible()
    assert serious_findings(page) == []


def test_the_plain_gallery_keeps_nobody_out(page: Page, live_server: RunningServer) -> None:
    live_server.send(("a.jpg", photo_bytes("jpg")))
    page.goto(f"{live_server.url}/plain")
    assert serious_findings(page) == []
