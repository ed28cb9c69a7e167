"""Whatever happens to photos, everybody sees and is told of what is for them, and no more."""

from dataclasses import dataclass, field, replace
from random import Random

import pytest
from sqlalchemy import select, update

from server.catalog import (
    EVERYONE,
    HIDDEN,
    OWNER,
    PENDING,
    SHOWN,
    Catalog,
    Changes,
    Database,
    GuestCatalog,
    NoSuchPhoto,
    PhotoLists,
    SamePhoto,
    Selection,
    UsageCatalog,
    Viewer,
    Which,
)
from server.catalog.counts import WITHHELD
from server.catalog.tables import gallery, guests
from tests.catalog.test_catalog import MORNING, photo

STEPS = 60
CONTENTS = 12
SENDERS = ("ann", "bo", "camera", "host")
HOST = Viewer("host", is_host=True)
VIEWERS = (
    Viewer(),
    Viewer("ann"),
    Viewer("bo"),
    HOST,
    Viewer(sees_others=False),
    Viewer("ann", sees_others=False),
    Viewer("bo", sees_others=False),
)


@dataclass
class Row:
    """What a person would say of a photo."""

    guest_id: str
    content: int
    visibility: str
    standing: str
    removed_by: str = ""

    def is_seen_by(self, viewer: Viewer) -> bool:
        if self.removed_by:
            return False
        if viewer.guest_id == self.guest_id:
            return True
        if self.visibility == OWNER:
            return False
        return viewer.is_host or (viewer.sees_others and self.standing == SHOWN)


@dataclass
class Page:
    """As the page keeps it: ids, with what they are, from the changes it is told."""

    shown: dict[str, tuple[str, str]] = field(default_factory=dict)
    version: int = 0
    total: int = 0

    def take(self, changes: Changes) -> None:
        for photo_id in changes.removed:
            self.shown.pop(photo_id, None)
        self.shown |= {each.id: (each.visibility, each.standing) for each in changes.photos}
        self.version, self.total = changes.version, changes.total


class Story:
    """The gallery, and what it should be."""

    def __init__(self, database: Database, random: Random) -> None:
        self.catalog, self.lists = Catalog(database), PhotoLists(database)
        self.guests, self.usage = GuestCatalog(database), UsageCatalog(database)
        self.random = random
        self.rows: dict[str, Row] = {}
        self.adopted: dict[str, str] = {}

    def act(self) -> None:
        """Something that somebody may do."""
        acts = [self.add] * 3 + [self.change, self.judge, self.judge, self.remove, self.restore]
        self.random.choice([*acts, self.remove_all, self.adopt])()

    def add(self) -> None:
        guest_id = self.random.choice(SENDERS)
        visibility = self.random.choice((EVERYONE, EVERYONE, OWNER))
        row = Row(guest_id, self.random.randrange(CONTENTS), visibility, self._any_standing())
        number = len(self.rows) + 1
        new = replace(
            photo(number),
            guest_id=guest_id,
            sha256=f"{row.content:064x}",
            visibility=row.visibility,
            standing=row.standing,
        )
        row.guest_id = self.adopted.get(guest_id, guest_id)
        try:
            self.catalog.add_photo(new)
        except SamePhoto:
            assert self._holds(row)
        else:
            assert not self._holds(row)
            self.rows[new.id] = row

    def change(self) -> None:
        if chosen := self._any():
            visibility = self.random.choice((EVERYONE, OWNER))
            self.catalog.change_photos(Which([chosen]), visibility=visibility)
            if not self.rows[chosen].removed_by:
                self.rows[chosen].visibility = visibility

    def judge(self) -> None:
        chosen = self.random.sample(sorted(self.rows), k=min(3, len(self.rows)))
        standing = self.random.choice((SHOWN, HIDDEN))
        self.catalog.change_photos(Which(chosen, viewer=HOST), standing=standing)
        for row in map(self.rows.__getitem__, chosen):
            if row.is_seen_by(HOST):
                row.standing = standing

    def remove(self) -> None:
        if chosen := self._any():
            row = self.rows[chosen]
            by_guest = self.random.choice((row.guest_id, HOST.guest_id))
            self.catalog.remove_photos(Which([chosen]), MORNING, by_guest)
            row.removed_by = row.removed_by or by_guest

    def remove_all(self) -> None:
        guest_id = self.random.choice(("bo", "camera"))
        self.catalog.remove_photos(Which(guest_id=guest_id), MORNING, HOST.guest_id)
        for row in self.rows.values():
            if row.guest_id == guest_id:
                row.removed_by = row.removed_by or HOST.guest_id

    def restore(self) -> None:
        if not (chosen := self._any()):
            return
        row = self.rows[chosen]
        viewer = self.random.choice((Viewer(row.guest_id), Viewer("bo"), HOST))
        is_owner = viewer.guest_id == row.guest_id
        may = (viewer.is_host and row.visibility == EVERYONE) or (
            is_owner and row.removed_by == row.guest_id
        )
        try:
            self.catalog.restore_photo(chosen, viewer)
        except NoSuchPhoto:
            assert not (row.removed_by and may)
        except SamePhoto:
            assert self._holds(row)
        else:
            assert row.removed_by
            assert may
            row.removed_by = ""

    def adopt(self) -> None:
        """Somebody signs in with the camera."""
        self.guests.adopt("camera", "ann")
        self.adopted["camera"] = "ann"
        for row in self.rows.values():
            if row.guest_id == "camera":
                if not row.removed_by and self._holds(replace(row, guest_id="ann")):
                    row.removed_by = "ann"
                if row.removed_by == "camera":
                    row.removed_by = "ann"
                row.guest_id = "ann"

    def seen_by(self, viewer: Viewer) -> dict[str, tuple[str, str]]:
        return {
            photo_id: (row.visibility, row.standing)
            for photo_id, row in self.rows.items()
            if row.is_seen_by(viewer)
        }

    def _holds(self, row: Row) -> bool:
        return any(
            (other.guest_id, other.content) == (row.guest_id, row.content)
            for other in self.rows.values()
            if not other.removed_by
        )

    def _any(self) -> str | None:
        return self.random.choice(sorted(self.rows)) if self.rows else None

    def _any_standing(self) -> str:
        return self.random.choice((SHOWN, SHOWN, PENDING))


def read_kept_counts(database: Database) -> list[object]:
    with database.snapshot() as connection:
        theirs = select(guests.c.id, guests.c.photos).order_by(guests.c.id)
        return [*connection.execute(select(gallery)), *connection.execute(theirs)]


@pytest.mark.parametrize("seed", range(8))
def test_all_see_and_are_told_what_is_for_them_and_no_more(database: Database, seed: int) -> None:
    story = Story(database, Random(seed))
    asking = {viewer: Page() for viewer in VIEWERS}
    watching = {viewer: Page() for viewer in VIEWERS}
    seen = {viewer: story.seen_by(viewer) for viewer in VIEWERS}
    for _ in range(STEPS):
        version = story.lists.version()
        owners = [row.guest_id for row in story.rows.values()]
        story.act()
        _, news = story.lists.news(version, 999, VIEWERS)
        for viewer in VIEWERS:
            former, seen[viewer] = seen[viewer], story.seen_by(viewer)
            page = story.lists.list_photos(99, viewer=viewer)
            assert {each.id for each in page.photos} == seen[viewer].keys()
            assert page.total == len(seen[viewer])
            known = asking[viewer].version
            asking[viewer].take(story.lists.changes_since(known, 999, viewer))
            assert asking[viewer].shown == seen[viewer]
            assert asking[viewer].total == len(seen[viewer])
            if changes := news.get(viewer):
                watching[viewer].take(changes)
                assert watching[viewer].total == len(seen[viewer])
            assert watching[viewer].shown == seen[viewer]
            # A photo that changes hands is told of as one that has changed.
            has_adopted = owners != [row.guest_id for row in story.rows.values()][: len(owners)]
            if seen[viewer] == former and not (viewer.guest_id or has_adopted):
                assert asking[viewer].version == known
                assert viewer not in news
    for viewer in VIEWERS:
        for only in ("private", PENDING, HIDDEN):
            chosen = story.lists.list_photos(99, None, Selection(only=only), viewer)
            kinds = {("private" if v == OWNER else s) for v, s in seen[viewer].values()}
            assert bool(chosen.photos) == (only in kinds)
    listed = [row for row in story.rows.values() if not row.removed_by]
    overview = story.usage.overview()
    assert overview.photos == len(listed)
    assert overview.private.photos == sum(row.visibility == OWNER for row in listed)
    for standing, count in ((PENDING, overview.pending), (HIDDEN, overview.hidden)):
        judged = [row for row in listed if (row.visibility, row.standing) == (EVERYONE, standing)]
        assert count == len(judged)
    assert overview.guests == len({row.guest_id for row in listed})
    kept = read_kept_counts(database)
    story.usage.recount()
    assert read_kept_counts(database) == kept
    with database.transaction() as connection:
        connection.execute(update(gallery).values(dict.fromkeys(WITHHELD, 0)))
        connection.execute(update(guests).values(photos=0))
    story.usage.recount_withheld()
    assert read_kept_counts(database) == kept
