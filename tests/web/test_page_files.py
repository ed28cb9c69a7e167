"""The page's files, libraries and settings, its manifest for phones, and what it is without
JavaScript."""

import base64
import gzip
import hashlib
import io
import json
import posixpath
import re
import subprocess
from dataclasses import replace

import brotli
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from dropwall import create_app
from dropwall.config import Config
from tests.support.browser import CDN, ROOT
from tests.support.photos import photo_bytes
from tests.support.programs import need_libraries, need_program
from tests.support.visitors import (
    Send,
    cookie_name,
    listed,
    listed_photos,
    open_page,
    own_id,
    send_as,
    take_name,
)

pytestmark = pytest.mark.embedded

INDEX = (ROOT / "frontend" / "index.html").read_text()
ENTRY = (ROOT / "frontend" / "app.js").read_text()
SCRIPT = re.compile(r'(?:href|src)="/page/[0-9a-f]{16}/([^"]+\.js)"')
MANIFEST = json.loads((ROOT / "frontend" / "manifest.webmanifest").read_text())
TARGET = MANIFEST["share_target"]
[FIELD] = TARGET["params"]["files"]


def attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    assert found, f"{tag} has no {name}"
    return found[1]


def test_the_cdns_libraries_are_npms_by_version_and_integrity(client: FlaskClient) -> None:
    need_libraries()
    names = set()
    for tag in re.findall(r"<link[^>]+data-library[^>]*>", INDEX):
        package, _, path = attribute(tag, "href").removeprefix(CDN).partition("/")
        name, _, version = package.partition("@")
        names.add(name)
        file = (ROOT / "node_modules" / name / path).read_bytes()
        digest = base64.b64encode(hashlib.sha384(file).digest()).decode()
        assert attribute(tag, "integrity") == f"sha384-{digest}"
        assert attribute(tag, "crossorigin") == "anonymous"
        assert f'"{name}": "{version}"' in (ROOT / "package.json").read_text()
        own_copy = client.get(f"/vendor/{package}/{path}", buffered=True)
        assert (own_copy.status_code, own_copy.data) == (200, file)
    assert names == {"dropzone", "idb-keyval", "photoswipe"}


def linked(client: FlaskClient) -> list[str]:
    """Addresses of all scripts and style sheets that the page links to."""
    page = client.get("/", buffered=True).text
    return re.findall(r'<(?:link|script)[^>]+(?:href|src)="(/[^"]+\.(?:css|js))"', page)


def imported_by(script: str) -> list[str]:
    """What a script of the page cannot do without, by the addresses that stand in it."""
    text = (ROOT / "frontend" / script).read_text()
    found = re.findall(r'^(?:} from|import) (?:{[^}]*} from )?"([^"]+)";$', text, re.MULTILINE)
    return [posixpath.normpath(posixpath.join(posixpath.dirname(script), name)) for name in found]


def test_what_the_page_links_to_is_kept_for_a_year(client: FlaskClient) -> None:
    addresses = linked(client)
    assert {address.rpartition(".")[2] for address in addresses} == {"css", "js"}
    for address in addresses:
        answer = client.get(address, buffered=True)
        assert answer.status_code == 200, address
        assert answer.headers["Cache-Control"] == "max-age=31536000, immutable", address
        assert re.fullmatch(r"/page/[0-9a-f]{16}/.+", address)


def test_other_pages_link_to_files_that_are_kept_for_a_year(client: FlaskClient) -> None:
    for path in ("/plain", "/poster", "/sign-in"):
        found = re.findall(r'(?:href|src)="(/[^"]+\.(?:css|js))"', client.get(path).text)
        assert found, path
        for address in found:
            answer = client.get(address, buffered=True)
            assert "immutable" in answer.headers["Cache-Control"], address


def test_the_page_links_to_every_script_that_its_entry_waits_for(client: FlaskClient) -> None:
    """Each once, and to no other: a browser finds them all in the page, and loads none in vain."""
    needed = ["page/floor.js", "app.js"]
    for script in needed:
        needed += [name for name in imported_by(script) if name not in needed]
    linked_to = client.get("/", buffered=True).text
    first, later = linked_to.partition("<template")[::2]
    later, rest = later.partition("</template>")[::2]
    assert sorted(SCRIPT.findall(first + rest)) == sorted(needed)
    # And in a template, to all that is imported once photos are shown.
    known = len(needed)
    needed += [name for name in SCRIPT.findall(later) if f'import("./{name}")' in ENTRY]
    assert len(needed) > known
    for script in needed:
        needed += [name for name in imported_by(script) if name not in needed]
    assert sorted(SCRIPT.findall(later)) == sorted(needed[known:])


def test_the_page_has_one_style_sheet_with_all_rules_in_their_order(client: FlaskClient) -> None:
    [address] = [it for it in linked(client) if it.endswith(".css")]
    names = re.findall(r'rel="stylesheet" href="/([^"]+)"', INDEX)
    rules = "".join((ROOT / "frontend" / name).read_text() for name in names)
    served = client.get(address, buffered=True).text
    sent, written = (re.sub(r"/\*.*?\*/", "", it, flags=re.DOTALL) for it in (served, rules))
    assert sent.split() == written.split()
    assert len(names) > 1


def test_scripts_are_sent_without_their_comments_and_are_the_same(client: FlaskClient) -> None:
    """Each token stands in the line that it has in the file, where an error will be looked for."""
    need_libraries()
    folder = ROOT / "frontend"
    pairs = {}
    for file in folder.rglob("*.js"):
        name = file.relative_to(folder).as_posix()
        pairs[name] = [file.read_text(), client.get(f"/{name}", buffered=True).text]
    tokens = """
        const { tokenizer } = require("acorn");
        const options = { ecmaVersion: "latest", sourceType: "module", locations: true };
        const read = (text) => JSON.stringify(Array.from(tokenizer(text, options), (token) =>
            [token.type.label, token.value, token.loc.start.line]));
        const pairs = JSON.parse(require("fs").readFileSync(0));
        const differ = ([, [file, served]]) => read(file) !== read(served);
        console.log(JSON.stringify(Object.entries(pairs).filter(differ).map(([name]) => name)));
    """
    command = [need_program("node"), "--eval", tokens]
    ended = subprocess.run(
        command, input=json.dumps(pairs), capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert json.loads(ended.stdout) == []
    assert not any(re.search(r"^\s*//", served, re.MULTILINE) for _, served in pairs.values())


@pytest.mark.parametrize("encoding", ["br", "gzip", "identity"])
def test_the_pages_files_are_sent_as_the_browser_can_read_them(
    client: FlaskClient, encoding: str
) -> None:
    decode = {"br": brotli.decompress, "gzip": gzip.decompress, "identity": bytes}[encoding]
    for path in ("/page/any/app.js", "/app.js", "/favicon.svg", "/icons/icon-192.png"):
        answer = client.get(path, headers={"Accept-Encoding": encoding}, buffered=True)
        used = answer.headers.get("Content-Encoding", "identity")
        assert used == ("identity" if path.endswith(".png") else encoding)
        assert answer.headers["Vary"] == "Accept-Encoding"
        plain = client.get(path, headers={"Accept-Encoding": "identity"}, buffered=True)
        assert (bytes if used == "identity" else decode)(answer.data) == plain.data
        etag = {"If-None-Match": answer.headers["ETag"]}
        other = "identity" if encoding == "gzip" else "gzip"
        for asked, status in ((encoding, 304), (other, 304 if path.endswith(".png") else 200)):
            again = client.get(path, headers={**etag, "Accept-Encoding": asked}, buffered=True)
            assert again.status_code == status, (path, asked)


def test_a_page_of_another_version_gets_the_present_files_and_keeps_none(
    client: FlaskClient,
) -> None:
    """It was opened before an upgrade, or comes from another server that has been upgraded."""
    for path in ("/page/0123456789abcdef/app.js", "/page/0123456789abcdef/styles/tokens.css"):
        answer = client.get(path, buffered=True)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")
        present = client.get(path.removeprefix("/page/0123456789abcdef"), buffered=True)
        assert answer.data == present.data
    for path in ("/page/0123456789abcdef/nothing.js", "/page/0123456789abcdef/../secret.key"):
        assert client.get(path).status_code == 404


def test_the_page_itself_is_never_kept_for_a_year(client: FlaskClient) -> None:
    """Under an address with a hash it would go on loading the scripts of its own version."""
    [address] = [it for it in linked(client) if it.endswith("/app.js")]
    for entry in (address, "/page/0123456789abcdef/app.js"):
        assert client.get(entry.replace("app.js", "index.html")).status_code == 404


def test_the_pages_files_are_revalidated_and_sent_once(client: FlaskClient) -> None:
    """A browser takes over the headers of a 304: the policy must be among them."""
    for path in ("/", "/app.js", "/styles/tokens.css", "/page/any/app.js"):
        first = client.get(path, buffered=True)
        assert (first.status_code, first.headers["Cache-Control"]) == (200, "no-cache"), path
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]}, buffered=True)
        assert again.status_code == 304, path
        name = "Content-Security-Policy"
        assert again.headers[name] == first.headers[name], path


def test_the_page_learns_the_limits_from_the_server(client: FlaskClient) -> None:
    settings = client.get("/api/settings").json
    assert settings["max_upload_bytes"] == 100 * 1024 * 1024
    assert "jpg" in settings["extensions"]


def test_without_script_there_is_a_form_and_a_gallery(client: FlaskClient, send: Send) -> None:
    assert re.search(r'<form[^>]+enctype="multipart/form-data"', INDEX)
    assert '<iframe src="/plain?framed"' in INDEX
    assert take_name(client, "<b>&Ann").status_code == 204
    send(("a.jpg", photo_bytes("jpg")))
    plain = client.get("/plain").text
    assert "/320.webp" in plain
    assert "&lt;b&gt;&amp;Ann" in plain
    assert "<form" in plain
    framed = client.get("/plain?framed").text  # the page around it has the form
    assert "/320.webp" in framed
    assert "<form" not in framed


@pytest.mark.parametrize(
    ("mode", "audience", "rule", "mark"),
    [
        ("everyone", "Everyone", "", ""),
        ("approval", "Everyone", "Your photos appear once the host approves them.", "Pending"),
        ("own", "The host", "Only you and the host can see your photos.", ""),
    ],
)
def test_the_plain_page_says_who_sees_what_one_adds(
    config: Config, mode: str, audience: str, rule: str, mark: str
) -> None:
    """And which photos not everyone sees."""
    client = open_page(create_app(replace(config, mode=mode)))
    send_as(client, "a.jpg", photo_bytes("jpg", 1))

    def text() -> str:
        return " ".join(
            re.sub("<[^>]*>", " ", client.get("/plain").text.partition("<body")[2]).split()
        )

    assert f"Who sees these photos? {audience} Only me Add photos {rule}" in text()
    assert f"<span data-everyone>{audience}</span>" in client.get("/").text
    assert mark in text()
    [photo] = listed_photos(client)
    client.patch(f"/api/photos/{photo['id']}", json={"visibility": "owner"})
    assert "Private" in text()
    assert "Pending" not in text()


def test_the_health_check_names_every_part_that_does_not_answer(
    client: FlaskClient, config: Config
) -> None:
    (config.data / "incoming").rmdir()
    for path in config.data.glob("catalog.sqlite*"):
        path.write_bytes(b"no database" * 1000)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (503, "Not answering: catalog, storage.")


# An app on a phone


def test_the_manifest_has_what_browsers_need_to_install_the_app(client: FlaskClient) -> None:
    [link] = re.findall(r'<link rel="manifest"[^>]*>', INDEX)
    answer = client.get(attribute(link, "href"), buffered=True)
    assert answer.mimetype == "application/manifest+json"
    assert json.loads(answer.data) == MANIFEST
    chosen = [MANIFEST[name] for name in ("name", "start_url", "display")]
    assert chosen == ["Photos", "/", "standalone"]
    assert {"192x192", "512x512", "any"} <= {icon["sizes"] for icon in MANIFEST["icons"]}
    assert "maskable" in {icon.get("purpose") for icon in MANIFEST["icons"]}
    tags = re.findall('<meta name="theme-color"[^>]*>', INDEX)
    colours = {attribute(tag, "content") for tag in tags}
    assert {MANIFEST["theme_color"], MANIFEST["background_color"]} <= colours


def test_the_icons_have_their_sizes_and_no_holes(client: FlaskClient) -> None:
    """Those that a system cuts to its own shape are opaque."""
    icons = [icon for icon in MANIFEST["icons"] if icon["type"] == "image/png"]
    [link] = re.findall(r'<link rel="apple-touch-icon"[^>]*>', INDEX)
    icons.append({"src": attribute(link, "href"), "sizes": "180x180", "purpose": "maskable"})
    for icon in icons:
        answer = client.get(icon["src"], buffered=True)
        assert answer.mimetype == "image/png"
        image = Image.open(io.BytesIO(answer.data)).convert("RGBA")
        assert f"{image.width}x{image.height}" == icon["sizes"]
        least_alpha = 255 if icon.get("purpose") == "maskable" else 0
        assert image.getchannel("A").getextrema() == (least_alpha, 255), icon


def test_the_share_sheet_takes_the_same_files_as_the_form() -> None:
    [field] = re.findall('<input[^>]*name="file"[^>]*>', INDEX)
    assert attribute(field, "accept").split(",") == FIELD["accept"]


def test_a_shared_photo_is_given_its_true_extension(client: FlaskClient) -> None:
    """No script looks into it on its way from the phone's share sheet, and nobody can rename it."""
    for seed, (sent, kept) in enumerate({"a.heic": "a.jpg", "b.PNG": "b.jpg", "c": "c"}.items()):
        data = {FIELD["name"]: (io.BytesIO(photo_bytes("jpg", seed)), sent)}
        assert client.post(TARGET["action"], data=data).status_code == 204
        assert listed(client)[0] == kept
    for name in ("a.exe", "a.pdf"):
        data = {FIELD["name"]: (io.BytesIO(photo_bytes("jpg", 9)), name)}
        assert client.post(TARGET["action"], data=data).status_code == 400


def test_a_shared_photo_belongs_to_the_guest_who_shares_it(app: Flask, client: FlaskClient) -> None:
    phone = app.test_client()  # which has never opened the page
    for visitor, is_new in ((phone, True), (client, False)):
        answer = visitor.open(
            TARGET["action"],
            method=TARGET["method"],
            data={FIELD["name"]: (io.BytesIO(photo_bytes("jpg")), "a.jpg")},
            content_type=TARGET["enctype"],
            headers={"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"},
        )
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
        cookies = answer.headers.getlist("Set-Cookie")
        assert any(cookie.startswith(f"{cookie_name(app)}=") for cookie in cookies) == is_new
        photo = listed_photos(visitor)[0]
        assert photo["by"]["id"] == own_id(visitor)
        assert visitor.delete(f"/api/photos/{photo['id']}").status_code == 204
