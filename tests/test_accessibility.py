"""axe-core finds nothing serious, whatever the page shows, in either colour scheme."""

import pytest
from playwright.sync_api import Page, expect

from tests.photos import photo_bytes
from tests.running_server import ROOT, RunningServer
from tests.test_resuming import until_nothing_would_be_lost, upload_without_a_network
from tests.test_stories import (
    REFUSED,
    UNREACHABLE,
    add_photos,
    open_gallery,
    rows,
    tiles,
    until_nothing_moves,
)

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
WIDTHS = (320, 1280)


def serious_findings(page: Page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate("() => axe.run().then((results) => results.violations)")
    return [
        f"{finding['id']}: {node['html']}"
        for finding in found
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_keeps_anybody_out(
    page: Page, live_server: RunningServer, expected_errors: list[str], width: int, scheme: str
) -> None:
    expected_errors.append(REFUSED)
    # Without motion: what is half faded in has half its contrast.
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 800})
    open_gallery(page, live_server)
    assert serious_findings(page) == []
    add_photos(page, ("a.jpg", photo_bytes("jpg", size=(900, 600))), ("b.jpg", b"no photo"))
    expect(rows(page)).to_have_count(1)
    expect(tiles(page)).to_have_count(1)
    assert serious_findings(page) == []
    page.get_by_role("button", name="Done").click()
    tiles(page).first.click()
    expect(page.get_by_role("dialog")).to_contain_text("a.jpg")
    until_nothing_moves(page)
    assert serious_findings(page) == []


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
