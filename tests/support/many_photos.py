"""A gallery of very many photos, at once: a few pictures under many names."""

import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import RowMapping, delete, select, update

from server.catalog.counts import recount
from server.catalog.tables import gallery, photos
from server.images import THUMBNAIL_WIDTHS
from server.moments import write_moment
from server.storage.keys import original_key, thumbnail_key
from tests.support.engines import catalog_of, storage_of
from tests.support.gallery_server import GalleryServer
from tests.support.photos import photo_bytes

SIZES = ((120, 80), (80, 120), (160, 90), (100, 100), (240, 70))
HOURS_APART = 8
"""A thousand photos are a year's."""
PUTS_AT_ONCE = 8


def add_many(server: GalleryServer, count: int) -> list[str]:
    """Photos of nobody who is asked for, `1.png` and so on, into an empty gallery that no page
    shows yet. Returns their ids, the newest first."""
    pictures = [
        (f"{number}.png", photo_bytes("png", number, size, metadata=False))
        for number, size in enumerate(SIZES, 1)
    ]
    assert server.send(*pictures).status_code == 204
    with catalog_of(server.data) as catalog:
        sent = catalog.execute(select(photos).order_by(photos.c.version)).mappings().all()
        rows = [_row(sent, version, count) for version in range(1, count + 1)]
        _copy_files(
            server.data,
            [
                (sent[(row["version"] - 1) % len(sent)]["id"], row["id"])
                for row in rows[len(sent) :]
            ],
        )
        catalog.execute(delete(photos))
        catalog.execute(photos.insert(), rows)
        versions = dict.fromkeys(("version", "hosts_version", "everyones_version"), count)
        catalog.execute(update(gallery).values(versions))
        recount(catalog)
    return [row["id"] for row in reversed(rows)]


def _row(sent: list[RowMapping], version: int, count: int) -> dict:
    """The photo that the gallery's `version` added; the first are those that were really sent."""
    row = dict(sent[(version - 1) % len(sent)])
    age = timedelta(hours=HOURS_APART * (count - version + 1))
    moment = write_moment(datetime.now(UTC) - age)
    if version > len(sent):
        name = f"{version}.png"
        row |= {"id": secrets.token_hex(16), "sha256": f"{version:064x}", "name": name}
        row["folded_name"] = name
    versions = {"version": version, "shown_version": version}
    return row | versions | {"uploaded": moment, "moment": moment}


def _copy_files(data: Path, copies: list[tuple[str, str]]) -> None:
    """Each from a photo to another."""
    storage = storage_of(data)
    stored: dict[str, bytes] = {}
    for key in {key for photo_id, _ in copies for key in _keys(photo_id)}:
        with storage.open(key) as file:
            stored[key] = file.read()

    def copy(pair: tuple[str, str]) -> None:
        for source, target in zip(*map(_keys, pair), strict=True):
            if (path := data / source).exists():
                (data / target).parent.mkdir(exist_ok=True)
                os.link(path, data / target)
            else:
                storage.put_bytes(target, stored[source])

    with ThreadPoolExecutor(PUTS_AT_ONCE) as pool:
        list(pool.map(copy, copies))


def _keys(photo_id: str) -> list[str]:
    thumbnails = [thumbnail_key(photo_id, width) for width in THUMBNAIL_WIDTHS]
    return [original_key(photo_id, "png"), *thumbnails]
