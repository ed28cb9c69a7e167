"""Reads photos in this process, but for the decoders."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from dropwall.images.pictures import Picture
from dropwall.images.reading import Images
from dropwall.images.slots import Slots


@pytest.fixture
def images(tmp_path: Path) -> Images:
    return Images(
        max_pixels=100_000_000, max_jpeg_pixels=250_000_000, slots=Slots(tmp_path, 2, 10**9)
    )


@pytest.fixture
def read(images: Images) -> Callable[[bytes], Picture]:
    def read(content: bytes) -> Picture:
        with TemporaryFile() as file:
            file.write(content)
            return images.read_photo(file)

    return read
