"""Who looks, and so which photos there are."""

from dataclasses import dataclass
from enum import IntEnum

EVERYONE, OWNER = "everyone", "owner"
"""Who may see a photo, as its owner chooses: `visibility`."""
SHOWN, PENDING, HIDDEN = "shown", "pending", "hidden"
"""What the hosts say of it: `standing`."""


class Audience(IntEnum):
    """Of a photo; each with those before it."""

    OWNER = 0
    HOSTS = 1
    EVERYONE = 2


@dataclass(frozen=True)
class Viewer:
    """`guest_id` is empty for a client without a cookie, who owns nothing. Where guests see their
    own photos alone, `sees_others` is False; of hosts it says nothing."""

    guest_id: str = ""
    is_host: bool = False
    sees_others: bool = True


PUBLIC = Viewer()
"""The viewer without a cookie, who sees what everyone sees."""
