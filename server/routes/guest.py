"""Who is asking: somebody with an account, or a device that has opened the page and is known again
by its signed cookie."""

import secrets

from flask import session
from flask_login import current_user

from ..catalog import Viewer
from . import parts


def guest_id() -> str:
    """An account's is its own id. Empty for a client without the cookie, such as curl; all of those
    are one guest."""
    return str(current_user.id if current_user.is_authenticated else session.get("guest_id", ""))


def greet_guest() -> str:
    """The guest's id, a new one at the first visit."""
    if not guest_id():
        session.pop("_user_id", None)  # signed out from elsewhere: it is not looked up for ever
        session.permanent = True
        session["guest_id"] = secrets.token_hex(16)
    return guest_id()


def viewer() -> Viewer:
    """As whom they see the gallery."""
    return Viewer(
        guest_id(),
        is_host=current_user.is_authenticated and current_user.is_host,
        sees_others=parts().settings.mode != "own",
    )
