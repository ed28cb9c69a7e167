"""Visibility by a random model: all see and are notified of what is for them, and no more."""

from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from sqlalchemy import select, update

from dropwall.catalog import photos
from dropwall.catalog.changes import GUEST_COUNTS, find_closed_at, set_closed_at
from dropwall.catalog.feed import Changes
from dropwall.catalog.guests import Amount, Overview, Sender
from dropwall.catalog.lists import PhotoQuery
from dropwall.catalog.photos import PhotoFilter, SamePhoto
from dropwall.catalog.tables import EVERYONE, HIDDEN, OWNER, PENDING, SHOWN, gallery, guests
from dropwall.catalog.visibility import Viewer
from dropwall.refusals import NoSuchPhoto
from tests.support.catalog_rows import MORNING, NOON, PHOTO, PUBLIC, FilledCatalog, no_limits

CONTENTS = 12
SENDERS = ("ann", "bo", "camera", "host")
HOST = Viewer("host", is_host=True)
VIEWERS = (
    PUBLIC,
    HOST,
    Viewer(sees_others=False),
    *(Viewer(guest, sees_others=sees) for guest in ("ann", "bo") for sees in (True, False)),
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

    @property
    def was_withheld(self) -> bool:
        """A host has hidden it, or removed what others saw: sent again, it is hidden."""
        by_host = self.removed_by not in ("", self.guest_id) and self.visibility == EVERYONE
        return bool(self.removed_by) and (self.standing == HIDDEN or by_host)


@dataclass
class Page:
    """As the page keeps it: ids, with what they are, from the changes it is told."""

    shown: dict[str, tuple[str, str]] = field(default_factory=dict)
    version: int = 0
    total: int = 0
    has_more: bool = False

    def take(self, changes: Changes) -> None:
        assert not changes.reset
        for photo_id in changes.removed:
            self.shown.pop(photo_id, None)
        self.shown |= {each.id: (each.visibility, each.standing) for each in changes.photos}
        self.version, self.total = changes.version, changes.total
        self.has_more = changes.more


class Story:
    """The gallery, and what it should be."""

    def __init__(self, catalog: FilledCatalog, random: Random) -> None:
        self.catalog, self.random = catalog, random
        self.rows: dict[str, Row] = {}
        self.adopted: dict[str, str] = {}
        self.judged: tuple[list[str], str, str] = ([], SHOWN, HIDDEN)

    def act(self) -> None:
        """Something that somebody may do."""
        acts = [self.add] * 3 + [self.change, self.judge, self.judge, self.remove, self.restore]
        more = [self.judge_some, self.undo_judgement, self.remove_all, self.adopt]
        self.random.choice([*acts, *more])()

    def add(self) -> None:
        guest_id, choose = self.random.choice(SENDERS), self.random.choice
        row = Row(
            guest_id=self.adopted.get(guest_id, guest_id),
            content=self.random.randrange(CONTENTS),
            visibility=choose((EVERYONE, EVERYONE, OWNER)),
            standing=choose((SHOWN, SHOWN, PENDING)),
        )
        try:
            added = self.catalog.add(
                len(self.rows) + 1,
                guest_id=guest_id,
                sha256=f"{row.content:064x}",
                visibility=row.visibility,
                standing=row.standing,
            )
        except SamePhoto:
            assert self._holds(row)
        else:
            assert not self._holds(row)
            if any(former.was_withheld for former in self._same(row)):
                row.standing = HIDDEN
            self.rows[added.id] = row

    def change(self) -> None:
        if chosen := self._any():
            visibility = self.random.choice((EVERYONE, OWNER))
            self.catalog.photos.change_photos(PhotoFilter([chosen]), visibility=visibility)
            if not self.rows[chosen].removed_by:
                self.rows[chosen].visibility = visibility

    def judge(self) -> None:
        chosen = self.random.sample(sorted(self.rows), k=min(3, len(self.rows)))
        standing = self.random.choice((SHOWN, HIDDEN))
        self.catalog.photos.change_photos(PhotoFilter(chosen, viewer=HOST), standing=standing)
        for row in map(self.rows.__getitem__, chosen):
            if row.is_seen_by(HOST):
                row.standing = standing

    def judge_some(self) -> None:
        """Of all photos, those that have a certain state."""
        former, standing = self.random.sample((SHOWN, PENDING, HIDDEN), k=2)
        self.judged = self._judge(sorted(self.rows), former, standing), former, standing

    def undo_judgement(self) -> None:
        """Whatever has happened since."""
        photo_ids, former, standing = self.judged
        self._judge(photo_ids, standing, former)

    def _judge(self, photo_ids: list[str], former: str, standing: str) -> list[str]:
        which = PhotoFilter(photo_ids, standing=former, viewer=HOST)
        changed = self.catalog.photos.change_photos(which, standing=standing)
        rows = [(photo_id, self.rows[photo_id]) for photo_id in photo_ids]
        expected = [
            photo_id for photo_id, row in rows if row.is_seen_by(HOST) and row.standing == former
        ]
        assert sorted(changed) == sorted(expected)
        for photo_id in expected:
            self.rows[photo_id].standing = standing
        return changed

    def remove(self) -> None:
        if chosen := self._any():
            row = self.rows[chosen]
            by_guest = self.random.choice((row.guest_id, HOST.guest_id))
            self.catalog.photos.remove_photos(PhotoFilter([chosen]), MORNING, by_guest)
            row.removed_by = row.removed_by or by_guest

    def remove_all(self) -> None:
        guest_id = self.random.choice(("bo", "camera"))
        self.catalog.photos.remove_photos(PhotoFilter(guest_id=guest_id), MORNING, HOST.guest_id)
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
            self.catalog.photos.restore_photo(chosen, viewer, MORNING, no_limits)
        except NoSuchPhoto:
            assert not (row.removed_by and may)
        else:
            assert row.removed_by
            assert may
            if not self._holds(row):  # or they have sent it again
                row.removed_by = ""

    def adopt(self) -> None:
        """Somebody signs in with the camera."""
        self.catalog.adopt("camera", "ann")
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
        return any(not other.removed_by for other in self._same(row))

    def _same(self, row: Row) -> list[Row]:
        return [
            other
            for other in self.rows.values()
            if (other.guest_id, other.content) == (row.guest_id, row.content)
        ]

    def _any(self) -> str | None:
        return self.random.choice(sorted(self.rows)) if self.rows else None


@pytest.mark.parametrize(
    ("seed", "steps"),
    [
        (0, 60),
        *(pytest.param(seed, 100, marks=pytest.mark.slow) for seed in range(1, 9)),
    ],
)
def test_everybody_sees_and_is_notified_of_what_they_may_see(
    catalog: FilledCatalog, seed: int, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "MAX_IDS", 2)  # so that much is told in pieces
    story = Story(catalog, Random(seed))
    asking = {viewer: Page() for viewer in VIEWERS}
    watching = {viewer: Page() for viewer in VIEWERS}
    seen = {viewer: story.seen_by(viewer) for viewer in VIEWERS}
    for _ in range(steps):
        version = catalog.feed.find_version()
        owners = [row.guest_id for row in story.rows.values()]
        story.act()
        _, news = catalog.feed.read_news(version, 5, VIEWERS)
        # A photo that changes hands is told of as one that has changed.
        has_adopted = owners != [row.guest_id for row in story.rows.values()][: len(owners)]
        for viewer in VIEWERS:
            former, seen[viewer] = seen[viewer], story.seen_by(viewer)
            page = catalog.lists.list_photos(99, viewer=viewer)
            asked, watched = asking[viewer], watching[viewer]
            known = asked.version
            asked.take(catalog.feed.read_changes(known, 5, viewer))
            while asked.has_more:
                asked.take(catalog.feed.read_changes(asked.version, 5, viewer))
            for changes in news.get(viewer, ()):
                watched.take(changes)
            assert {each.id for each in page.photos} == seen[viewer].keys()
            assert asked.shown == watched.shown == seen[viewer]
            assert page.total == asked.total == watched.total == len(seen[viewer])
            if seen[viewer] == former and not (viewer.guest_id or has_adopted):
                assert asked.version == known
                assert viewer not in news
    for viewer in VIEWERS:
        kinds = {"private" if v == OWNER else standing for v, standing in seen[viewer].values()}
        for only in ("private", PENDING, HIDDEN):
            found = catalog.listed(PhotoQuery(only=only), viewer)
            assert bool(found) == (only in kinds)
    check_counts(catalog, [row for row in story.rows.values() if not row.removed_by])


def test_everybody_is_notified_of_a_gallery_that_closes_or_opens(catalog: FilledCatalog) -> None:
    """Whatever they see; and of nothing when it is so already."""
    catalog.add(1, guest_id="ann", visibility=OWNER)
    known = {viewer: catalog.feed.find_known_version(viewer) for viewer in VIEWERS}
    for closed_at in (MORNING, None):
        version = catalog.feed.find_version()
        set_closed_at(catalog.database, closed_at)
        _, news = catalog.feed.read_news(version, 5, VIEWERS)
        assert find_closed_at(catalog.database) == closed_at
        for viewer in VIEWERS:
            total = catalog.lists.list_photos(9, viewer=viewer).total
            asked = catalog.feed.read_changes(known[viewer], 5, viewer)
            assert news[viewer] == [asked]
            assert (asked.photos, asked.removed, asked.total) == ([], [], total)
            assert asked.closed_at == closed_at
            assert known[viewer] < asked.version == catalog.feed.find_known_version(viewer)
            known[viewer] = asked.version
        set_closed_at(catalog.database, closed_at and NOON)
        assert find_closed_at(catalog.database) == closed_at
        assert catalog.feed.find_known_version(PUBLIC) == known[PUBLIC]


def test_senders_are_listed_by_the_bytes_that_are_still_here(catalog: FilledCatalog) -> None:
    for number, guest_id in enumerate(("ann", "bo", "", "ann", "bo"), 1):
        catalog.add(number, guest_id=guest_id, bytes=1000 * number, uploaded=f"{number}")
    catalog.guests.name_guest("ann", "Ann")
    catalog.remove(5)
    ann, nobody, bo = (
        Sender("Ann", 2, 5000, "4"),
        Sender("", 1, 3000, "3"),
        Sender("", 1, 2000, "2"),
    )
    assert catalog.guests.list_by_size(9) == [ann, nobody, bo]
    assert catalog.guests.list_by_size(1) == [ann]


def check_counts(catalog: FilledCatalog, listed: list[Row]) -> None:
    """Those that are kept, and that they are the same when they are counted again."""
    private = [row for row in listed if row.visibility == OWNER]
    others = Counter(row.standing for row in listed if row.visibility == EVERYONE)
    assert catalog.guests.overview() == Overview(
        photos=len(listed),
        bytes=PHOTO.bytes * len(listed),
        pending=others[PENDING],
        hidden=others[HIDDEN],
        private=Amount(len(private), PHOTO.bytes * len(private)),
        guests=len({row.guest_id for row in listed}),
    )

    def read_kept() -> list[object]:
        with catalog.database.snapshot() as connection:
            of_guests = select(guests.c.id, *GUEST_COUNTS.values()).order_by(guests.c.id)
            return [*connection.execute(select(gallery)), *connection.execute(of_guests)]

    kept = read_kept()
    catalog.guests.recount()
    assert read_kept() == kept
    with catalog.database.transaction() as connection:
        connection.execute(update(gallery).values(total=0, pending=7))
        connection.execute(update(guests).values(shown=7, private=7))
    catalog.guests.recount()
    assert read_kept() == kept
