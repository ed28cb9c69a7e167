"""Dropwall: an upload gallery. `create_app` puts its parts together."""

from . import ctrl_c  # noqa: F401  # it waits for whoever presses it during the other imports

# isort: split

import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from flask import Flask, request
from flask.cli import AppGroup, ScriptInfo
from werkzeug.middleware.proxy_fix import ProxyFix

from .catalog.accounts import AccountCatalog
from .catalog.database import Database
from .catalog.errors import UnusableCatalog
from .catalog.guests import GuestCatalog
from .catalog.lists import PhotoLists
from .catalog.photos import Catalog
from .catalog.secrets import keep_secret
from .commands import add_commands
from .config import BadSetting, Config
from .images.reading import Images
from .images.slots import Slots
from .opening import make_folders, open_catalog
from .operations.health import Health
from .operations.metrics import Metrics
from .people.accounts import Accounts
from .people.passcode import Passcode
from .people.rate_limits import Tries, WaitingRoom
from .photos.archive import Archives
from .photos.chunks import Chunks
from .photos.gallery import Gallery
from .photos.intake import Intake
from .photos.limits import AddressLimit, ChangeLimit, Limits, StagedBytes
from .photos.sweep import Sweep
from .photos.watchers import Watchers
from .refusals import CatalogUnavailable
from .storage import open_storage
from .web import Dropwall
from .web.access_log import Visits
from .web.accounts import accounts, login_manager
from .web.archive import archive
from .web.errors import answer_errors
from .web.host import host
from .web.invitation import invitation
from .web.json import changes_event
from .web.live import live
from .web.operations import operations
from .web.page import page
from .web.passcode import passcode
from .web.people import people as people_routes
from .web.photos import photos as photo_routes
from .web.security import SessionCookie, protection
from .web.uploads import uploads

FRONTEND = Path(__file__).parent.parent / "frontend"
SECRET_KEY_BYTES = 32
BLUEPRINTS = (
    operations,
    protection,
    passcode,
    page,
    uploads,
    photo_routes,
    archive,
    live,
    people_routes,
    accounts,
    invitation,
    host,
)


class Application(Flask):
    def log_exception(self, exc_info: Any) -> None:
        """By its rule: a path may be the passcode's, or a private photo's."""
        self.logger.error("%s %s failed", request.method, request.url_rule, exc_info=exc_info)


def create_app(config: Config | None = None) -> Flask:
    """The WSGI application for these settings, by default those of the environment."""
    config = config or Config.from_environ()
    app = Application(
        __name__, static_folder=FRONTEND, static_url_path="", template_folder="web/templates"
    )
    app.extensions["dropwall"] = parts = _put_together(config)
    app.config.update(
        SECRET_KEY=parts.secret_key,
        SESSION_COOKIE_NAME=f"dropwall-{_gallery_id(parts.secret_key)}",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=400 * 24 * 60 * 60,  # the longest that browsers keep one
    )
    app.session_interface = SessionCookie()
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    if hops := config.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops)  # type: ignore[method-assign]
    app.wsgi_app = Visits(app.wsgi_app, parts.metrics, bool(hops))  # type: ignore[method-assign]
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    answer_errors(app, config)
    login_manager.init_app(app, add_context_processor=False)
    add_commands(app.cli)  # type: ignore[arg-type]  # it is an AppGroup
    return app


def _put_together(config: Config) -> Dropwall:
    database = open_catalog(config)
    catalog = Catalog(database)
    lists, guests = PhotoLists(database), GuestCatalog(database)
    account_catalog = AccountCatalog(database)
    tries = Tries(account_catalog, WaitingRoom(max(1, config.threads // 16)))
    secret_key = _secret_key(database, config.data)
    storage = open_storage(config.storage_address, config.data)
    limits = Limits(database, storage, config)
    slots = Slots(config.data / "slots", os.cpu_count() or 1, config.decode_bytes)
    images = Images(config.max_pixels, config.max_jpeg_pixels, slots)
    gallery = Gallery(catalog, storage, images, limits, slots)
    metrics = Metrics()
    intake = Intake(catalog, storage, images, limits, config, metrics)
    watchers = Watchers(database, lists, config.watchers, changes_event, config.address_watchers)
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
        lists=lists,
        guests=guests,
        accounts=Accounts(account_catalog, guests, tries),
        passcode=Passcode(config.passcode, secret_key, tries),
        chunks=Chunks(database, storage, intake, limits, slots),
        watchers=watchers,
        archives=Archives(gallery, catalog, lists, max(1, config.threads // 8), config.data),
        sweep=Sweep(database, catalog, storage),
        health=Health(
            {"catalog": database.check, "storage": storage.check, "disk": limits.check_room}
        ),
        metrics=metrics,
    )


def command_line() -> None:
    """`dropwall …`: the commands of `flask --app server …`, without those of who develops. One that
    runs opens, or makes, a gallery: to list them needs none."""
    dropwall = click.version_option(package_name="dropwall")(AppGroup("dropwall"))
    add_commands(dropwall)
    try:
        dropwall.main(prog_name="dropwall", obj=ScriptInfo(create_app=_create_told_app))
    except (BadSetting, CatalogUnavailable, UnusableCatalog) as mistake:
        raise SystemExit(str(mistake)) from None


def _create_told_app() -> Flask:
    """Whoever means a gallery that is elsewhere is told that this is another one."""
    config = Config.from_environ()
    catalog = Path(config.database_address)
    is_new = "://" not in config.database_address and not catalog.exists()
    make_folders(config)
    try:
        return create_app(config)
    finally:
        if is_new and catalog.exists():
            click.echo(
                f"There was no gallery in {catalog.resolve()} before; please set DROPWALL_DATA, or"
                " DROPWALL_DATABASE, if you mean another one.",
                err=True,
            )


def _secret_key(database: Database, data: Path) -> bytes:
    """What signs the cookies: made at the first start, by one of the workers for all. Galleries of
    former versions had it in a file."""
    proposed = secrets.token_bytes(SECRET_KEY_BYTES)
    with suppress(FileNotFoundError):
        former = (data / "secret.key").read_bytes()
        if len(former) == SECRET_KEY_BYTES:  # a crash may have left it half written
            proposed = former
    return keep_secret(database, "cookies", proposed)


def _gallery_id(secret_key: bytes) -> str:
    """The gallery's own among those of one host, which share their cookies: these know no ports
    (RFC 6265, 8.5). It goes wherever the key goes, to all servers of the gallery and its copies."""
    return hmac.digest(secret_key, b"gallery id", "sha256").hex()[:16]
