"""What can be wrong with the bytes of a photo."""

import struct

BROKEN = (
    *(OSError, ValueError, SyntaxError, RuntimeError, EOFError, struct.error),
    *(KeyError, IndexError, TypeError, AttributeError, OverflowError),
)
"""What Pillow and its plugins were seen to raise for broken files."""


class NotAPhoto(Exception):
    """The bytes are no photo in a format that Dropwall takes."""


class DamagedPhoto(Exception):
    """The photo begins well and cannot be decoded to its end."""


class TooLongAnimation(Exception):
    """All frames together would take too long to decode."""


class NoDecoder(Exception):
    """The machine has no process or memory left to decode a photo now."""


class TooMuchToDecode(Exception):
    """The photo needs more memory or time than one may have."""


class TooManyPixels(Exception):
    """The photo is larger than `max_pixels`."""

    def __init__(self, max_pixels: int) -> None:
        super().__init__(max_pixels)
        self.max_pixels = max_pixels


BAD_PHOTOS = (NotAPhoto, DamagedPhoto, TooManyPixels, TooLongAnimation, TooMuchToDecode)
"""What the same bytes will always be refused for."""
