"""Which requests the page of another site has made a visitor's browser send."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..refusals import AnotherSite

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
DEFAULT_PORTS = {"http": ":80", "https": ":443"}
PORT = re.compile(r":\d*$")


def check_site(
    method: str, headers: Mapping[str, str], public_url: str, may_lack_port: bool
) -> None:
    """Raises AnotherSite. What changes something is held to the algorithm of Go's
    CrossOriginProtection; what does not is refused too, but for a link that somebody follows
    (https://web.dev/articles/fetch-metadata, a resource isolation policy). `may_lack_port` says
    that a `Host` without a port may be one from which a proxy has cut it.
    """
    if _is_from_here(headers, public_url, may_lack_port):
        return
    follows_link = (headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest")) == (
        "navigate",
        "document",
    )
    if method not in SAFE_METHODS or not follows_link:
        is_told = "Sec-Fetch-Site" in headers
        raise AnotherSite(*([] if is_told else [headers["Origin"], headers.get("Host", "")]))


def _is_from_here(headers: Mapping[str, str], public_url: str, may_lack_port: bool) -> bool:
    """From a page of ours, from the visitor's own hand, or from no browser at all."""
    if site := headers.get("Sec-Fetch-Site"):
        # Not `same-site`: each port of this computer is, and each neighbour's subdomain.
        return site in ("same-origin", "none")
    # Browsers tell only the origin where a site is neither encrypted nor on the same computer.
    origin = headers.get("Origin")
    if origin is None:
        return True
    scheme, _, asking = origin.lower().partition("://")
    host, public_host = headers.get("Host", "").lower(), urlsplit(public_url).netloc.lower()
    default_port = DEFAULT_PORTS.get(scheme, "")
    own_hosts = {own.removesuffix(default_port) for own in (host, public_host)} - {""}
    if asking.removesuffix(default_port) in own_hosts:
        return True
    is_port_cut = may_lack_port and host != "" and not PORT.search(host)  # nginx's `$host`
    return is_port_cut and PORT.sub("", asking) == host
