"""These routes list and name guests, and let hosts moderate the photos of others."""

from dataclasses import asdict

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue

from ..catalog import guests
from ..catalog.tables import HIDDEN, PENDING, SHOWN
from ..names import clean_guest_name
from ..refusals import LongName, NoGuest, NotAHost
from .json import guest_json
from .requests import changing, dropwall, ids_parameter, json_ids, json_text, json_word, visitor

people = Blueprint("people", __name__)
host = Blueprint("host", __name__)

MAX_GUESTS = 1000
STANDINGS = (SHOWN, HIDDEN)


@people.get("/api/guests")
def list_guests() -> Response:
    """List the guests who have a name and photos here, with how many they have."""
    found = guests.list_senders(dropwall().database, MAX_GUESTS, visitor())
    return jsonify(guests=[guest_json(guest) | {"photos": guest.photos} for guest in found])


@people.put("/api/guest")
def name_guest() -> ResponseReturnValue:
    """Take the name of `{"name": "Ann"}`; an empty one removes it."""
    name = json_text("name", too_long=LongName)
    if not visitor().guest_id:
        raise NoGuest
    with changing():
        guests.name_guest(dropwall().database, visitor().guest_id, clean_guest_name(name))
    return "", 204


# Hosts


@host.before_request
def refuse_guests() -> None:
    if not visitor().is_host:
        raise NotAHost


@host.get("/api/host")
def overview() -> Response:
    """Answer how full the gallery is, how many photos wait for approval, and how many are
    private."""
    return jsonify(
        asdict(guests.overview(dropwall().database))
        | {
            "max_bytes": dropwall().settings.max_gallery_bytes,
            "free_bytes": dropwall().limits.free_bytes(),
        }
    )


@host.patch("/api/photos")
def moderate_photos() -> ResponseReturnValue:
    """Show or hide the photos of `ids`: `{"standing": "shown"}` or `"hidden"`."""
    photo_ids, standing = ids_parameter(), json_word("standing", STANDINGS)
    with changing():
        dropwall().gallery.moderate(photo_ids, standing, visitor())
    return "", 204


@host.post("/api/photos/moderate")
def moderate_many() -> Response:
    """Change the moderation state of those of many photos that have a certain one, and answer which
    they were: `{"ids": […], "from": "pending", "to": "shown"}`. The same with `from` and `to`
    exchanged undoes it for those ids. It ends even if the page is closed."""
    photo_ids = json_ids()
    former, standing = (json_word(name, (*STANDINGS, PENDING)) for name in ("from", "to"))
    with changing():
        changed = dropwall().gallery.moderate_from(former, photo_ids, standing, visitor())
    return jsonify(changed=changed)


@host.patch("/api/guests/<guest_id>/photos")
def moderate_guest(guest_id: str) -> ResponseReturnValue:
    """Show or hide all photos of one guest, as `moderate_photos`."""
    standing = json_word("standing", STANDINGS)
    with changing():
        dropwall().gallery.moderate_guest(guest_id, standing, visitor())
    return "", 204


@host.delete("/api/guests/<guest_id>/photos")
def remove_guest(guest_id: str) -> ResponseReturnValue:
    """Remove all photos of one guest, private ones too."""
    with changing():
        dropwall().gallery.remove_all(guest_id, visitor())
    return "", 204
