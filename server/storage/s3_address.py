"""Reads and checks the address of a storage in an S3 bucket."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

EXAMPLE = "s3://bucket/prefix?endpoint=https://s3.example.com"
NO_ENDPOINT = "none"

_BUCKET = re.compile(r"[A-Za-z\d][A-Za-z\d._-]{2,62}")
_PREFIX = re.compile(r"[A-Za-z\d_-][A-Za-z\d._-]*(/[A-Za-z\d_-][A-Za-z\d._-]*)*")
_ENDPOINT = re.compile(r"https?://[^/?#@\s]+(/[^?#@\s]*)?")
_REGION = re.compile(r"[A-Za-z\d-]+")


class BadAddress(ValueError):
    """The address cannot be that of a storage; the message says why."""


@dataclass(frozen=True)
class S3Address:
    """`s3://bucket/prefix?endpoint=…&region=…&public_endpoint=…`; all but the bucket may be left
    out. `public_endpoint` is the address under which visitors may download from the server
    themselves; empty, or `none`, where they may not."""

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
            if not _OPTIONS[name].fullmatch(text) or not _is_url(text):
                raise BadAddress(f"an address with another {name}")
        prefix = parts.path.strip("/")
        if prefix and not _PREFIX.fullmatch(prefix):
            raise BadAddress("an address with plain letters and digits between its slashes")
        stripped = {name: text.rstrip("/") for name, text in options.items()}
        if stripped.get("public_endpoint") == NO_ENDPOINT:
            del stripped["public_endpoint"]
        return cls(parts.netloc, prefix, **stripped)


def _is_url(text: str) -> bool:
    try:
        urlsplit(text)
    except ValueError:  # a bracket alone
        return False
    return True


_OPTIONS = {
    "endpoint": _ENDPOINT,
    "region": _REGION,
    "public_endpoint": re.compile(f"{_ENDPOINT.pattern}|{NO_ENDPOINT}"),
}
