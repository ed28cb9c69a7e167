"""What a plain form has brought is told once, beside the photos that it comes back to."""

from flask import after_this_request, current_app, redirect, request
from werkzeug.wrappers import Response

KEPT_SECONDS = 60


def come_back(sent: int) -> Response:
    """To the page, which is to tell that so many photos are safe."""
    response = redirect("/", 303)
    response.set_cookie(
        _cookie_name(),
        str(sent),
        KEPT_SECONDS,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def take_sent() -> int:
    """How many there are to tell of, this time only."""
    sent = request.cookies.get(_cookie_name(), 0, type=int)
    if sent:
        after_this_request(_forget)
    return sent


def _forget(response: Response) -> Response:
    response.delete_cookie(_cookie_name())
    return response


def _cookie_name() -> str:
    """This gallery's own, beside the session: what has changed in that since the form was sent
    would be undone."""
    return f"{current_app.config['SESSION_COOKIE_NAME']}-sent"
