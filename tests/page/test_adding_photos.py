"""The ways in: what the page says it takes, drags over it, what it keeps, and when it may close."""

import json
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from dropwall.images import heif
from dropwall.images.formats import FORMATS
from tests.support import page as ui
from tests.support.browser import ROOT
from tests.support.gallery_server import Gallery
from tests.support.photos import photo_bytes
from tests.support.programs import need_program
from tests.support.visitors import make_accounts

LEFT = "12 photos weren't finished."
IN_DROPZONE = "() => document.documentElement.dropzone.files.length"


@pytest.fixture
def expected_errors() -> list[str]:
    return [ui.NO_CONNECTION, ui.REFUSED]


def drag(page: Page, event: str, target: str = "document.documentElement") -> None:
    page.evaluate(
        f"""(name) => {{
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File(["x"], "1.jpg"));
            {target}.dispatchEvent(new DragEvent(name, {{ bubbles: true, dataTransfer }}));
        }}""",
        event,
    )


def test_page_and_server_know_the_same_formats(tmp_path: Path) -> None:
    """By their names, their extensions, and the content of a file."""
    for kind in FORMATS:
        (tmp_path / f"{kind.extension}.photo").write_bytes(photo_bytes(kind.extension))
    for brand in (heif._AVIF_BRANDS | heif._HEIC_BRANDS, {b"mp42", b"crx "}):
        for name in brand:
            box = b"\0\0\0\x14ftyp" + name + bytes(4) + b"isom"
            (tmp_path / f"{name.decode()}.box").write_bytes(box)
    (tmp_path / "mif1avif.box").write_bytes(b"\0\0\0\x18ftypmif1" + bytes(4) + b"miafavif")
    (tmp_path / "behind.box").write_bytes(b"\0\0\0\x10ftypmif1" + bytes(4) + b"avif")
    script = """
        import { readdirSync, readFileSync } from "node:fs";
        const { FORMATS, trueExtensionOf } = await import(process.argv[1]);
        const kinds = {};
        for (const name of readdirSync(process.argv[2])) {
            const file = new Blob([readFileSync(`${process.argv[2]}/${name}`)]);
            kinds[name] = await trueExtensionOf(file);
        }
        console.log(JSON.stringify({ formats: Object.values(FORMATS), kinds }));
    """
    module = ROOT / "frontend/upload/photo-format.js"
    command = [need_program("node"), "--input-type=module", "-e", script, module, tmp_path]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    known = [(kind["name"], kind["spellings"]) for kind in answer["formats"]]
    assert known == [(it.name, [it.extension, *it.other_extensions]) for it in FORMATS]
    expected = {f"{kind.extension}.photo": kind.extension for kind in FORMATS}
    expected |= {f"{brand.decode()}.box": "avif" for brand in heif._AVIF_BRANDS}
    expected |= {f"{brand.decode()}.box": "heic" for brand in heif._HEIC_BRANDS}
    expected |= {"mp42.box": "", "crx .box": "", "mif1avif.box": "avif", "behind.box": "heic"}
    assert answer["kinds"] == expected


@pytest.mark.parametrize("gallery_settings", [{"extensions": "jpg gif"}])
def test_the_page_names_the_formats_that_this_gallery_takes(page: Page, gallery: Gallery) -> None:
    ui.open_gallery(page, gallery)
    ui.add_photos(page, ("1.png", photo_bytes("png")), ("IMG_1.HEIC", ui.small_photo(1)))
    expect(ui.rows(page).filter(has_text="1.png")).to_contain_text(
        "Only photos can be added: JPEG or GIF."
    )
    expect(ui.tile(page, "IMG_1.jpg")).to_be_visible()
    expect(ui.file_input(page)).to_have_attribute("accept", "image/*,.jpg,.gif")


def test_the_cover_of_a_drag_never_stays(page: Page, gallery: Gallery) -> None:
    cover = page.get_by_text("Drop to add", exact=True).locator("../..")
    ui.open_gallery(page, gallery)
    page.evaluate("() => document.querySelector('main').append(document.createElement('section'))")
    for end in ("dragleave", "drop", "moves without a button"):
        drag(page, "dragenter")
        drag(page, "dragenter", "(window.row = document.querySelector('section'))")
        page.evaluate("() => row.remove()")  # as a row does that is safe
        drag(page, "dragleave", "row")
        drag(page, "dragover")
        expect(cover).to_have_css("opacity", "1")
        if end == "moves without a button":
            page.mouse.move(200, 200)
        else:
            drag(page, end)
        expect(cover).to_have_css("opacity", "0")
        page.evaluate("() => document.querySelector('main').append(row)")


def test_adding_and_dismissing_many_photos_lays_the_page_out_a_few_times(
    page: Page, gallery: Gallery
) -> None:
    """Not once for each row, which takes seconds for a thousand of them."""
    count = 200
    ui.open_gallery(page, gallery)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")

    def count_layouts() -> int:
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        return next(it["value"] for it in metrics if it["name"] == "LayoutCount")

    before = count_layouts()
    page.evaluate(
        """(count) => {
            const transfer = new DataTransfer();
            for (let i = 0; i < count; i += 1) transfer.items.add(new File([], `${i}.jpg`));
            const input = document.querySelector("input[name=file]");
            input.files = transfer.files;
            input.dispatchEvent(new Event("change"));
        }""",
        count,
    )
    assert count_layouts() - before < count / 4
    expect(ui.rows(page)).to_have_count(count)
    done = page.get_by_role("button", name="Done")
    expect(done).to_be_visible()
    done.focus()
    before = count_layouts()
    done.evaluate("(button) => button.click()")
    assert count_layouts() - before < count / 4
    expect(page.get_by_role("button", name="Add photos")).to_be_focused()


def test_dropzone_holds_only_what_it_sends(page: Page, gallery: Gallery, tmp_path: Path) -> None:
    ui.open_gallery(page, gallery)
    gate = ui.Gate(page)
    ui.drop_photos(page, *(ui.large_photo(number) for number in range(6)))
    gate.wait_until_held()
    expect(ui.rows(page)).to_have_count(6)
    assert page.evaluate(IN_DROPZONE) == 3
    gate.open()
    ui.expect_all_safe(page, 6)
    folder = tmp_path / "holiday"
    folder.mkdir()
    for name, content in (ui.large_photo(7), ("._7.jpg", b"litter"), ("notes.txt", b"notes")):
        (folder / name).write_bytes(content)
    devtools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for event in ("dragEnter", "dragOver", "drop"):
        where = {"type": event, "x": 300, "y": 300, "data": data}
        devtools.send("Input.dispatchDragEvent", where)
    ui.expect_all_safe(page, 1)
    expect(page.get_by_text("Skipped 1 file that isn't a photo.", exact=True)).to_be_visible()
    assert page.evaluate(IN_DROPZONE) == 0


def test_files_that_are_kept_are_not_read_at_each_return_to_the_page(
    page: Page, gallery: Gallery
) -> None:
    page.add_init_script(
        """window.reads = 0;
        const { get } = IDBObjectStore.prototype;
        IDBObjectStore.prototype.get = function (...key) {
            window.reads += 1;
            return get.apply(this, key);
        };"""
    )

    def return_to_it() -> None:
        page.evaluate(ui.IS_HIDDEN, True)
        with page.expect_response("**/api/settings"):
            page.evaluate(ui.IS_HIDDEN, False)
        ui.wait_until_leftovers_are_offered(page)

    ui.open_gallery(page, gallery)
    ui.upload_without_a_network(page)
    ui.wait_until_page_may_close(page)
    assert ui.count_kept_files(page) == 12
    return_to_it()
    assert page.evaluate("() => reads") == 0  # these are this tab's own
    page.reload()
    expect(page.get_by_text(LEFT).first).to_be_visible()
    assert page.evaluate("() => reads") == 12
    return_to_it()
    expect(page.get_by_text(LEFT).first).to_be_visible()
    assert page.evaluate("() => reads") == 12


def test_the_page_asks_before_it_is_closed_only_while_something_would_be_lost(
    page: Page, gallery: Gallery
) -> None:
    page.add_init_script(
        """window.warnings = 0;
        for (const [method, step] of [["addEventListener", 1], ["removeEventListener", -1]]) {
            const original = window[method];
            const listeners = (window.listeners ??= new Set());
            window[method] = function (name, listener, ...options) {
                if (name === "beforeunload") {
                    if (step > 0) listeners.add(listener);
                    else listeners.delete(listener);
                }
                return original.call(this, name, listener, ...options);
            };
        }
        IDBObjectStore.prototype.put = () => {
            throw new DOMException("There is no room.", "QuotaExceededError");
        };"""
    )
    ui.open_gallery(page, gallery)
    assert page.evaluate("() => listeners.size") == 0
    gate = ui.Gate(page)
    ui.add_photos(page, ui.large_photo(1))
    expect(ui.summary(page)).to_contain_text("Keep this page open")
    assert page.evaluate("() => listeners.size") == 1
    old_browser = """() => {
        const event = Object.defineProperty(new Event("beforeunload"), "returnValue", {
            writable: true, value: "" });
        dispatchEvent(event);
        return Boolean(event.returnValue);
    }"""
    assert page.evaluate(old_browser)
    gate.open()
    ui.expect_all_safe(page, 1)
    assert page.evaluate("() => listeners.size") == 0


def test_photos_of_an_account_whose_session_has_ended_are_said_to_wait(
    page: Page, gallery: Gallery
) -> None:
    make_accounts(gallery, "Ann")
    ui.sign_in_by_request(page, gallery)
    ui.open_gallery(page, gallery)
    page.route(page.url, ui.abort_posts)
    ui.add_privately(page, ui.large_photo(1))
    ui.wait_until_page_may_close(page)
    assert page.request.post(f"{gallery.url}/sign-out").ok
    with page.expect_navigation():
        page.unroute(page.url)
        ui.come_online(page)
    sentence = "Ann was signed out. Photos that weren't added yet wait on this device"
    expect(page.get_by_text(sentence)).to_be_visible()
    assert ui.count_kept_files(page) == 1
    ui.sign_in_by_request(page, gallery)
    ui.open_gallery(page, gallery)
    expect(page.get_by_text(sentence)).to_be_hidden()
    page.get_by_role("button", name="Resume").click()
    ui.expect_all_safe(page, 1)
