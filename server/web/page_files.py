"""The page's files are served under an address that holds a hash of all of them, and are kept for a
year: a browser asks again for the page itself alone."""

import gzip
import hashlib
import html
import json
import mimetypes
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import brotli
from flask import Blueprint, Response, abort, redirect, request
from flask.typing import ResponseReturnValue

from ..config import DEFAULT_TITLE
from . import find_page_file
from .photos import ONE_YEAR_SECONDS
from .requests import dropwall

page_files = Blueprint("page_files", __name__)

PAGE, MANIFEST = "index.html", "manifest.webmanifest"
ENTRY = "app.js"
LATER = ("upload/index.js", "people/account.js", "people/name.js", "lightbox/lightbox.js")
"""Scripts that the entry imports once the first photos are shown, for everybody."""
VERSION_DIGITS = 16
"""Length of the hash in an address, in hexadecimal digits."""
LINK = re.compile(r'(?<=href="|.src=")/([^"]+\.(?:css|js))(?=")')
"""A script or style sheet that a page loads, by its plain address. A look-behind has one length,
hence the dot."""
STYLES = re.compile(r'<link rel="stylesheet" href="/([^"]+)" />\s*')
JOINED_STYLES = "page.css"
BEST_QUALITY, QUICK_QUALITY = 11, 5
"""Of Brotli: at start, and while a visitor waits."""
COMMENT = re.compile(rb"^[ \t]*(?://[^\n]*|/\*(?:(?!\*/).)*\*/[ \t]*)$", re.MULTILINE | re.DOTALL)
"""A comment that has its lines to itself."""
STATIC_IMPORT = re.compile(r'^(?:import|export)\b[^"\';()]*"(\.[^"]+)"', re.MULTILINE)
"""A statement that makes a script wait for another one, as `import("…")` does not."""


@dataclass(frozen=True)
class PageFile:
    """A file as it is sent."""

    mimetype: str
    etag: str
    bodies: Mapping[str, bytes]
    """The content by its Content-Encoding, the best first; `identity` comes last."""


@page_files.get("/page/<version>/<path:filename>")
def versioned(version: str, filename: str) -> Response:
    """A file under the hash of all files. A page of another version of Dropwall is given the
    present file: it was opened before an upgrade, or one of several servers has been upgraded. The
    page itself has no such address: it would be kept for a year."""
    if filename == PAGE:
        abort(404)
    response = page_file_response(filename)
    if version == _load().version:
        response.headers["Cache-Control"] = f"max-age={ONE_YEAR_SECONDS}, immutable"
    return response


@page_files.get("/<path:filename>")
def plain(filename: str) -> ResponseReturnValue:
    """A file under its plain address: icons, and what the pages of earlier versions load."""
    return redirect("/") if filename == PAGE else page_file_response(filename)


def page_file_response(filename: str) -> Response:
    """The answer with this file, which browsers ask for each time."""
    file = _load().by_name.get(filename)
    if file is None:
        abort(404)
    return _response(file)


def page_response(tags: str, is_closed: bool) -> Response:
    """The answer with the page, which has the event's title, and these tags in its head. Where the
    gallery `is_closed`, it shows no form without JavaScript; its form says who sees the photos."""
    settings = dropwall().settings
    others = "The host" if settings.mode == "own" else "Everyone"
    return _response(_with_title(PAGE, settings.shown_title, tags, is_closed, others))


@page_files.get(f"/{MANIFEST}")
def manifest() -> Response:
    """What a phone needs to know to install the page as an app, under the event's title."""
    return _response(_with_title(MANIFEST, dropwall().settings.shown_title))


@lru_cache(maxsize=32)
def _with_title(
    filename: str, title: str, tags: str = "", is_closed: bool = False, others: str = "Everyone"
) -> PageFile:
    """Put a title into a file instead of DEFAULT_TITLE, and tags behind it; mark a page whose
    gallery is closed, and name the others who see what a guest adds."""
    text = _load().by_name[filename].bodies["identity"].decode()
    for before, after in (
        (f"<title>{DEFAULT_TITLE}</title>", f"<title>{html.escape(title)}</title>\n{tags}"),
        (f"<h1>{DEFAULT_TITLE}</h1>", f"<h1>{html.escape(title)}</h1>"),
        (f'"name": "{DEFAULT_TITLE}"', f'"name": {json.dumps(title)}'),
        ('<html lang="en">', '<html lang="en" data-closed>' if is_closed else '<html lang="en">'),
        ("<span data-everyone>Everyone<", f"<span data-everyone>{others}<"),
    ):
        text = text.replace(before, after)
    return _compress(filename, text.encode(), QUICK_QUALITY)


def _response(file: PageFile) -> Response:
    encoding = next(it for it in file.bodies if it == "identity" or request.accept_encodings[it])
    response = Response(file.bodies[encoding], mimetype=file.mimetype)
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Accept-Encoding")
    if encoding != "identity":
        response.content_encoding = encoding
    response.set_etag(f"{file.etag}-{encoding}")
    response.make_conditional(request)
    return response


@page_files.app_template_global()
def page_file(filename: str) -> str:
    """The address of one of the page's files, for templates."""
    return f"/page/{_load().version}/{filename}"


@page_files.app_template_global()
def slideshow_dialog() -> str:
    """The slideshow as the page has it, in HTML: a page of its own shows it without the rest."""
    page = _load().by_name[PAGE].bodies["identity"].decode()
    start = page.index('<dialog class="slideshow"')
    return page[start : page.index("</dialog>", start)] + "</dialog>"


def prepare_page_files() -> None:
    """Compress the page's files, before processes are forked that would each do it for itself."""
    _load()


class PageFiles(NamedTuple):
    version: str
    """The hash of all of them."""
    by_name: Mapping[str, PageFile]


@cache
def _load() -> PageFiles:
    """Read all files. It takes half a second, once: they do not change while the server runs."""
    folder = find_page_file("frontend")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    contents = {path.relative_to(folder).as_posix(): _read(path) for path in paths}
    styles = STYLES.findall(contents[PAGE].decode())
    contents[JOINED_STYLES] = b"".join(contents[name] for name in styles)
    digests = [(name, hashlib.sha256(it).hexdigest()) for name, it in contents.items()]
    version = hashlib.sha256(repr(digests).encode()).hexdigest()[:VERSION_DIGITS]
    contents[PAGE] = _render(contents, version)
    return PageFiles(version, {name: _compress(name, it) for name, it in contents.items()})


def _read(path: Path) -> bytes:
    """Read a file; of scripts and style sheets without their comments, a quarter of what they weigh
    compressed. Lines stay where they are, so that an error names the right one."""
    content = path.read_bytes()
    if path.suffix in (".css", ".js"):
        content = COMMENT.sub(lambda comment: b"\n" * comment[0].count(b"\n"), content)
    return content


def _render(contents: Mapping[str, bytes], version: str) -> bytes:
    """The page, with the addresses that have the hash; with one style sheet, of all of its own in
    their order; and with a link to each script that its entry imports, so that a browser does not
    find them one behind the other. Those of LATER are in a template, which the entry adds then."""
    first = _with_imports([ENTRY], contents)
    later = [name for name in _with_imports([*first, *LATER], contents) if name not in first]
    links = [
        f'<link rel="stylesheet" href="/{JOINED_STYLES}" />',
        *(f'<link rel="modulepreload" href="/{name}" />' for name in first if name != ENTRY),
        '<template id="later">',
        *(f'<link rel="modulepreload" fetchpriority="high" href="/{name}" />' for name in later),
        "</template>",
    ]
    entry = f'<script type="module" src="/{ENTRY}">'
    page = STYLES.sub("", contents[PAGE].decode()).replace(entry, "\n    ".join([*links, entry]))
    return LINK.sub(
        lambda found: f"/page/{version}/{found[1]}" if found[1] in contents else found[0], page
    ).encode()


def _with_imports(scripts: list[str], contents: Mapping[str, bytes]) -> list[str]:
    """These scripts, then all that they cannot do without."""
    found = [*scripts]
    for importer in found:  # which grows meanwhile
        for address in STATIC_IMPORT.findall(contents[importer].decode()):
            name = posixpath.normpath(posixpath.join(posixpath.dirname(importer), address))
            if name not in found:
                found.append(name)
    return found


def _compress(name: str, content: bytes, quality: int = BEST_QUALITY) -> PageFile:
    """What gains less than a tenth, such as a PNG, is sent as it is."""
    compressed = {
        "br": brotli.compress(content, quality=quality),
        "gzip": gzip.compress(content, mtime=0),
    }
    most = 0.9 * len(content)
    smaller = {encoding: body for encoding, body in compressed.items() if len(body) < most}
    return PageFile(
        mimetypes.guess_type(name)[0] or "application/octet-stream",
        hashlib.sha256(content).hexdigest()[:VERSION_DIGITS],
        {**smaller, "identity": content},
    )
