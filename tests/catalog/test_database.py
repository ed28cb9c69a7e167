"""The database under the catalog: many who use it at once, and everything that can be wrong."""

import os
import re
import signal
import sqlite3
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path

import psycopg
import pytest
import requests
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from dropwall import create_app
from dropwall.catalog import accounts
from dropwall.catalog.changes import advance
from dropwall.catalog.database import Database, keep_secret, open_database
from dropwall.catalog.lists import PhotoQuery
from dropwall.catalog.photos import PhotoFilter
from dropwall.catalog.schema import UnusableCatalog
from dropwall.config import Config
from dropwall.photos.files import owner_id
from dropwall.photos.watchers import Watchers
from dropwall.refusals import CatalogUnavailable, NoSuchPhoto, NoSuchUpload
from tests.support.catalog_rows import (
    GUEST,
    MORNING,
    PUBLIC,
    FilledCatalog,
    empty_database,
    load_gallery,
    no_limits,
    old_gallery,
    photo,
)
from tests.support.cut_commits import CutCommits
from tests.support.gallery_server import ROOT, GalleryServer, start_gunicorn
from tests.support.photos import photo_bytes
from tests.support.ports import closed_port
from tests.support.postgresql import PASSWORD, PostgreSQL
from tests.support.waiting import PATIENCE_SECONDS, meanwhile, wait_until

BUSY = "The gallery is busy right now. Try again in a few seconds."
WRITERS = 8
ENOUGH_SECONDS = 20
"""Less than a writer waits for another one."""
A_MOMENT_SECONDS = 0.3
"""So long, at least, somebody waits who must wait for another one."""


def at_once(*works: Callable[[], object]) -> None:
    """Each many times, all beside each other; what one of them raises is raised."""
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work) for _ in range(20) for work in works]:
            done.result()


@contextmanager
def killed(postgresql: PostgreSQL) -> Iterator[None]:
    """PostgreSQL, until the block ends, however it does: other tests need it, too."""
    postgresql.kill()
    try:
        yield
    finally:
        postgresql.start()


def execute(address: str, *statements: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def make_unknown(address: str) -> None:
    """As a newer Dropwall leaves it."""
    with open_database(address).transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))


# Many at once


def test_a_page_is_of_one_moment_whatever_happens_meanwhile(catalog: FilledCatalog) -> None:
    is_over = threading.Event()

    def come_and_go() -> None:
        for number in range(60):
            catalog.add(number)
            if number % 3 == 2:
                catalog.photos.remove_photos(PhotoFilter(guest_id="guest"), MORNING, "guest")
        is_over.set()

    with meanwhile(come_and_go):
        while not is_over.is_set():
            page = catalog.lists.list_photos(99, viewer=PUBLIC)
            assert len(page.photos) == page.total
            _, news = catalog.feed.read_news(page.version, 99, [PUBLIC])
            for changes in news.get(PUBLIC, ()):  # one piece
                known = {each.id for each in page.photos} - set(changes.removed)
                assert len(known | {each.id for each in changes.photos}) == changes.total


def test_what_only_reads_waits_for_no_writer(catalog: FilledCatalog) -> None:
    catalog.add(1)

    def read() -> None:
        assert catalog.listed() == [1]
        assert (
            catalog.lists.list_photos(9, None, PhotoQuery(), viewer=PUBLIC, sizes_only=True).total
            == 1
        )
        assert catalog.photos.find_photo(photo(1).id, PUBLIC).name == "1.jpg"
        assert catalog.orphans.find_unsummed("", 9)
        assert catalog.orphans.unpurged_photos(MORNING, 9) == []
        assert catalog.feed.read_changes(0, 9, PUBLIC).photos
        assert catalog.photos.find_owner_id("guest") == "guest"
        assert catalog.guests.find_name("guest") == ""
        assert catalog.guests.list_senders(9, PUBLIC) == []
        assert catalog.guests.count_photos("guest") == catalog.guests.overview().photos == 1
        assert catalog.photos.find_usage("guest", MORNING).sent_photos == 1
        assert catalog.orphans.known_ids([photo(1).id]) == {photo(1).id}
        assert catalog.orphans.removed_ids([photo(1).id]) == catalog.uploads.known_ids(["1"])
        assert catalog.uploads.received("1") == catalog.uploads.ids_untouched_since(MORNING, 9)
        assert not catalog.uploads.has_chunk("1", 1)
        assert accounts.list_accounts(catalog.database) == []
        assert accounts.find_account(catalog.database, "1") is None
        assert accounts.list_failures(catalog.database, ["name"]) == []
        catalog.database.check()

    with ThreadPoolExecutor(1) as pool:
        with catalog.database.transaction() as connection:
            advance(connection)
            reading = pool.submit(read)
            assert wait([reading], ENOUGH_SECONDS).done
        reading.result()


def test_whoever_waits_very_long_to_write_is_told_that_the_catalog_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dropwall.catalog.sqlite.LOCK_WAIT_SECONDS", 0.05)
    database = open_database(str(tmp_path / "catalog.sqlite"))
    with closing(database), ThreadPoolExecutor(1) as pool:
        with database.transaction():
            with pytest.raises(CatalogUnavailable, match="writing for too long"):
                pool.submit(keep_secret, database, "late", b"1").result()
            with database.snapshot() as connection:  # reading goes on
                assert connection.scalar(text("SELECT count(*) FROM photos")) == 0
        assert pool.submit(keep_secret, database, "late", b"2").result() == b"2"


def test_whoever_gets_no_connection_to_read_is_told_that_the_catalog_is_busy(
    tmp_path: Path,
) -> None:
    database = open_database(str(tmp_path / "catalog.sqlite"))
    pool = database.pool.pool
    pool._timeout = 0.05
    with closing(database), ExitStack() as held:
        for _ in range(pool.size() + pool._max_overflow):
            held.enter_context(database.snapshot())
        with pytest.raises(CatalogUnavailable), database.snapshot():
            pass
        held.close()
        database.check()


def test_a_folder_in_the_place_of_a_catalog_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(CatalogUnavailable, match=r"doesn't answer\. Check DROPWALL_DATABASE: "):
        open_database(str(tmp_path))


def test_a_catalog_that_is_overwritten_while_it_is_watched_is_unavailable(tmp_path: Path) -> None:
    database = open_database(str(tmp_path / "catalog.sqlite"))
    with closing(database), database.watch() as wait:
        assert [wait(0), wait(0)] == [True, False]
        for file in tmp_path.glob("catalog.sqlite*"):
            file.write_bytes(b"something else" * 10_000)
        with pytest.raises(CatalogUnavailable, match="not a database"):
            wait(0)


def test_a_photo_is_not_restored_while_it_is_wiped(catalog: FilledCatalog) -> None:
    catalog.add(1)
    catalog.remove(1)
    with ThreadPoolExecutor(1) as pool:
        with catalog.database.transaction() as connection:
            connection.execute(text("UPDATE photos SET sha256 = '', name = ''"))  # as wipe_photo
            restoring = pool.submit(
                catalog.photos.restore_photo, photo(1).id, GUEST, MORNING, no_limits
            )
            assert not wait([restoring], A_MOMENT_SECONDS).done
        with pytest.raises(NoSuchPhoto):
            restoring.result()


def test_failed_tries_at_once_are_each_counted(catalog: FilledCatalog) -> None:
    at_once(lambda: accounts.add_failures(catalog.database, ["name"], MORNING, forget_before=""))
    [(_, failures, _)] = accounts.list_failures(catalog.database, ["name"])
    at_once(lambda: accounts.add_failures(catalog.database, ["name"], MORNING, forget_before=""))
    assert accounts.list_failures(catalog.database, ["name"]) == [("name", failures * 2, MORNING)]


def test_writers_of_the_same_rows_do_not_deadlock(catalog: FilledCatalog) -> None:
    database, guests, photos = catalog.database, catalog.guests, catalog.photos
    for number in range(4):
        catalog.add(number, guest_id=f"phone {number}")
    at_once(
        lambda: accounts.add_failures(
            database, "cab", "2026-11-01T00:00:00Z", forget_before=MORNING
        ),
        lambda: accounts.add_failures(database, "abc", MORNING, forget_before=MORNING),
        lambda: accounts.forget_failures(database, "c"),
        *(lambda n=n: catalog.adopt(f"phone {n}", "anne") for n in range(4)),
        lambda: accounts.remove_account(database, "anne", with_private=True),
        lambda: guests.name_guest("anne", "Anne"),
        lambda: photos.change_photos(PhotoFilter(guest_id="anne"), visibility="owner"),
        lambda: photos.remove_photos(PhotoFilter(guest_id="anne"), MORNING, "anne"),
        lambda: catalog.orphans.wipe_photo(photo(1).id),
    )


def test_who_writes_seldom_comes_soon_among_those_who_write_all_the_time(address: str) -> None:
    """Also among those of another process, who share nothing but the file with them. SQLite's own
    waiting lets hundreds go first."""
    ours, others = (FilledCatalog(open_database(address)).guests for _ in range(2))
    written = count()
    is_over = threading.Event()

    def write_all_the_time(guest_id: str) -> None:
        while not is_over.is_set():
            others.name_guest(guest_id, str(next(written)))

    with ThreadPoolExecutor(WRITERS) as pool:
        try:
            for number in range(WRITERS):
                pool.submit(write_all_the_time, f"guest {number}")
            before_us = []
            for number in range(60):
                begun = next(written)
                ours.name_guest("guest", str(number))
                before_us.append(next(written) - begun)
        finally:
            is_over.set()
    assert max(before_us) < 8 * WRITERS


WAITING = """
SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE NOT granted AND datname = current_database()
"""


@pytest.mark.parametrize(
    "asked",
    [
        ("UPDATE gallery SET bytes = 1", "UPDATE photos SET bytes = 1", "UPDATE guests SET id = 1"),
        ("SELECT 1 FROM gallery", "SELECT 1 FROM photos", "SELECT 1 FROM guests"),
    ],
    ids=["writer", "reader"],
)
def test_an_old_server_goes_on_while_the_schema_is_migrated(
    postgresql: PostgreSQL, asked: tuple[str, ...]
) -> None:
    """The migration waits for whoever has begun, and they do not wait for each other."""
    address = postgresql.create_database()
    with old_gallery(address, "0008"):
        pass
    with psycopg.connect(address) as former, ThreadPoolExecutor(1) as pool:
        former.execute(asked[0])
        migrating = pool.submit(open_database, address)
        wait_until(lambda: former.execute(WAITING).fetchone())
        former.execute("SET deadlock_timeout = '10ms'")
        for statement in asked[1:]:
            former.execute(statement)
        assert not migrating.done()
        former.commit()
        FilledCatalog(migrating.result()).add(1)
    postgresql.drop_database(address)


def test_all_machines_keep_the_same_secret(database: Database) -> None:
    proposed = [bytes([number]) * 32 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        kept = set(pool.map(lambda each: keep_secret(database, "cookies", each), proposed))
    assert len(kept) == 1
    assert kept < set(proposed)
    assert keep_secret(database, "cookies", b"late") in kept


@pytest.mark.parametrize("revision", ["", "0008"])
def test_a_catalog_that_many_open_at_once_is_migrated_once(address: str, revision: str) -> None:
    if revision:
        load_gallery(address, revision)
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(open_database, [address] * 4))
    found = [FilledCatalog(database).listed() for database in opened]
    assert [len(each) for each in found] == [5 if revision else 0] * 4


# What can be asked


def test_a_text_that_no_database_can_store_matches_nothing(catalog: FilledCatalog) -> None:
    catalog.add(1, name="a.jpg")
    for strange in ("\0", "a\0b", "\ud800", "x" * 5000):
        with pytest.raises(NoSuchPhoto):
            catalog.photos.find_photo(strange, PUBLIC)
        with pytest.raises(NoSuchUpload):
            catalog.uploads.find(strange)
        assert catalog.listed(PhotoQuery(words=strange)) == []
        assert catalog.listed(PhotoQuery(guest_id=strange)) == []
        assert catalog.listed(PhotoQuery(ids=(strange, photo(1).id))) == [1]
        assert catalog.orphans.known_ids([strange]) == set()
        assert catalog.photos.find_owner_id(strange)
        assert accounts.find_account_by_name(catalog.database, strange) is None


def test_the_largest_version_of_all_can_be_asked_for(catalog: FilledCatalog) -> None:
    catalog.add(1)
    assert len(catalog.lists.list_photos(9, before=2**63 - 1, viewer=PUBLIC).photos) == 1
    assert catalog.feed.read_changes(2**63 - 1, 9, PUBLIC).reset


# What is not there, or not ours


@pytest.mark.parametrize("table", ["photos", "customers"])
def test_another_programs_database_is_left_alone(address: str, table: str) -> None:
    with empty_database(address) as connection:
        connection.execute(text(f"CREATE TABLE {table} (title TEXT)"))
    sentence = rf"another program \({table}\)\. Give Dropwall one of its own"
    with pytest.raises(UnusableCatalog, match=sentence):
        open_database(address)


def test_another_programs_file_keeps_each_byte(tmp_path: Path) -> None:
    with closing(sqlite3.connect(theirs := tmp_path / "customers.db")) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
    before = theirs.read_bytes()
    with pytest.raises(UnusableCatalog, match=r"another program \(customers\)"):
        open_database(str(theirs))
    assert [*tmp_path.iterdir()] == [theirs]
    assert theirs.read_bytes() == before


def test_the_schema_of_a_newer_version_is_left_alone(address: str) -> None:
    make_unknown(address)
    with pytest.raises(UnusableCatalog, match=r"\(9999\).* Update Dropwall"):
        open_database(address)


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        ("DATA", "/proc/x", "Set DROPWALL_DATA to "),
        ("STORAGE", "/proc/x", "Set DROPWALL_STORAGE to "),
        ("STORAGE", "/proc", "Set DROPWALL_STORAGE to "),
        ("DATABASE", "/proc/x/catalog.sqlite", "Set DROPWALL_DATABASE to "),
        ("HOST", "192.0.2.1", "Set DROPWALL_HOST to "),
        ("DATABASE", "newer.sqlite", "Update Dropwall"),
    ],
)
def test_a_gallery_that_cannot_start_says_why_in_one_line(
    tmp_path: Path, setting: str, value: str, why: str
) -> None:
    make_unknown(str(tmp_path / "newer.sqlite"))
    settings = {"HOST": "127.0.0.1", "PORT": closed_port(), "DATA": tmp_path / "data"}
    settings[setting] = tmp_path / value if setting == "DATABASE" else value
    environ = os.environ | {f"DROPWALL_{name}": str(text) for name, text in settings.items()}
    log = tmp_path / "log"
    with log.open("wb") as output:
        server = start_gunicorn(["--config", "server/gunicorn.conf.py"], ROOT, environ, output)
    assert server.wait(PATIENCE_SECONDS) == 1
    assert re.fullmatch(rf"Dropwall can't .*{why}.*\n", log.read_text())


def test_a_worker_that_meets_a_newer_schema_ends_the_gallery(tmp_path: Path) -> None:
    """gunicorn would start others for ever."""
    with closing(GalleryServer(tmp_path / "data")) as server:
        make_unknown(str(server.data / "catalog.sqlite"))
        server.reload()
        assert server.process.wait(PATIENCE_SECONDS) != 0
        assert "Update Dropwall" in server.log


def test_a_database_server_that_is_just_starting_is_waited_for(
    postgresql: PostgreSQL, in_postgresql: str, caplog: pytest.LogCaptureFixture
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with killed(postgresql):
            opening = pool.submit(open_database, in_postgresql)
            wait_until(lambda: "Waiting for the database, 30 seconds at most: " in caplog.text)
        assert FilledCatalog(opening.result()).feed.find_version() == 0
    assert caplog.text.count("Waiting for the database") == 1


def test_an_address_that_will_never_work_is_refused_at_once(
    in_postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dropwall.catalog.database.RETRY_SECONDS", 3600)
    for wrong, why in (
        ("user=anne", "password authentication failed"),
        ("password=wrong", "password authentication failed"),
        ("dbname=nobodys", 'database "nobodys" does not exist'),
        ("port=99999", "invalid port number"),
    ):
        with pytest.raises(CatalogUnavailable, match=rf"Check DROPWALL_DATABASE: .*{why}"):
            open_database(f"{in_postgresql}?{wrong}")
    monkeypatch.setattr("dropwall.catalog.postgresql.PostgreSQL.patience_seconds", 0)
    with pytest.raises(CatalogUnavailable, match=r"Check DROPWALL_DATABASE: .* refused"):
        open_database(f"postgresql://anne:s3cret@127.0.0.1:{closed_port()}/gallery")


def test_a_database_that_cannot_be_used_is_refused(
    postgresql: PostgreSQL, in_postgresql: str
) -> None:
    with pytest.raises(UnusableCatalog, match="can't be prepared: no schema has been selected"):
        open_database(f"{in_postgresql}?options=-csearch_path%3Dnowhere")
    latin = postgresql.create_database("ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(UnusableCatalog, match=r"encoded in LATIN1.* UTF8"):
        open_database(latin)
    postgresql.drop_database(latin)


def test_a_password_that_breaks_its_address_is_not_logged() -> None:
    for address in (
        "postgresql://anne:s3cr@t@127.0.0.1/gallery",
        "postgresql://anne:s3cr:t@127.0.0.1:s3cr/gallery",
        "postgresql://anne:x@127.0.0.1/gallery?s3cr=t",
        "postgresql://anne:x/s3cr@127.0.0.1/gallery",
    ):
        with pytest.raises(UnusableCatalog, match="Write it as postgresql://") as refusal:
            open_database(address)
        assert "s3cr" not in str(refusal.value)
        assert "s3cr" not in repr(Config(database=address))


# PostgreSQL while it runs


def test_sessions_have_the_settings_of_the_address_before_ours(in_postgresql: str) -> None:
    """But a commit is waited for, whatever the server says."""
    name = in_postgresql.rpartition("/")[2]
    for asked, expected in (("off", "on"), ("remote_apply", "remote_apply")):
        execute(in_postgresql, f"ALTER DATABASE {name} SET synchronous_commit = {asked}")
        database = open_database(f"{in_postgresql}?options=-cstatement_timeout%3D7s")
        with database.transaction() as connection:
            for setting, value in {
                "statement_timeout": "7s",
                "idle_in_transaction_session_timeout": "30s",
                "synchronous_commit": expected,
            }.items():
                assert connection.scalar(text(f"SHOW {setting}")) == value


def test_a_server_that_has_become_read_only_is_not_kept(in_postgresql: str) -> None:
    name = in_postgresql.rpartition("/")[2]
    catalog = FilledCatalog(database := open_database(in_postgresql))
    with database.transaction() as connection:
        former = connection.scalar(text("SELECT pg_backend_pid()"))
    execute(in_postgresql, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    database.check()
    with database.transaction() as connection:
        connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
    for attempt in (database.check, partial(catalog.add, 1), database.check):
        with pytest.raises(CatalogUnavailable, match="read-only"):
            attempt()
    writable = f"{in_postgresql}?options=-cdefault_transaction_read_only%3Doff"
    execute(writable, f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert catalog.add(1)
    with database.transaction() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) != former


def test_a_refused_row_is_not_in_the_traceback(in_postgresql: str) -> None:
    """Which ends in the log, and the row has people's names in it."""
    execute(in_postgresql, "ALTER TABLE photos ADD CONSTRAINT not_today CHECK (bytes < 0)")
    catalog, pauline = FilledCatalog(open_database(in_postgresql)), {"name": "Pauline.jpg"}
    with pytest.raises(IntegrityError) as refusal:
        catalog.add(1, **pauline)
    logged = "".join(traceback.format_exception(refusal.value))
    assert "not_today" in logged
    assert "Pauline" not in logged


def test_a_full_disk_and_a_slow_database_are_told_apart(in_postgresql: str) -> None:
    catalog = FilledCatalog(open_database(in_postgresql))
    for code, error in (("53100", OSError), ("57014", CatalogUnavailable)):
        execute(
            in_postgresql,
            "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION 'No' USING ERRCODE = '{code}'; END $$",
            "CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON photos"
            " FOR EACH ROW EXECUTE FUNCTION fail()",
        )
        with pytest.raises(error):
            catalog.add(1)


def test_watchers_are_notified_though_no_connection_is_left_for_listen(
    postgresql: PostgreSQL,
    in_postgresql: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dropwall.photos.watchers.RETRY_SECONDS", 0.1)
    admin, name = postgresql.address("postgres"), in_postgresql.rpartition("/")[2]
    catalog = FilledCatalog(database := open_database(in_postgresql))
    with database.transaction(), database.transaction():  # one connection for each thread
        pass
    execute(admin, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    told: list[bytes] = []
    watchers = Watchers(database, 9, lambda changes: repr(changes).encode(), 9)
    watcher = watchers.watch(None, PUBLIC)
    with meanwhile(lambda: told.extend(watcher)), closing(watchers):
        catalog.add(1)
        wait_until(lambda: b"1.jpg" in b"".join(told))
        execute(admin, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        wait_until(lambda: "The catalog is watched again" in caplog.messages)
    assert sum("can't be watched" in line for line in caplog.messages) == 1


def test_a_gallery_outlives_its_database(
    postgresql: PostgreSQL, in_postgresql: str, tmp_path: Path
) -> None:
    def all_workers_answer() -> bool:
        """Each request is some worker's: of two, one that does not answer would have its share."""
        with suppress(requests.RequestException):
            live = [requests.get(f"{server.url}/livez", timeout=2).ok for _ in range(20)]
            return len(server.workers()) == 2 and all(live)
        return False

    with closing(GalleryServer(tmp_path / "data", database=in_postgresql)) as server:
        wait_until(all_workers_answer)
        assert server.send(("1.png", photo_bytes("png", 1))).status_code == 204
        with killed(postgresql):
            health = f"{server.url}/healthz"
            wait_until(lambda: requests.get(health, timeout=60).text == "Not answering: catalog.")
            refused = server.send(("2.png", photo_bytes("png", 2)))
            assert (refused.status_code, refused.text) == (503, BUSY)
            assert refused.headers["Dropwall-Refusal"] == "catalog-unavailable"
            # One that starts now waits for the catalog, and keeps no visitor waiting with it.
            os.kill(int(server.workers()[0].name), signal.SIGKILL)
            wait_until(lambda: "Waiting for the database" in server.log)
            wait_until(all_workers_answer)
        wait_until(all_workers_answer)
        assert server.send(("2.png", photo_bytes("png", 2))).status_code == 204
        assert [photo["name"] for photo in server.photos()] == ["2.png", "1.png"]
    assert "Traceback" not in server.log
    assert PASSWORD not in server.log


@pytest.mark.parametrize("arrives", [True, False])
def test_a_photo_whose_commit_is_cut_off_is_kept_once_it_is_answered(
    in_postgresql: str, tmp_path: Path, arrives: bool
) -> None:
    """Nobody can know whether the commit has arrived."""
    content = photo_bytes("png", 1)
    with (
        CutCommits(in_postgresql, arrives) as way,
        closing(GalleryServer(tmp_path / "data", database=way.address)) as server,
        requests.Session() as visitor,
    ):
        visitor.get(server.url, timeout=60)
        refused, again = [
            visitor.post(server.url, files={"file": ("1.png", content)}, timeout=60)
            for _ in range(2)
        ]
        assert way.cuts == 1
        assert (refused.status_code, bool(refused.headers["Retry-After"])) == (503, True)
        assert again.status_code == 204
        [kept] = server.photos()
        for path in (kept["url"], *kept["thumbnails"].values()):
            assert requests.get(server.url + path, timeout=60).ok
        left = {owner_id(key) for key in server.files()} - {kept["id"]}
        assert bool(left) != arrives
    app = create_app(Config(data=server.data, database=in_postgresql))
    execute(in_postgresql, "UPDATE intents SET begun = '2000-01-01T00:00:00Z'")
    assert app.extensions["dropwall"].sweep.sweep_unfinished() == len(left)
    assert {owner_id(key) for key in server.files()} == {kept["id"]}
    assert app.test_client().get(kept["url"], buffered=True).data == content
