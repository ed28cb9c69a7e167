"""The page and what it must know, and how guests find it: an address to scan and print."""

import io

import segno
from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    render_template,
    request,
    send_from_directory,
)
from flask_login import current_user

from ..catalog import guests, lists
from ..people.address import address_to_share, is_only_nearby
from . import dropwall, find_page_file
from .photos import DEFAULT_LIMIT, ONE_YEAR_SECONDS
from .requests import MAX_VERSION, greet_guest, number_parameter, visitor
from .security import LIBRARIES
from .uploads import take_sent

page = Blueprint("page", __name__)

QUIET_ZONE_MODULES = 4
"""Width of the margin that scanners need (ISO/IEC 18004)."""
MODULE_MM = 2
RULES = {
    "own": "Only you and the host can see your photos.",
    "approval": "Your photos appear once the host approves them.",
}


@page.get("/")
def index() -> Response:
    greet_guest()
    return current_app.send_static_file("index.html")


@page.get("/plain")
def plain_gallery() -> str:
    """The photos for a browser without JavaScript, which the page shows in a frame."""
    before = number_parameter("before", None, 0, MAX_VERSION)
    return render_template(
        "plain.html",
        page=lists.list_photos(dropwall().database, DEFAULT_LIMIT, before, viewer=visitor()),
        rule="" if visitor().is_host else RULES.get(dropwall().settings.mode, ""),
        account=current_user.name if current_user.is_authenticated else "",
        sent=take_sent(),
    )


@page.get("/api/settings")
def page_settings() -> Response:
    config = dropwall().settings
    guest_id = greet_guest()
    return jsonify(
        max_upload_bytes=config.max_upload_bytes,
        max_request_bytes=config.max_request_bytes,
        chunk_bytes=config.chunk_bytes,
        max_pixels=config.max_pixels,
        extensions=config.extensions,
        mode=config.mode,
        sign_up=config.sign_up,
        address=_shared_address() + dropwall().passcode.path,
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
    """What the page takes from the CDN, for networks that do not reach it: the same files of
    the same version, where npm has installed them. `package` is `dropzone@6.3.5`."""
    name, _, version = package.partition("@")
    if LIBRARIES.get(name) != version:
        abort(404)
    folder = find_page_file("node_modules") / name / "dist"
    return send_from_directory(folder, filename, max_age=ONE_YEAR_SECONDS)


@page.get("/qr.svg")
def qr_code() -> Response:
    """The address as an SVG for the cameras of phones, about 7 cm wide, dark on white whatever
    stands around it. It can still be read with a seventh of it covered (level M)."""
    picture = io.BytesIO()
    segno.make_qr(_shared_address() + dropwall().passcode.path, error="m").save(
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
    """A page to be printed and hung up."""
    address = _shared_address()
    return render_template(
        "poster.html",
        address=address,
        passcode=dropwall().settings.passcode,
        is_only_nearby=is_only_nearby(address),
    )


def _shared_address() -> str:
    """The gallery's address that this visitor may give to others. Where there is a passcode, they
    add its path."""
    # Not `host_url`, which raises ValueError on a Host that is none, and undoes punycode.
    return address_to_share(dropwall().settings, f"{request.scheme}://{request.host}")
