"""HTTP in, HTTP out: one blueprint a module."""

from flask import Response, current_app

from ..parts import Parts


def parts() -> Parts:
    found: Parts = current_app.extensions["dropwall"]
    return found


def no_content() -> Response:
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response
