"""The photo formats that Dropwall accepts.

A further format needs: a line in FORMATS; its first bytes and its parser in `parsing`, in a module
of its own beside `jpeg`, `png`, `gif`, `webp` and `heif`; what decoding costs in `bounds`; the
library that opens it in `reading._open`; and a look at `location`: a location that the format
compresses or splits is not found without code of its own. Tests follow from `photo_bytes` in
tests/support/photos.py, test_containers.PHOTOS and bad_photos.DAMAGED.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """`name` is how people call it; `spellings` are its extensions, the true one first."""

    name: str
    mimetype: str
    spellings: tuple[str, ...]

    @property
    def extension(self) -> str:
        return self.spellings[0]


FORMATS = (
    Format("JPEG", "image/jpeg", ("jpg", "jpeg", "jpe", "jfif", "mpo")),
    Format("PNG", "image/png", ("png", "apng")),
    Format("GIF", "image/gif", ("gif",)),
    Format("WebP", "image/webp", ("webp",)),
    Format("AVIF", "image/avif", ("avif",)),
    Format("HEIC", "image/heic", ("heic", "heif", "hif")),
)
BY_EXTENSION = {spelling: kind for kind in FORMATS for spelling in kind.spellings}
