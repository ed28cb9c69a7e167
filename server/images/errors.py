"""What can be wrong with the bytes of a photo."""

import struct

from ..refusals import DamagedPhoto, NotAPhoto, TooLongAnimation, TooManyPixels, TooMuchToDecode

BROKEN = (
    *(OSError, ValueError, SyntaxError, RuntimeError, EOFError, struct.error),
    *(KeyError, IndexError, TypeError, AttributeError, OverflowError),
)
"""What Pillow and its plugins were seen to raise for broken files."""


BAD_PHOTOS = (NotAPhoto, DamagedPhoto, TooManyPixels, TooLongAnimation, TooMuchToDecode)
"""What the same bytes will always be refused for."""
