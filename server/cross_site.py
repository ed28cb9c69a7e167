"""Which requests the page of another site has made a visitor's browser send."""

from collections.abc import Container, Mapping

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class AnotherSite(Exception):
    """Another site's page asks in the name of its visitor."""


class AnotherHost(Exception):
    """A name that is not the gallery's leads here."""


def check_site(method: str, headers: Mapping[str, str], own_hosts: Container[str]) -> None:
    """Raises AnotherSite. What changes something is held to the algorithm of Go's
    CrossOriginProtection; what does not is refused too, but for a link that somebody follows
    (https://web.dev/articles/fetch-metadata, a resource isolation policy).
    """
    if _is_from_here(headers, own_hosts):
        return
    follows_link = (headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest")) == (
        "navigate",
        "document",
    )
    if method not in SAFE_METHODS or not follows_link:
        raise AnotherSite


def _is_from_here(headers: Mapping[str, str], own_hosts: Container[str]) -> bool:
    """From a page of ours, from the visitor's own hand, or from no browser at all."""
    if site := headers.get("Sec-Fetch-Site"):
        # Not `same-site`: each port of this computer is, and each neighbour's subdomain.
        return site in ("same-origin", "none")
    # Browsers tell only the origin where a site is neither encrypted nor on the same computer.
    origin = headers.get("Origin")
    return origin is None or origin.lower().partition("://")[2] in own_hosts
