"""The formats of photos that Dropwall takes."""

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
