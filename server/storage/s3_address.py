"""Where a storage of the kind of Amazon's S3 is: its address, read and checked."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit

EXAMPLE = "s3://bucket/prefix?endpoint=https://s3.example.com"
NO_ENDPOINT = "none"

_BUCKET = re.compile(r"[A-Za-z\d][A-Za-z\d._-]{2,62}")
_PREFIX = re.compile(r"[A-Za-z\d_-][A-Za-z\d._-]*(/[A-Za-z\d_-][A-Za-z\d._-]*)*")
_ENDPOINT = re.compile(r"https?://[^/?#@\s]+(/[^?#@\s]*)?")
_REGION = re.compile(r"[A-Za-z\d-]+")


class BadAddress(ValueError):
    """It cannot be that of a storage; the message says why."""


@dataclass(frozen=True)
class S3Address:
    """`s3://bucket/prefix?endpoint=…&region=…&public_endpoint=…`; all but the bucket may be left
    out. At `public_endpoint` visitors reach what the gallery itself reaches at `endpoint`; it is
    `none` where they cannot, as it is where nothing is said and the endpoint is of this machine, or
    has a name that only its own network knows."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    public_endpoint: str = ""

    @classmethod
    def parse(cls, text: str) -> "S3Address":
        """Raises BadAddress."""
        parts = urlsplit(text)
        if parts.scheme != "s3" or parts.fragment or not _BUCKET.fullmatch(parts.netloc):
            raise BadAddress(f"a path or an address such as {EXAMPLE}")
        query = parse_qsl(parts.query, keep_blank_values=True)
        options = dict(query)
        if len(options) < len(query) or not options.keys() <= _OPTIONS.keys():
            raise BadAddress(f"an address with no more than {', '.join(_OPTIONS)} after its `?`")
        for name, text in options.items():
            if not _OPTIONS[name].fullmatch(text):
                raise BadAddress(f"an address with another {name}")
        prefix = parts.path.strip("/")
        if prefix and not _PREFIX.fullmatch(prefix):
            raise BadAddress("an address with plain letters and digits between its slashes")
        stripped = {name: text.rstrip("/") for name, text in options.items()}
        if _is_of_its_network_alone(stripped.get("endpoint", "")):
            stripped.setdefault("public_endpoint", NO_ENDPOINT)
        return cls(parts.netloc, prefix, **stripped)


def _is_of_its_network_alone(endpoint: str) -> bool:
    try:
        host = urlsplit(endpoint).hostname or ""
    except ValueError:  # a bracket alone
        raise BadAddress("an address with another endpoint") from None
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return bool(host) and "." not in host  # `localhost`, and what containers call each other


_OPTIONS = {
    "endpoint": _ENDPOINT,
    "region": _REGION,
    "public_endpoint": re.compile(f"{_ENDPOINT.pattern}|{NO_ENDPOINT}"),
}
