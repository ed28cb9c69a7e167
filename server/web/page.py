"""These routes answer the page and what it must know, and the address that guests scan to find
it."""

import io
import re
from contextlib import suppress
from datetime import datetime

import segno
from flask import Blueprint, Response, abort, jsonify, render_template, request, send_from_directory
from flask_login import current_user

from ..catalog import changes, guests, lists
from ..catalog.photos import Photo, find_photo
from ..catalog.visibility import Viewer
from ..people.address import (
    address_to_share,
    is_from_nearby,
    is_only_nearby,
    leads_nobody_else,
)
from ..photos.closing import closed_sentence
from ..refusals import BadRequest, NoSuchPhoto
from . import find_page_file
from .page_files import page_response
from .photos import DEFAULT_LIMIT, ONE_YEAR_SECONDS
from .requests import dropwall, greet_guest, visitor, whole_number
from .security import LIBRARIES
from .uploads import take_sent

page = Blueprint("page", __name__)

QUIET_ZONE_MODULES = 4
"""Width of the margin that scanners need (ISO/IEC 18004)."""
MODULE_MM = 2
CARDS = (4, 6, 8, 10)
"""Cards on a sheet, in two columns."""
MAX_CARD = 100
"""Characters on a card, above which it has smaller ones."""
RULES = {
    "own": "Only you and the host can see your photos.",
    "approval": "Your photos appear once the host approves them.",
}
INVITATION = "Add your photos and watch everyone's appear."


@page.get("/")
def index() -> Response:
    """The page. Its preview in a chat has the newest photo that everyone sees."""
    greet_guest()
    page = lists.list_photos(dropwall().database, 1, viewer=_everyone())
    newest = page.photos[0] if page.photos else None
    return page_response(_preview(newest), page.closed_at is not None)


@page.get("/photo/<photo_id>")
def photo_page(photo_id: str) -> Response:
    """The page, opened at this photo. Its preview in a chat has the photo if it is for everyone."""
    greet_guest()
    is_closed = changes.find_closed_at(dropwall().database) is not None
    with suppress(NoSuchPhoto):
        photo = find_photo(dropwall().database, photo_id, _everyone())
        return page_response(_preview(photo, photo_name(photo)), is_closed)
    return page_response(_preview(None), is_closed)


@page.app_context_processor
def names_of_the_event() -> dict[str, str]:
    """What every template may show. `event` and `welcome` may be empty, `title` never is."""
    settings = dropwall().settings
    return {
        "title": settings.shown_title,
        "event": settings.title,
        "welcome": settings.welcome,
    }


def _everyone() -> Viewer:
    """A visitor without a cookie, who sees what all see: in mode `own`, no photo."""
    return Viewer(sees_others=dropwall().settings.mode != "own")


def _preview(photo: Photo | None, description: str = "") -> str:
    """Write the Open Graph tags (https://ogp.me) by which chats show a link to the gallery."""
    settings, address = dropwall().settings, shared_address().rstrip("/")
    return render_template(
        "preview.html",
        description=description or settings.welcome or INVITATION,
        url=address + request.path,
        image=f"{address}/thumbnails/{photo.id}/640.webp" if photo else "",
    )


@page.get("/slideshow")
def slideshow() -> str:
    """Show the slideshow alone: for televisions, whose browsers are too old for the page, and to
    whoever reloads it."""
    return render_template("slideshow.html")


@page.get("/plain")
def plain_gallery() -> str:
    """Show the photos and a form to a browser that is too old for the page. Without JavaScript the
    page shows this in a frame, below its own form."""
    before = request.args.get("before", type=whole_number)
    closed_at = changes.find_closed_at(dropwall().database)
    return render_template(
        "plain.html",
        page=lists.list_photos(dropwall().database, DEFAULT_LIMIT, before, viewer=visitor()),
        closed=closed_at and closed_sentence(closed_at),
        mode="everyone" if visitor().is_host else dropwall().settings.mode,
        rules=RULES,
        account=current_user.name if current_user.is_authenticated else "",
        sent=take_sent(),
        is_framed="framed" in request.args,
        extensions=dropwall().settings.extensions,
        photo_name=photo_name,
    )


def photo_name(photo: Photo) -> str:
    """Describe a photo to those who don't see it: `Photo by Ann, 12 March 2026, 15:42`, or with the
    day on which it was added, where the time when it was taken is not known."""
    who = f"Photo by {photo.sender}" if photo.sender else "Photo"
    time = datetime.fromisoformat(photo.taken or photo.uploaded)
    return f"{who}, {time.day} {time:%B %Y}" + (f"{time:, %H:%M}" if photo.taken else "")


@page.get("/api/settings")
def page_settings() -> Response:
    config = dropwall().settings
    guest_id, closed_at = greet_guest(), changes.find_closed_at(dropwall().database)
    return jsonify(
        max_upload_bytes=config.max_upload_bytes,
        max_request_bytes=config.max_request_bytes,
        chunk_bytes=config.chunk_bytes,
        max_pixels=config.max_pixels,
        extensions=config.extensions,
        title=config.shown_title,
        welcome=config.welcome,
        mode=config.mode,
        closed=closed_at and closed_sentence(closed_at),
        sign_up=config.sign_up,
        address=invitation_link(),
        guest={
            "id": guest_id,
            "name": guests.find_name(dropwall().database, guest_id) or None,
            "photos": guests.count_photos(dropwall().database, guest_id),
        },
        account={"name": current_user.name, "is_host": current_user.is_host}
        if current_user.is_authenticated
        else None,
    )


@page.get("/vendor/<package>/dist/<path:filename>")
def vendor_file(package: str, filename: str) -> Response:
    """Send what the page takes from the CDN to networks that do not reach it: the same files of the
    same version, where npm has installed them. `package` is such as `dropzone@6.3.5`."""
    name, _, version = package.partition("@")
    if LIBRARIES.get(name) != version:
        abort(404)
    folder = find_page_file("node_modules") / name / "dist"
    return send_from_directory(folder, filename, max_age=ONE_YEAR_SECONDS)


@page.get("/qr.svg")
def qr_code() -> Response:
    return _draw_code(invitation_link())


@page.get("/wifi.svg")
def wifi_code() -> Response:
    """Draw the code by which phones join the guests' Wi-Fi
    (https://github.com/zxing/zxing/wiki/Barcode-Contents#wi-fi-network-config-android-ios-11)."""
    name, password = _shown_wifi()
    if not name:
        abort(404)
    name, password = (re.sub(r'([\\;,:"])', r"\\\1", word) for word in (name, password))
    return _draw_code(f"WIFI:T:{'WPA' if password else 'nopass'};S:{name};P:{password};;")


def _draw_code(content: str) -> Response:
    """Draw a QR code as an SVG for the cameras of phones, about 7 cm wide, dark on white whatever
    stands around it. It can still be read with a seventh of it covered (level M)."""
    picture = io.BytesIO()
    segno.make_qr(content, error="m").save(
        picture,
        kind="svg",
        xmldecl=False,
        border=QUIET_ZONE_MODULES,
        scale=MODULE_MM,
        unit="mm",
        dark="#000",
        light="#fff",
        svgclass=None,
        lineclass=None,
    )
    return Response(picture.getvalue(), mimetype="image/svg+xml")


@page.get("/poster")
def poster() -> str:
    """Show a page to print: a poster to hang up, or `cards` for the tables, to cut apart."""
    cards = request.args.get("cards", 0, type=whole_number)
    if cards and cards not in CARDS:
        raise BadRequest
    settings, address, wifi = dropwall().settings, shared_address(), _shown_wifi()
    words = (settings.title, settings.welcome, settings.passcode, *wifi)
    return render_template(
        "poster.html",
        address=address,
        passcode=settings.passcode,
        wifi=wifi,
        cards=cards,
        is_long=sum(map(len, words)) > MAX_CARD,
        choices=CARDS,
        is_only_nearby=is_only_nearby(address),
        is_unreachable=leads_nobody_else(address),
    )


def _shown_wifi() -> tuple[str, str]:
    """Return the name and the password of the guests' Wi-Fi, both empty where there is none. Where
    the whole internet may open the gallery, only hosts are shown it. Anybody may claim any Host:
    the client's own address must be a private one, too. Behind a proxy that DROPWALL_PROXIES does
    not count, it is unknown."""
    settings = dropwall().settings
    forwarded = len(request.access_route) if "X-Forwarded-For" in request.headers else 0
    is_nearby = (
        forwarded <= settings.proxies
        and is_from_nearby(request.remote_addr or "")
        and is_only_nearby(shared_address())
    )
    may_see = settings.passcode or is_nearby or visitor().is_host
    return settings.wifi_network if may_see else ("", "")


def invitation_link() -> str:
    """Return the address that opens the gallery for whoever is invited, past its passcode."""
    return shared_address() + dropwall().passcode.path


def shared_address() -> str:
    """Return the gallery's address that this visitor may give to others, without its passcode."""
    # Not `host_url`, which raises ValueError on an invalid Host, and decodes punycode.
    return address_to_share(dropwall().settings, f"{request.scheme}://{request.host}")
