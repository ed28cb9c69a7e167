"""A gallery of very many photos, at once: a few pictures under many names."""

import os
import secrets
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from server.moments import write_moment
from tests.photos import photo_bytes
from tests.running_server import RunningServer

SIZES = ((120, 80), (80, 120), (160, 90), (100, 100), (240, 70))
HOURS_APART = 8
"""A thousand photos are a year's."""
FILES = (("thumbnails", "-320.webp"), ("thumbnails", "-640.webp"), ("originals", ".png"))


def add_many(server: RunningServer, count: int) -> list[str]:
    """Photos of nobody who is asked for, `1.png` and so on, into an empty gallery that no page
    shows yet. Returns their ids, the newest first."""
    pictures = [
        (f"{number}.png", photo_bytes("png", number, size, metadata=False))
        for number, size in enumerate(SIZES, 1)
    ]
    assert server.send(*pictures).status_code == 204
    with closing(sqlite3.connect(server.data / "catalog.sqlite")) as catalog, catalog:
        catalog.row_factory = sqlite3.Row
        sent = list(catalog.execute("SELECT * FROM photos ORDER BY version"))
        rows = [_row(sent, version, count) for version in range(1, count + 1)]
        for row in rows[len(sent) :]:
            _link_files(server.data, sent[(row["version"] - 1) % len(sent)]["id"], row["id"])
        catalog.execute("DELETE FROM photos")
        columns = [f":{column}" for column in rows[0]]
        catalog.executemany(f"INSERT INTO photos VALUES ({', '.join(columns)})", rows)
        size = sum(row["bytes"] for row in rows)
        catalog.execute(
            "UPDATE gallery SET version = :count, hosts_version = :count,"
            " everyones_version = :count, total = :count, bytes = :size",
            {"count": count, "size": size},
        )
    return [row["id"] for row in reversed(rows)]


def _row(sent: list[sqlite3.Row], version: int, count: int) -> dict:
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


def _link_files(data: Path, sent_id: str, photo_id: str) -> None:
    for folder, ending in FILES:
        path = data / folder / photo_id[:2] / f"{photo_id}{ending}"
        path.parent.mkdir(exist_ok=True)
        os.link(data / folder / sent_id[:2] / f"{sent_id}{ending}", path)
