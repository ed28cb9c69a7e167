"""Dropwall as an application that serves one gallery after the other, for the tests that share a
gunicorn: a new one is there in milliseconds."""

import json
import os
from collections.abc import Callable, Iterable
from threading import Condition
from typing import Any

from werkzeug.wsgi import ClosingIterator

from dropwall import create_app
from dropwall.config import Config
from dropwall.people import passwords
from tests.support.gallery_server import CLOSE_GALLERY, OPEN_GALLERY
from tests.support.passwords import make_passwords_cheap


class SharedApp:
    """A gallery is closed before the next one is opened: nothing is under way in it any more."""

    def __init__(self) -> None:
        make_passwords_cheap(passwords)
        self._app = create_app()
        self._running = 0
        self._changed = Condition()

    @property
    def extensions(self) -> dict[str, Any]:
        """Of the gallery that is open, as gunicorn's hooks ask for them."""
        return self._app.extensions

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if environ["PATH_INFO"] in (OPEN_GALLERY, CLOSE_GALLERY):
            self._close()
            if environ["PATH_INFO"] == OPEN_GALLERY:
                variables = json.loads(environ["wsgi.input"].read())
                self._app = create_app(Config.from_environ(os.environ | variables))
            start_response("204 No Content", [])
            return []
        self._count(1)
        try:
            return ClosingIterator(self._app(environ, start_response), lambda: self._count(-1))
        except BaseException:
            self._count(-1)
            raise

    def _count(self, more: int) -> None:
        with self._changed:
            self._running += more
            self._changed.notify_all()

    def _close(self) -> None:
        self.extensions["dropwall"].watchers.close()
        with self._changed:
            self._changed.wait_for(lambda: self._running == 0, 30)  # a visitor may still be there


application = SharedApp()
