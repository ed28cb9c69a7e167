"""HTTP in, HTTP out: one blueprint a module."""

from flask import Response, current_app

from ..archive import Archives
from ..catalog import GuestCatalog, PhotoLists
from ..changes import Watchers
from ..chunks import Chunks
from ..config import Config
from ..gallery import Gallery


def archives() -> Archives:
    found: Archives = current_app.extensions["archives"]
    return found


def chunks() -> Chunks:
    found: Chunks = current_app.extensions["chunks"]
    return found


def gallery() -> Gallery:
    found: Gallery = current_app.extensions["gallery"]
    return found


def guests() -> GuestCatalog:
    found: GuestCatalog = current_app.extensions["guests"]
    return found


def lists() -> PhotoLists:
    found: PhotoLists = current_app.extensions["lists"]
    return found


def watchers() -> Watchers:
    found: Watchers = current_app.extensions["watchers"]
    return found


def no_content() -> Response:
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def settings() -> Config:
    found: Config = current_app.extensions["settings"]
    return found
