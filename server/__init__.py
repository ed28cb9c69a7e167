"""Dropwall is an upload gallery; `create_app` puts its parts together."""

import hmac
import os
import secrets
from pathlib import Path
from typing import Any

from flask import Flask, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from .catalog.database import Database, keep_secret, open_database
from .cli import COMMANDS
from .config import BadSetting, Config
from .images.reading import Images
from .images.slots import Slots
from .operations.health import Health
from .operations.metrics import Metrics
from .people.accounts import Accounts
from .people.passcode import Passcode
from .people.rate_limits import RateLimits, WaitingRoom
from .photos.archive import Archives
from .photos.chunks import Chunks
from .photos.gallery import Gallery
from .photos.intake import Intake
from .photos.limits import AddressLimit, ChangeLimit, Limits, StagedBytes
from .photos.sweep import Sweep
from .photos.watchers import Watchers
from .refusals import Refusal
from .storage import open_storage
from .web import Dropwall
from .web.access_log import AccessLog
from .web.errors import answer_error
from .web.host import host_page
from .web.json import changes_event
from .web.live import live
from .web.operations import operations
from .web.page import page
from .web.page_files import page_files
from .web.people import host
from .web.people import people as people_routes
from .web.photos import photos as photo_routes
from .web.security import SessionCookie, security
from .web.sign_in import sign_in
from .web.uploads import uploads

SECRET_KEY_BYTES = 32
BLUEPRINTS = (
    operations,
    security,
    page,
    page_files,
    uploads,
    photo_routes,
    live,
    people_routes,
    sign_in,
    host,
    host_page,
)


class Application(Flask):
    def log_exception(self, exc_info: Any) -> None:
        """Log the request by its rule: its path may have the passcode, or a private photo."""
        self.logger.error("%s %s failed", request.method, request.url_rule, exc_info=exc_info)


def create_app(config: Config | None = None) -> Flask:
    """Build the WSGI application for these settings, by default those of the environment."""
    config = config or Config.from_environ()
    app = Application(__name__, static_folder=None, template_folder="web/templates")
    app.extensions["dropwall"] = parts = _put_together(config)
    # Cookies know no ports (RFC 6265, 8.5): other galleries on the same host get ours too, and tell
    # them by their names. All servers and copies of a gallery share its key.
    gallery_id = hmac.digest(parts.secret_key, b"gallery id", "sha256").hex()[:16]
    app.config.update(
        SECRET_KEY=parts.secret_key,
        SESSION_COOKIE_NAME=f"dropwall-{gallery_id}",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=400 * 24 * 60 * 60,  # the longest that browsers keep one
    )
    app.session_interface = SessionCookie()
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    if hops := config.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops)  # type: ignore[method-assign]
    app.wsgi_app = AccessLog(app.wsgi_app, parts.metrics, bool(hops))  # type: ignore[method-assign]
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    for kind in (Refusal, OSError, HTTPException):
        app.register_error_handler(kind, answer_error)
    for command in COMMANDS:
        app.cli.add_command(command)
    return app


def _put_together(config: Config) -> Dropwall:
    database = open_catalog(config)
    rate_limits = RateLimits(database, WaitingRoom(max(1, config.threads // 16)))
    # It signs the cookies. The first worker of the first start makes it for all.
    secret_key = keep_secret(database, "cookies", secrets.token_bytes(SECRET_KEY_BYTES))
    storage = open_storage(config.storage_address, config.data)
    limits = Limits(database, storage, config)
    slots = Slots(config.data / "slots", os.cpu_count() or 1, config.decode_bytes)
    images = Images(config.max_pixels, config.max_jpeg_pixels, slots)
    gallery = Gallery(database, storage, images, limits, slots)
    metrics = Metrics()
    intake = Intake(database, storage, images, limits, config, metrics)
    watchers = Watchers(database, config.watchers, changes_event, config.address_watchers)
    return Dropwall(
        settings=config,
        secret_key=secret_key,
        database=database,
        storage=storage,
        limits=limits,
        staged=StagedBytes(limits),
        requests=AddressLimit(config.address_requests),
        bodies=AddressLimit(config.address_uploads),
        change_limit=ChangeLimit(config.threads),
        intake=intake,
        gallery=gallery,
        accounts=Accounts(database, rate_limits),
        passcode=Passcode(config.passcode, secret_key, rate_limits),
        chunks=Chunks(database, storage, intake, limits, slots),
        watchers=watchers,
        archives=Archives(gallery, database, max(1, config.threads // 8), config.data),
        sweep=Sweep(database, storage),
        health=Health(
            {"catalog": database.check, "storage": storage.check, "disk": limits.check_room}
        ),
        metrics=metrics,
    )


def make_folders(config: Config) -> None:
    """Make the folders for photos, and for those that are being received. Raises BadSetting."""
    _make_folder(config.data, "DROPWALL_DATA")
    if "://" not in config.storage_address:
        setting = "DROPWALL_STORAGE" if config.storage else "DROPWALL_DATA"
        _make_folder(Path(config.storage_address), setting, "incoming")


def _make_folder(folder: Path, setting: str, within: str = "") -> None:
    try:
        (folder / within).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(
            f"Dropwall can't keep photos in {folder}: {error.strerror}."
            f" Set {setting} to another folder."
        ) from None


def open_catalog(config: Config) -> Database:
    """Open the gallery's database, as `open_database` does. Raises BadSetting as well."""
    try:
        return open_database(config.database_address)
    except OSError as error:
        raise BadSetting(
            f"Dropwall can't keep its catalog in {config.database_address}: {error.strerror}."
            " Set DROPWALL_DATABASE to another file."
        ) from None
