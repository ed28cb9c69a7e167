"""A gallery of very many photos, at once: a few pictures under many names."""

import os
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update

from dropwall.catalog.changes import recount
from dropwall.catalog.tables import changes, gallery, photos
from dropwall.images.reading import THUMBNAIL_WIDTHS
from dropwall.photos.files import original_key, thumbnail_key
from dropwall.timestamps import write_moment
from tests.support.engines import catalog_of
from tests.support.gallery_server import Gallery
from tests.support.photos import photo_bytes

SIZES = ((120, 80), (80, 120), (160, 90), (100, 100), (240, 70))
HOURS_APART = 8
"""A thousand photos are a year's."""


def add_many(server: Gallery, count: int) -> list[str]:
    """Photos of nobody who is asked for, `1.png` and so on, into an empty gallery on a folder that
    no page shows yet. Returns their ids, the newest first."""
    pictures = [
        (f"{number}.png", photo_bytes("png", number, size, metadata=False))
        for number, size in enumerate(SIZES, 1)
    ]
    assert server.send(*pictures).status_code == 204
    with catalog_of(server.data) as catalog:
        sent = catalog.execute(select(photos).order_by(photos.c.version)).mappings().all()
        rows = [dict(sent[number % len(sent)]) for number in range(count)]
        for version, row in enumerate(rows, 1):
            age = timedelta(hours=HOURS_APART * (count - version + 1))
            moment = write_moment(datetime.now(UTC) - age)
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
