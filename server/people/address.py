"""The gallery has one address that guests are given, and several that are answered."""

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from ..config import SITE, Config

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound
"""Hosts that listen on every address, each with one that leads there from this computer."""
PRIVATE_DOMAINS = (".localhost", ".local", ".internal", ".home.arpa")
"""Domains in which nobody can register a name (RFC 6761, 6762, 8375; ICANN's board, 2024)."""


def address_to_share(config: Config, visited: str) -> str:
    """Return the address to share, such as `https://photos.example.com`: the one of the settings,
    or else the one `visited`, if it can be one (whoever asks may claim anything), and leads others
    here too; or else the one of this computer on its network."""
    if config.public_url:
        return config.public_url.rstrip("/")
    if SITE.fullmatch(visited) and not (config.host in EVERYWHERE and leads_nobody_else(visited)):
        return visited
    host = f"[{config.host}]" if ":" in config.host else config.host
    if config.host in EVERYWHERE:
        host = lan_address() or EVERYWHERE[config.host]
    return f"http://{host}:{config.port}"


def is_answered(config: Config, host: str) -> bool:
    """Whether a request that names this host is for us. Once the address to share is known, a name
    of somebody else's that leads here (DNS rebinding) is not: its pages would read the gallery as
    their own. Addresses, names without a dot and PRIVATE_DOMAINS cannot be had for that; a proxy
    that loses the name often asks for one of these."""
    if not config.public_url:
        return True
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:  # a bracket alone
        return False
    if name == urlsplit(config.public_url).hostname:
        return True
    try:
        ip_address(name)
    except ValueError:
        return name != "" and ("." not in name or name.endswith(PRIVATE_DOMAINS))
    return True


def exposure(config: Config) -> str:
    """Return a warning for the log where anybody may claim to be the proxy; else nothing."""
    try:
        is_public = config.host in EVERYWHERE or ip_address(config.host).is_global
    except ValueError:  # a name
        is_public = False
    if not config.proxies or not is_public:
        return ""
    return (
        f"DROPWALL_PROXIES is {config.proxies}, and port {config.port} is open on {config.host}:"
        " whoever reaches it past the proxy can claim any address. Set DROPWALL_HOST to 127.0.0.1,"
        " or let nobody but the proxy reach the port."
    )


def is_only_nearby(address: str) -> bool:
    """Whether an address leads here from the same network alone."""
    host = _host(address)
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(".local")


def is_from_nearby(client: str) -> bool:
    """Whether a client's IP address is one of a private network, not of the internet."""
    try:
        ip = ip_address(client)
    except ValueError:  # a socket file has none
        return False
    return (getattr(ip, "ipv4_mapped", None) or ip).is_private


def leads_nobody_else(address: str) -> bool:
    """Whether an address leads to this computer from itself alone."""
    host = _host(address)
    try:
        ip = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return ip.is_loopback or ip.is_unspecified


def lan_address() -> str | None:
    """This computer's address on its network; connecting a UDP socket sends no packet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1 (RFC 5737): routed like any far address
        except OSError:
            return None
        address: str = probe.getsockname()[0]
        return address


def _host(address: str) -> str:
    site = SITE.fullmatch(address)
    return site["host"].strip("[]").lower() if site else ""
