"""Who asks: somebody with an account, or a device that is known again by its signed cookie."""

import secrets
import select
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager

from flask import g, request, session
from flask_login import current_user

from ..catalog.viewer import Viewer
from ..people.rate_limits import neighbourhood
from . import dropwall


def visitor() -> Viewer:
    """Who has sent this request, as the rule of visibility knows them; found once per request.

    The guest's id of somebody who is signed in is their account's. It is empty for a client
    without the cookie, such as curl; all of those are one guest."""
    if "visitor" not in g:
        is_signed_in = current_user.is_authenticated
        g.visitor = Viewer(
            str(current_user.id if is_signed_in else session.get("guest_id", "")),
            is_host=is_signed_in and current_user.is_host,
            sees_others=dropwall().settings.mode != "own",
        )
    found: Viewer = g.visitor
    return found


def greet_guest() -> str:
    """Give the visitor a guest's id, unless they have one, and return it."""
    if not visitor().guest_id:
        session.pop("_user_id", None)  # signed out from elsewhere: it is not looked up for ever
        session.permanent = True
        session["guest_id"] = secrets.token_hex(16)
        del g.visitor
    return visitor().guest_id


def is_admitted() -> bool:
    """Whether the visitor has shown the passcode, or needs none."""
    passcode = dropwall().passcode
    return (
        not passcode.text
        or passcode.is_proved_by(session.get("passcode"))
        or bool(current_user.is_authenticated)
    )


def network() -> str:
    """The network that the request comes from; empty where a socket has no address."""
    return neighbourhood(request.remote_addr or "")


def limit_key() -> str:
    """Whose photos and changes wait for each other: one guest's, or, where they have no cookie,
    those of one network."""
    return visitor().guest_id or network()


def changing() -> AbstractContextManager[None]:
    """Hold a slot for a small change of the catalog, once its request has come whole. Raises
    TooManyChanges."""
    return dropwall().change_limit.change(limit_key(), network())


def hang_up_check() -> Callable[[], bool]:
    """Return a function that says, while this request is answered, whether its visitor has hung
    up."""
    connection = request.environ.get("gunicorn.socket")
    if connection is None:
        return lambda: False

    def has_hung_up() -> bool:
        ready = select.poll()
        ready.register(connection, select.POLLIN)
        if not ready.poll(0):  # it is open, and silent as it should be
            return False
        try:
            return not socket.socket.recv(connection, 1, socket.MSG_PEEK)
        except OSError:
            return True

    return has_hung_up
