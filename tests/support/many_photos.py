"""A gallery of very many photos, at once: a few pictures under many names."""

import os
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update

from dropwall.catalog.changes import recount
from dropwall.catalog.tables import changes, gallery, photos
from dropwall.images.pictures import THUMBNAIL_WIDTHS
from dropwall.photos.files import original_key, thumbnail_key
from tests.support.engines import catalog_of
from tests.support.gallery_server import Gallery
from tests.support.photos import photo_bytes

SIZES = ((120, 80), (80, 120), (160, 90), (100, 100), (240, 70))
HOURS_APART = 8
"""A thousand photos are a year's."""


def add_many(
    server: Gallery,
    count: int,
    hours_apart: float = HOURS_APART,
    newest: str = "",
) -> list[str]:
    """Photos of nobody who is asked for, `1.png` and so on, into an empty gallery on a folder that
    no page shows yet. `newest` is when the last of them came, in UTC; without it, a while ago.
    Returns their ids, the newest first."""
    apart = timedelta(hours=hours_apart)
    last = datetime.fromisoformat(newest) if newest else datetime.now(UTC) - apart
    pictures = [
        (f"{number}.png", photo_bytes("png", number, size, metadata=False))
        for number, size in enumerate(SIZES, 1)
    ]
    assert server.send(*pictures).status_code == 204
    with catalog_of(server.data) as catalog:
        sent = catalog.execute(select(photos).order_by(photos.c.version)).mappings().all()
        rows = [dict(sent[number % len(sent)]) for number in range(count)]
        for version, row in enumerate(rows, 1):
            moment = f"{last - apart * (count - version):%Y-%m-%dT%H:%M:%SZ}"
            row |= {"version": version}
            row |= {"uploaded": moment, "moment": moment}
            if version > len(sent):
                files, name = _files(row["id"]), f"{version}.png"
                row |= {"id": secrets.token_hex(16), "sha256": f"{version:064x}"}
                row |= {"name": name, "folded_name": name}
                for file, copy in zip(files, _files(row["id"]), strict=True):
                    (server.data / copy).parent.mkdir(exist_ok=True)
                    os.link(server.data / file, server.data / copy)
        catalog.execute(delete(photos))
        catalog.execute(photos.insert(), rows)
        recorded = {"version": count, "guest_id": "", "photo_id": "", "audience": 2}
        catalog.execute(changes.insert().values(recorded))
        catalog.execute(update(gallery).values(version=count))
        recount(catalog)
    return [row["id"] for row in reversed(rows)]


def _files(photo_id: str) -> list[str]:
    thumbnails = [thumbnail_key(photo_id, width) for width in THUMBNAIL_WIDTHS]
    return [original_key(photo_id, "png"), *thumbnails]
