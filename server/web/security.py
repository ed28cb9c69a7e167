"""What keeps other sites, and photos that are also scripts, from acting in a visitor's name."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from ..people.address import is_answered
from ..refusals import AnotherHost, AnotherSite
from . import dropwall, operations
from .access_log import ENDING
from .cross_site import check_site
from .multipart import drain_body

protection = Blueprint("protection", __name__)

HTTP_PORT = 80
ROOT = Path(__file__).parents[2]
LIBRARIES: dict[str, str] = json.loads((ROOT / "package.json").read_text())["dependencies"]
"""What the page takes from the CDN, and in which version."""
# Not the whole CDN: it serves whatever anybody publishes.
CDN_PATHS = " ".join(
    f"https://cdn.jsdelivr.net/npm/{name}@{version}/dist/" for name, version in LIBRARIES.items()
)
PAGE_POLICY = "; ".join(
    (
        "default-src 'self'",
        f"script-src 'self' {CDN_PATHS}",
        f"style-src 'self' {CDN_PATHS}",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
# Opened by itself, even a photo that is also a script runs nothing, in no origin of ours.
FILE_POLICY = "default-src 'none'; frame-ancestors 'self'; sandbox"
UNUSED_FEATURES = "camera display-capture geolocation hid microphone midi payment serial usb"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    # With `no-referrer`, forms of our own would say `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED_FEATURES.split()),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Strict-Transport-Security is for the proxy to say, which knows of https.
}


class Signer(TimestampSigner):
    """Knows a cookie that another machine has signed, or this one before its clock was set back:
    signed later than now, it is new. itsdangerous takes it for one that is too old."""

    def unsign(self, *args: Any, max_age: int | None = None, **options: Any) -> Any:
        unsign: Any = super().unsign
        try:
            return unsign(*args, max_age=max_age, **options)
        except SignatureExpired as expired:
            if expired.date_signed is None or expired.date_signed <= datetime.now(UTC):
                raise
            return unsign(*args, **options)


FORMER_COOKIE = "dropwall"
"""The name without the gallery's id, which all galleries of one host had in common."""


class FormerSession(SecureCookieSession):
    """A session that was found in FORMER_COOKIE, and not yet under the name of today."""


class SessionCookie(SecureCookieSessionInterface):
    """Takes over what FORMER_COOKIE says, if this gallery has signed it. It stays until the
    visitor is somebody else: servers that are still to be exchanged know them by it."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) not in request.cookies:
            former = self._open_former(app, request)
            if former is not None:
                return former
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if session.modified and self._open_former(app, request) is not None:
            response.delete_cookie(FORMER_COOKIE)
        if isinstance(session, FormerSession) and session.accessed:
            session.modified = True
        super().save_session(app, session, response)

    def _open_former(self, app: Flask, request: Request) -> FormerSession | None:
        signer, value = self.get_signing_serializer(app), request.cookies.get(FORMER_COOKIE)
        if signer and value:
            with suppress(BadSignature):  # another gallery's
                max_age = int(app.permanent_session_lifetime.total_seconds())
                return FormerSession(signer.loads(value, max_age=max_age))
        return None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        serializer = super().get_signing_serializer(app)
        if serializer:
            serializer.signer = Signer
        return serializer

    def get_cookie_secure(self, app: Flask) -> bool:
        """Where it came encrypted, it never goes back in the clear."""
        return request.is_secure


@protection.before_app_request
def limit_address() -> None:
    """Before anything else, and without reading what is sent: a body that is refused here would
    hold a thread as one that is taken does. Raises TooManyAtOnce."""
    is_served_by_threads = "gunicorn.socket" in request.environ
    if request.endpoint in operations.OPEN or not is_served_by_threads:
        return
    address = request.remote_addr or ""
    # Without a proxy the worker knows the address, and lets what is too much wait (`Worker`).
    limits = [dropwall().requests] if dropwall().settings.proxies else []
    if request.content_length or "Transfer-Encoding" in request.headers:
        limits.append(dropwall().bodies)
    for limit in limits:
        limit.take(address)
        request.environ[ENDING].append(partial(limit.give_back, address))


@protection.before_app_request
def refuse_another_host() -> None:
    is_asked_by_machines = request.endpoint in (*operations.OPEN, "operations.numbers")
    if not is_asked_by_machines and not is_answered(dropwall().settings, request.host):
        drain_body()
        raise AnotherHost(request.host)


@protection.before_app_request
def refuse_another_site() -> None:
    if request.endpoint in operations.OPEN:
        return
    settings = dropwall().settings
    # Where we listen on the port of http ourselves, browsers name none either.
    may_lack_port = settings.proxies > 0 or settings.port != HTTP_PORT
    try:
        check_site(request.method, dict(request.headers), settings.public_url, may_lack_port)
    except AnotherSite:
        drain_body()
        raise


@protection.after_app_request
def add_headers(response: Response) -> Response:
    policy = PAGE_POLICY if response.mimetype == "text/html" else FILE_POLICY
    for name, value in {"Content-Security-Policy": policy, **HEADERS}.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "private, no-store")
    return response
