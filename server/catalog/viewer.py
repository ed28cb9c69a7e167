"""Viewers of the gallery, and the audiences of photos."""

from dataclasses import dataclass
from enum import IntEnum

EVERYONE, OWNER = "everyone", "owner"
"""Values of `visibility`: who may see a photo, as its owner chooses."""
SHOWN, PENDING, HIDDEN = "shown", "pending", "hidden"
"""Values of `standing`: a photo's moderation state."""


class Audience(IntEnum):
    """The widest group that sees a photo, by its visibility and its moderation state. Each audience
    includes those before it."""

    OWNER = 0
    HOSTS = 1
    EVERYONE = 2


@dataclass(frozen=True)
class Viewer:
    """`guest_id` is empty for a client without a cookie, which owns nothing. `sees_others` is False
    where guests see only their own photos; it does not matter for hosts."""

    guest_id: str = ""
    is_host: bool = False
    sees_others: bool = True


PUBLIC = Viewer()
"""The viewer without a cookie, who sees what everyone sees."""
