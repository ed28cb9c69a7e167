"""Who is asking: a device that has opened the page is known again by its signed cookie."""

import secrets

from flask import session

from ..catalog import Viewer
from . import parts


def guest_id() -> str:
    """Empty for a client without the cookie, such as curl; all of those are one guest."""
    return str(session.get("guest_id", ""))


def greet_guest() -> str:
    """The guest's id, a new one at the first visit."""
    if "guest_id" not in session:
        session.permanent = True
        session["guest_id"] = secrets.token_hex(16)
    return guest_id()


def viewer() -> Viewer:
    """As whom they see the gallery."""
    return Viewer(guest_id(), sees_others=parts().settings.mode != "own")
