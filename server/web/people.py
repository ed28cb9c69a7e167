"""The names of those who send photos."""

from flask import Blueprint, Response, jsonify
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from ..catalog import guests
from ..names import clean_guest_name
from ..refusals import LongName
from . import dropwall, no_content
from .json import guest_json
from .requests import changing, json_text, visitor

people = Blueprint("people", __name__)

MAX_GUESTS = 1000


@people.get("/api/guests")
def list_guests() -> Response:
    """List the guests who have a name and photos here, with how many they have."""
    found = guests.list_senders(dropwall().database, MAX_GUESTS, visitor())
    return jsonify(guests=[guest_json(guest) | {"photos": guest.photos} for guest in found])


@people.put("/api/guest")
def name_guest() -> Response:
    """`{"name": "Ann"}`; an empty name takes it back."""
    try:
        name = json_text("name")
    except RequestEntityTooLarge:
        raise LongName from None
    if not visitor().guest_id:  # nobody could be called by it
        raise BadRequest
    with changing():
        guests.name_guest(dropwall().database, visitor().guest_id, clean_guest_name(name))
    return no_content()
