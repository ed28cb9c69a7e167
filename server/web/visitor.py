"""Who is asking: somebody with an account, or a device that has opened the page and is known again
by its signed cookie."""

import secrets
import select
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager

from flask import request, session
from flask_login import current_user

from ..catalog.viewer import Viewer
from ..people.rate_limits import neighbourhood
from . import dropwall


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
        sees_others=dropwall().settings.mode != "own",
    )


def visitor() -> str:
    """Whose photos wait for each other: the guest's, or those of an address without the cookie."""
    return guest_id() or neighbourhood(request.remote_addr or "")


def changing() -> AbstractContextManager[None]:
    """Around a small change of the catalog, once its request has come whole. Raises
    TooManyChanges."""
    return dropwall().change_limit.change(visitor(), neighbourhood(request.remote_addr or ""))


def leaving_noticed() -> Callable[[], bool]:
    """A function that tells, while this request is answered, whether its visitor has hung up."""
    connection = request.environ.get("gunicorn.socket")
    if connection is None:
        return lambda: False

    def has_left() -> bool:
        ready = select.poll()
        ready.register(connection, select.POLLIN)
        if not ready.poll(0):  # it is open, and silent as it should be
            return False
        try:
            return not socket.socket.recv(connection, 1, socket.MSG_PEEK)
        except OSError:
            return True

    return has_left
