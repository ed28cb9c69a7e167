"""Visitors are protected from strangers, other sites, and photos that are also scripts: by checks
before each request, the headers of each answer, and the session's cookie."""

import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature
from werkzeug.exceptions import PreconditionFailed
from werkzeug.wrappers import Response as WerkzeugResponse

from ..operations.logs import request_id
from ..people.address import is_answered
from ..refusals import AnotherHost, AnotherSite, PasscodeWanted
from . import find_page_file
from .access_log import ANSWERED, LINE, Line
from .errors import answer_http_error
from .multipart import drain_body
from .requests import dropwall, is_admitted

security = Blueprint("security", __name__)

HEALTH_CHECKS = frozenset(["operations.liveness", "operations.readiness"])
"""Endpoints that are open to everybody, from everywhere, whatever else goes on."""
METRICS = "operations.numbers"
"""Endpoint that wants a token of its own."""
OPEN_ENDPOINTS = frozenset(
    [
        METRICS,
        "page.vendor_file",
        "sign_in.show_sign_in",
        "sign_in.try_to_sign_in",
        "sign_in.show_account",
        "sign_in.change_password",
        "sign_in.sign_out",
        "sign_in.sign_out_everywhere",
        "sign_in.show_passcode",
        "sign_in.try_passcode",
        "sign_in.join",
    ]
)
"""Endpoints that need no passcode. An account is not made without it: it would need none."""
PAGE_FILES = frozenset(["page_files.versioned", "page_files.manifest", "page_files.plain"])
OPEN_FILES = (".css", ".js", ".png", ".svg", ".webmanifest")
"""Extensions of the files that the passcode's page consists of."""

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
HTTP_PORT = 80
DEFAULT_PORTS = {"http": ":80", "https": ":443"}
PORT = re.compile(r":\d*$")

LIBRARIES: dict[str, str] = json.loads(find_page_file("package.json").read_text())["dependencies"]
"""Libraries that the page takes from the CDN, with their versions."""
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


@security.before_app_request
def check_request() -> None:
    """Refuse a request that this visitor may not make. A health check is always answered.

    Requests that another site's page has made the browser send are refused: those that change
    something by the algorithm of Go's CrossOriginProtection, the others unless somebody has
    followed a link (https://web.dev/articles/fetch-metadata, a resource isolation policy).

    Raises TooManyAtOnce, AnotherHost, AnotherSite, PasscodeWanted. The last is raised at every
    address, so that nobody learns which ones exist.
    """
    endpoint, settings = request.endpoint, dropwall().settings
    if endpoint in HEALTH_CHECKS:
        return
    if "gunicorn.socket" in request.environ:  # it is served by a thread
        _limit_address()
    try:
        if settings.public_url and endpoint != METRICS and not is_answered(settings, request.host):
            raise AnotherHost(request.host)
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        # Neither header comes with an address that a person has typed, or from clients that are not
        # browsers. Browsers send Origin alone to a site that is not encrypted, on another computer.
        is_own = origin is None or _is_own(origin)
        if site:
            # Not `same-site`: each port of this computer is, and each neighbour's subdomain.
            is_own = site in ("same-origin", "none")
        follows_link = (
            request.method in SAFE_METHODS
            and request.headers.get("Sec-Fetch-Mode") == "navigate"
            and request.headers.get("Sec-Fetch-Dest") == "document"
        )
        if not is_own and not follows_link:
            raise AnotherSite(*([] if site else [origin, request.headers.get("Host", "")]))
        is_open = endpoint in OPEN_ENDPOINTS or (
            endpoint in PAGE_FILES and request.path.endswith(OPEN_FILES)
        )
        if settings.passcode and not is_open and not is_admitted():
            raise PasscodeWanted
    except (AnotherHost, AnotherSite, PasscodeWanted):
        drain_body()
        raise


def _limit_address() -> None:
    """Count this request against its address, without reading what is sent: a body that is refused
    here would hold a thread as one that is taken does. Raises TooManyAtOnce."""
    address = request.remote_addr or ""
    # Without a proxy the worker knows the address, and lets what is too much wait (`Worker`).
    limits = [dropwall().requests] if dropwall().settings.proxies else []
    if request.content_length or "Transfer-Encoding" in request.headers:
        limits.append(dropwall().bodies)
    for limit in limits:
        limit.take(address)
        request.environ[ANSWERED].callback(limit.give_back, address)


def _is_own(origin: str) -> bool:
    """Whether a page of this origin is ours, by the `Host` that it asks, or by DROPWALL_PUBLIC_URL.
    A proxy may have cut the port off the `Host`, as nginx's `$host` does."""
    settings = dropwall().settings
    scheme, _, asking = origin.lower().partition("://")
    host = request.headers.get("Host", "").lower()
    public_host = urlsplit(settings.public_url).netloc.lower()
    default_port = DEFAULT_PORTS.get(scheme, "")
    own_hosts = {own.removesuffix(default_port) for own in (host, public_host)} - {""}
    if asking.removesuffix(default_port) in own_hosts:
        return True
    # Where we listen on the port of http ourselves, browsers name none either.
    may_lack_port = settings.proxies > 0 or settings.port != HTTP_PORT
    is_port_cut = may_lack_port and host != "" and not PORT.search(host)
    return is_port_cut and PORT.sub("", asking) == host


@security.after_app_request
def add_headers(response: WerkzeugResponse) -> WerkzeugResponse:
    """Add what every answer has, and note what is logged of it."""
    if response.status_code == PreconditionFailed.code:
        response.close()  # Werkzeug answers this with the body that the visitor should not get
        response = answer_http_error(PreconditionFailed())
    if response.status_code == 204:
        del response.headers["Content-Type"]  # Flask's default, of no content
    policy = PAGE_POLICY if response.mimetype == "text/html" else FILE_POLICY
    for name, value in {"Content-Security-Policy": policy, **HEADERS}.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "private, no-store")
    response.headers["X-Request-Id"] = request_id.get()
    line: Line = request.environ[LINE]
    line.rule = request.url_rule.rule if request.url_rule else line.rule
    line.status, line.bytes = response.status_code, response.content_length or 0
    if refusal := response.headers.get("Dropwall-Refusal"):
        dropwall().metrics.refusals.labels(refusal).inc()
    return response


FORMER_COOKIE = "dropwall"
"""Name of the cookie before each gallery had one of its own: all galleries of a host shared it."""


class Session(SecureCookieSession):
    """A session, which knows what FORMER_COOKIE is: `has_former` says that this gallery has signed
    it, `is_former` that it is where this session was found, and that there is no newer cookie."""

    has_former = is_former = False


class SessionCookie(SecureCookieSessionInterface):
    """Flask's cookie session, which also takes over what FORMER_COOKIE says if this gallery has
    signed it. That cookie stays until the visitor is somebody else: servers of the former version
    that run beside this one know them by it."""

    def open_session(self, app: Flask, request: Request) -> Session:
        """Read the cookies. One that this gallery has not signed, or that is too old, says nothing.

        Flask's own also forgets a cookie from the future, which another machine has signed, or
        this one before its clock was set back."""
        found: dict[str, dict[str, object]] = {}
        name, serializer = self.get_cookie_name(app), self.get_signing_serializer(app)
        for each in (name, FORMER_COOKIE):
            with suppress(BadSignature):
                if serializer and (value := request.cookies.get(each)):
                    content, signed = serializer.loads(value, return_timestamp=True)
                    # The clock is read once: it may be set between two looks at it.
                    if datetime.now(UTC) - signed <= app.permanent_session_lifetime:
                        found[each] = content
        has_former, is_former = FORMER_COOKIE in found, name not in request.cookies
        session = Session(found.get(FORMER_COOKIE if is_former else name))
        session.has_former, session.is_former = has_former, has_former and is_former
        return session

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if isinstance(session, Session):
            if session.modified and session.has_former:
                response.delete_cookie(FORMER_COOKIE)
            session.modified |= session.is_former and session.accessed
        super().save_session(app, session, response)

    def get_cookie_secure(self, app: Flask) -> bool:
        """Set `Secure` when the request came over HTTPS; it is not sent in the clear then."""
        return request.is_secure
