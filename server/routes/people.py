"""Who sends photos: their names."""

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from ..names import LongName, clean_guest_name
from . import no_content, parts
from .guest import guest_id
from .representation import guest_json

people = Blueprint("people", __name__)

MAX_GUESTS = 1000
MAX_BODY_BYTES = 800
"""Of the longest name, all its characters escaped; too little to nest what Python cannot unpack."""


@people.get("/api/guests")
def list_guests() -> Response:
    """Those that have told their name and have photos in the gallery, with how many."""
    found = parts().guests.list_senders(MAX_GUESTS)
    response = jsonify(guests=[guest_json(guest) | {"photos": guest.photos} for guest in found])
    response.cache_control.no_cache = True
    return response


@people.put("/api/guest")
def name_guest() -> Response:
    """`{"name": "Ann"}`; an empty name takes it back."""
    request.max_content_length = MAX_BODY_BYTES
    try:
        asked = request.get_json(silent=True)
    except RequestEntityTooLarge:
        raise LongName from None
    if not isinstance(asked, dict) or not isinstance(asked.get("name"), str):
        raise BadRequest
    if not guest_id():  # nobody could be called by it
        raise BadRequest
    parts().guests.name_guest(guest_id(), clean_guest_name(asked["name"]))
    return no_content()
