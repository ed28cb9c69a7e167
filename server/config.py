"""Every setting of Dropwall: its `DROPWALL_` variable, its default, its bounds."""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

# A setting is checked with the formats that exist, and by the grammar of an S3 address, so that
# each is written down once. Neither module reads the settings.
from .images.formats import BY_EXTENSION
from .names import fold_name
from .storage.s3_address import BadAddress, S3Address

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE
GIGABYTE = 1_000_000_000
MAX_PORT = 65535
MAX_CHUNKS = 10_000
"""Chunks of one photo."""
EXTENSIONS = tuple(BY_EXTENSION)
MAX_PASSCODE = 100
"""Characters of the passcode; a QR code holds as many, escaped."""
MODES = ("everyone", "own", "approval")
"""Who sees a guest's photo: everyone; the guest and the hosts; everyone once a host approved it."""
LOGS = ("text", "json")
DEFAULT_TITLE = "Photos"
MAX_TITLE, MAX_WELCOME = 60, 100
"""Characters, which a phone shows in two lines each, and a poster on one sheet."""
SITE = re.compile(
    r"https?://(?P<host>[a-z\d._-]{1,253}|\[[a-f\d:.]{2,45}\])(:\d{1,5})?/?",
    re.ASCII | re.IGNORECASE,
)
"""The address of a whole site. A domain name has at most 253 characters (RFC 1035 3.1)."""
WIFI = re.compile(r"[^\x00-\x1f\x7f:]+:([ -~]{8,63})?")
"""The name of a network, and its WPA passphrase if it has one (IEEE 802.11-2020, J.4.1)."""
MAX_SSID_BYTES = 32
NOTIFY_URL = re.compile(r"https?://[^\s/?#@]+([/?][!-~]*)?", re.ASCII | re.IGNORECASE)
SERVICE_LINK = re.compile(
    r"DROPWALL_(\w+_)?"
    r"(SERVICE_HOST=.*|SERVICE_PORT(_\w+)?=\d*|PORT(_\d+_(TCP|UDP|SCTP))?=(tcp|udp|sctp)://.*"
    r"|PORT_\d+_(TCP|UDP|SCTP)_(ADDR|PORT|PROTO)=.*)",
    re.ASCII | re.IGNORECASE,
)
"""The variables that Kubernetes sets in each container for a service whose name is, or begins with,
`dropwall` (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables)."""


class BadSetting(ValueError):
    """A `DROPWALL_` variable has a value, or a name, that cannot be used; the message names it."""


@dataclass(frozen=True)
class Config:
    """The settings. Field `max_pixels` is the variable `DROPWALL_MAX_PIXELS`, and so on.

    The README explains each to hosts; the comments here give the unit.
    """

    data: Path = Path("data")  # folder of everything that has no address of its own
    storage: str = ""  # folder or s3://bucket/prefix; empty: in `data`
    database: str = field(default="", repr=False)  # path or postgresql://…, perhaps with a password
    host: str = "0.0.0.0"  # noqa: S104 - a gallery is for everyone on the network
    port: int = 8000
    public_url: str = ""  # address of the whole site, as guests type it
    proxies: int = 0  # reverse proxies whose X-Forwarded-* headers are trusted
    title: str = ""  # name of the event; empty: DEFAULT_TITLE
    welcome: str = ""  # one line for guests
    mode: str = MODES[0]
    passcode: str = ""  # empty: the gallery is open
    wifi: str = field(default="", repr=False)  # SSID:password of the guests' network
    sign_up: bool = False  # whether guests may make themselves accounts
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)  # processes
    threads: int = 512  # requests at once in each process
    max_address_uploads: int | None = None  # at once, in each process; None: half of the threads
    max_address_watchers: int | None = None  # streams, in each process; None: half of all watchers
    stall_seconds: int = 30  # time limit for a connection on which nothing moves
    slowest_bytes_per_second: int = 500  # average of a connection, in either direction
    max_upload_bytes: int = 100 * MEBIBYTE  # one photo
    max_request_bytes: int = 2048 * MEBIBYTE  # one request of several photos
    max_request_photos: int = 1000
    chunk_bytes: int = 4_000_000  # what the page sends at once of a large photo
    max_guest_photos_per_hour: int = 5000
    max_guest_bytes_per_hour: int = 20 * GIBIBYTE
    max_gallery_bytes: int = 1024 * GIBIBYTE  # all photos, and what has arrived of others
    min_free_bytes: int = GIBIBYTE  # free space on the disk, below which nothing is accepted
    max_pixels: int = 100_000_000  # of one photo
    max_jpeg_pixels: int = 250_000_000  # of a baseline JPEG, which is decoded in less memory
    decode_bytes: int = field(  # memory for all photos that are decoded at once
        default_factory=lambda: min(GIGABYTE, machine_bytes() // 2)
    )
    extensions: tuple[str, ...] = EXTENSIONS  # of the formats that are accepted
    keep_location: bool = False  # whether photos keep the place where they were taken
    log: str = LOGS[0]
    metrics_token: str = field(default="", repr=False)  # empty: there is no /metrics
    notify_url: str = field(default="", repr=False)  # is told of new photos; may be secret

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            least = 0 if setting.name == "proxies" else 1
            if type(value) is int and value < least:
                raise _bad(setting.name, f"must be {least} or more, not {value}.")
        for name, least in (
            ("max_guest_bytes_per_hour", self.max_upload_bytes),
            ("max_gallery_bytes", self.max_upload_bytes),
            ("chunk_bytes", -(-self.max_upload_bytes // MAX_CHUNKS)),
        ):
            if getattr(self, name) < least:
                largest = f"the largest photo of {variable_name('max_upload_bytes')} can be sent"
                raise _bad(name, f"must be at least {least}, so that {largest}.")
        for name, choices in (("mode", MODES), ("log", LOGS)):
            if getattr(self, name) not in choices:
                raise _bad(name, f"must be one of: {' '.join(choices)}.")
        if not self.extensions or set(self.extensions) - set(EXTENSIONS):
            raise _bad("extensions", f"must name some of: {' '.join(EXTENSIONS)}.")
        for name, most in (("title", MAX_TITLE), ("welcome", MAX_WELCOME)):
            if len(text := getattr(self, name)) > most or not text.isprintable():
                raise _bad(name, f"must be one line of at most {most} characters.")
        self._check_addresses()
        self._check_invitation()

    def _check_addresses(self) -> None:
        if self.port > MAX_PORT:
            raise _bad("port", f"must be at most {MAX_PORT}.")
        if self.public_url and not SITE.fullmatch(self.public_url):
            example = "https://photos.example.com"
            rule = f"must be the address of a whole site, such as {example}"
            raise _bad("public_url", f"{rule}, not {self.public_url}.")
        if self.notify_url and not NOTIFY_URL.fullmatch(self.notify_url):
            # The address is not repeated: it may be secret, and this is logged.
            raise _bad("notify_url", "must be an address, such as https://ntfy.sh/your-topic.")
        if "://" in self.storage:
            try:
                S3Address.parse(self.storage)
            except BadAddress as reason:
                # The address is not repeated: it may have keys in it, and this is logged.
                raise _bad("storage", f"must be {reason}.") from None
        scheme, separator, _ = self.database.partition("://")
        if separator and scheme != "postgresql":
            rule = "must be a path, or postgresql://user:password@host:port/name"
            raise _bad("database", f"{rule}, not {scheme}://….")

    def _check_invitation(self) -> None:
        if len(self.passcode) > MAX_PASSCODE:
            raise _bad("passcode", f"must be at most {MAX_PASSCODE} characters long.")
        if self.passcode and not fold_name(self.passcode):  # nobody could tell it from none
            raise _bad("passcode", "must have characters that can be seen.")
        if self.passcode and {"", ".", ".."} & set(self.passcode.split("/")):
            # Browsers resolve such segments, and its link would lead elsewhere.
            rule = "must have more than dots before, between and after its slashes."
            raise _bad("passcode", rule)
        name, _ = self.wifi_network
        if self.wifi and (not WIFI.fullmatch(self.wifi) or len(name.encode()) > MAX_SSID_BYTES):
            # The value is not repeated: it may have a password in it, and this is logged.
            rule = "must be the network's name and password, such as Garden:red roses"
            sizes = f"of 1 to {MAX_SSID_BYTES} bytes and 8 to 63 characters"
            raise _bad("wifi", f"{rule}, {sizes}; no password: Garden:.")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> "Config":
        """Read the settings of this process. Raises BadSetting, also for a misspelt variable."""
        known = {setting.name.upper(): setting for setting in fields(cls)}
        variables = list(map(variable_name, known))
        values: dict[str, Any] = {}
        for variable, text in environ.items():
            name, value = variable.removeprefix("DROPWALL_"), text.strip()
            if SERVICE_LINK.fullmatch(f"{variable}={value}"):
                continue
            if name == variable:  # another program's variable, or one with a misspelt prefix
                close = get_close_matches(variable.upper(), variables, 1, cutoff=0.9)
                if not close:
                    continue
                raise BadSetting(
                    f"{variable} isn't a setting of Dropwall. Did you mean {close[0]}?"
                )
            if name not in known:
                close = get_close_matches(name.upper(), known, 1)
                hint = (
                    f"Did you mean DROPWALL_{close[0]}?" if close else "See deployment/README.md."
                )
                raise BadSetting(f"{variable} isn't a setting of Dropwall. {hint}")
            if text and not value:
                raise BadSetting(f"{variable} is blank. Give it a value, or unset it.")
            values[known[name].name] = _parse(variable, value, known[name].type)
        return cls(**values)

    @property
    def shown_title(self) -> str:
        return self.title or DEFAULT_TITLE

    @property
    def wifi_network(self) -> tuple[str, str]:
        """The name and the password of the guests' network; both may be empty."""
        name, _, password = self.wifi.partition(":")
        return name, password

    @property
    def watchers(self) -> int:
        """Open streams in each process: the rest of the threads is for requests that end."""
        return self.threads - max(1, self.threads // 4)

    @property
    def address_requests(self) -> int:
        """Requests of any kind at once from one address, in each process."""
        return self.threads - self.threads // 8

    @property
    def address_uploads(self) -> int:
        """Uploads at once from one address, in each process."""
        return self.max_address_uploads or max(1, self.threads // 2)

    @property
    def address_watchers(self) -> int:
        """Open streams from one address, in each process."""
        return self.max_address_watchers or -(-self.watchers // 2)

    @property
    def storage_address(self) -> str:
        return self.storage or str(self.data)

    @property
    def database_address(self) -> str:
        return self.database or str(self.data / "catalog.sqlite")


def variable_name(setting: str) -> str:
    return f"DROPWALL_{setting.upper()}"


def _bad(setting: str, rule: str) -> BadSetting:
    return BadSetting(f"{variable_name(setting)} {rule}")


def _parse(name: str, text: str, kind: Any) -> Any:
    parse, expected = _KINDS[kind]
    try:
        return parse(text)
    except (ValueError, KeyError):
        raise BadSetting(f"{name} must be {expected}, not {text!r}.") from None


_KINDS: dict[Any, tuple[Callable[[str], Any], str]] = {
    str: (str, "text"),
    Path: (Path, "a path"),
    int: (int, "a whole number"),
    int | None: (int, "a whole number"),
    bool: (lambda text: {"true": True, "false": False}[text.lower()], "true or false"),
    tuple[str, ...]: (lambda text: tuple(text.lower().split()), "words"),
}


def machine_bytes(root: Path = Path("/")) -> int:
    """The memory of this machine, or of its container or service where that is less: the lowest
    limit of the cgroups (v2 or v1) that this process is in, such as systemd's MemoryMax."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    groups = ""
    with suppress(OSError):  # not Linux
        groups = (root / "proc/self/cgroup").read_text()
    for line in groups.splitlines():
        _, controller, path = line.split(":", 2)
        if controller in ("", "memory"):
            group = root / "sys/fs/cgroup" / controller / path.lstrip("/")
            limit = "memory.limit_in_bytes" if controller else "memory.max"
            for limited in (group, *group.parents):  # a container sees its own as the root
                with suppress(OSError, ValueError):  # it may be "max"
                    found = min(found, int((limited / limit).read_text()))
    return found
