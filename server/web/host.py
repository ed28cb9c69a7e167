"""What hosts may do: moderate the photos of others, and see how full the gallery is."""

from dataclasses import asdict

from flask import Blueprint, Response, jsonify

from ..catalog import usage
from ..catalog.viewer import HIDDEN, SHOWN
from ..refusals import NotAHost
from . import dropwall, no_content
from .requests import changing, ids_parameter, json_word, visitor

host = Blueprint("host", __name__)

STANDINGS = (SHOWN, HIDDEN)


@host.before_request
def refuse_guests() -> None:
    if not visitor().is_host:
        raise NotAHost


@host.get("/api/host")
def overview() -> Response:
    """How full the gallery is, and what waits; of private photos how many there are."""
    return jsonify(
        asdict(usage.overview(dropwall().database))
        | {
            "max_bytes": dropwall().settings.max_gallery_bytes,
            "free_bytes": dropwall().limits.free_bytes(),
        }
    )


@host.patch("/api/photos")
def judge_photos() -> Response:
    """`{"standing": "shown"}` or `"hidden"`, for the photos of `ids`."""
    photo_ids, standing = ids_parameter(), json_word("standing", STANDINGS)
    with changing():
        dropwall().gallery.set_standing(photo_ids, standing, visitor())
    return no_content()


@host.patch("/api/guests/<guest_id>/photos")
def judge_guest(guest_id: str) -> Response:
    """The same for all photos of one guest."""
    standing = json_word("standing", STANDINGS)
    with changing():
        dropwall().gallery.set_standing_of_all(guest_id, standing, visitor())
    return no_content()


@host.delete("/api/guests/<guest_id>/photos")
def remove_guest(guest_id: str) -> Response:
    """All photos of one guest, private ones too."""
    with changing():
        dropwall().gallery.remove_all(guest_id, visitor())
    return no_content()
