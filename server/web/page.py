"""The page, and what it must know."""

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    render_template,
    send_from_directory,
)
from flask_login import current_user

from ..catalog import guests, lists
from . import dropwall
from .invitation import invitation_address
from .photos import DEFAULT_LIMIT, ONE_YEAR_SECONDS
from .plain_form import take_sent
from .requests import MAX_VERSION, number_parameter
from .security import LIBRARIES, ROOT
from .visitor import greet_guest, visitor

page = Blueprint("page", __name__)

RULES = {
    "own": "Only you and the host see what you add.",
    "approval": "Photos appear for everyone once the host has approved them.",
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
        address=invitation_address(),
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
    folder = ROOT / "node_modules" / name / "dist"
    return send_from_directory(folder, filename, max_age=ONE_YEAR_SECONDS)
