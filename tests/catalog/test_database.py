"""The database under the catalog: many who use it at once, and what can be wrong with it."""

import io
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest
import requests
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from server import create_app
from server.catalog import (
    AccountCatalog,
    Catalog,
    CatalogUnavailable,
    Changes,
    Database,
    GuestCatalog,
    LeftoverCatalog,
    NoSuchPhoto,
    NoSuchUpload,
    PhotoLists,
    Selection,
    UnusableCatalog,
    UploadCatalog,
    Viewer,
    Which,
    keep_secret,
    open_database,
)
from server.catalog import database as database_module
from server.catalog import postgresql as kinds
from server.changes import FullHouse, Watcher, Watchers
from server.config import Config
from server.storage.keys import owner_id
from tests.catalog.test_catalog import GUEST, MORNING, old_gallery, photo
from tests.conftest import open_page
from tests.people.test_account_commands import DROPWALL
from tests.support.cut_commits import cutting_a_commit
from tests.support.engines import make_old
from tests.support.gallery_server import ROOT, RunningServer
from tests.support.photos import photo_bytes
from tests.support.ports import free_port
from tests.support.postgresql import PASSWORD, USER, PostgreSQL
from tests.support.waiting import meanwhile, wait_until

MANY = 8
A_MOMENT_SECONDS = 0.3


@pytest.fixture
def in_postgresql(postgresql: PostgreSQL) -> Iterator[str]:
    address = postgresql.create_database()
    yield address
    postgresql.drop_database(address)


def at_once(*works: Callable[[], object]) -> None:
    """Each many times, all beside each other; what one of them raises is raised."""
    with ThreadPoolExecutor(MANY) as pool:
        for done in [pool.submit(work) for _ in range(20) for work in works]:
            done.result()


def names(changes: Changes) -> bytes:
    return b" ".join(each.name.encode() for each in changes.photos)


# Many at once


def test_a_page_is_of_one_moment_whatever_happens_meanwhile(database: Database) -> None:
    catalog, lists = Catalog(database), PhotoLists(database)
    is_over = threading.Event()

    def come_and_go() -> None:
        for number in range(60):
            catalog.add_photo(photo(number))
            if number % 3 == 2:
                catalog.remove_photos(Which(guest_id=GUEST.guest_id), MORNING, GUEST.guest_id)
        is_over.set()

    with meanwhile(come_and_go):
        while not is_over.is_set():
            page = lists.list_photos(99)
            assert len(page.photos) == page.total
            _, news = lists.news(page.version, 99, [Viewer()])
            if changes := news.get(Viewer()):
                known = {each.id for each in page.photos} - set(changes.removed)
                assert len(known | {each.id for each in changes.photos}) == changes.total


def test_what_is_wiped_at_that_moment_is_not_restored(database: Database) -> None:
    catalog = Catalog(database)
    catalog.add_photo(photo(1))
    catalog.remove_photos(Which([photo(1).id]), MORNING, GUEST.guest_id)
    outcomes: list[Exception] = []

    def restore() -> None:
        try:
            catalog.restore_photo(photo(1).id, GUEST)
        except NoSuchPhoto as error:
            outcomes.append(error)

    with database.transaction() as connection:
        connection.execute(text("UPDATE photos SET sha256 = '', name = ''"))  # as wipe_photo
        restoring = threading.Thread(target=restore)
        restoring.start()
        restoring.join(A_MOMENT_SECONDS)
    restoring.join()
    assert len(outcomes) == 1


def test_tries_at_once_are_counted_one_by_one(database: Database) -> None:
    accounts = AccountCatalog(database)
    seen: list[int] = []

    def check(_key: str, failures: int, _last: str) -> None:
        seen.append(failures)

    at_once(lambda: accounts.count_tries(["name"], MORNING, check, forget_before=""))
    assert sorted(seen) == list(range(1, 20))


def test_who_forgets_old_tries_and_who_counts_them_do_not_wait_for_each_other(
    database: Database,
) -> None:
    accounts = AccountCatalog(database)
    accounts.count_tries("ab", "2026-11-01T00:00:00Z", lambda *_: None, forget_before="")

    def count_other() -> None:
        accounts.count_tries("a", MORNING, lambda *_: None, forget_before=MORNING)

    with ThreadPoolExecutor(1) as pool:
        others: list[Future[None]] = []

        def meet_other(key: str, _failures: int, _last: str) -> None:
            if key == "a":
                others.append(pool.submit(count_other))
                wait([others[0]], A_MOMENT_SECONDS)

        accounts.count_tries("ab", MORNING, meet_other, forget_before="")
        others[0].result()


def test_nobody_is_locked_out_by_those_who_do_the_same(database: Database) -> None:
    """Two that each wait for the other would be refused."""
    accounts, guests, catalog = AccountCatalog(database), GuestCatalog(database), Catalog(database)
    for number in range(4):
        catalog.add_photo(replace(photo(number), guest_id=f"phone {number}"))
    at_once(
        lambda: accounts.count_tries("cab", MORNING, lambda *_: None, forget_before=MORNING),
        lambda: accounts.take_back("ab", forget="c"),
        *(lambda n=n: guests.adopt(f"phone {n}", "anne") for n in range(4)),
        lambda: guests.end_adoptions("anne"),
        lambda: guests.name_guest("anne", "Anne"),
        lambda: catalog.change_photos(Which(guest_id="anne"), visibility="owner"),
        lambda: catalog.remove_photos(Which(guest_id="anne"), MORNING, "anne"),
        lambda: LeftoverCatalog(database).wipe_photo(photo(1).id),
    )


FORMER_WRITER = (
    "UPDATE gallery SET version = version + 1",
    "UPDATE photos SET bytes = bytes + 1",
    "UPDATE guests SET own_version = own_version + 1",
)
FORMER_READER = ("SELECT * FROM gallery", "SELECT * FROM photos", "SELECT * FROM guests")


@pytest.mark.parametrize("asked", [FORMER_WRITER, FORMER_READER], ids=["writer", "reader"])
def test_a_server_that_is_still_to_be_exchanged_goes_on_while_the_schema_changes(
    in_postgresql: str, asked: tuple[str, ...]
) -> None:
    """Who migrates waits for whoever has begun, and they do not wait for each other."""
    with old_gallery(in_postgresql, "0006"):
        pass
    with psycopg.connect(in_postgresql) as former, ThreadPoolExecutor(1) as pool:
        former.execute(asked[0])
        migrating = pool.submit(open_database, in_postgresql)
        time.sleep(A_MOMENT_SECONDS)
        assert not migrating.done()
        former.execute("SET deadlock_timeout = '10ms'")
        for statement in asked[1:]:
            former.execute(statement)
        former.commit()
        Catalog(migrating.result()).add_photo(photo(1))


def test_all_machines_keep_the_same_secret(database: Database) -> None:
    with ThreadPoolExecutor(MANY) as pool:
        proposed = [bytes([number]) * 32 for number in range(MANY)]
        kept = set(pool.map(lambda each: keep_secret(database, "cookies", each), proposed))
    assert len(kept) == 1
    assert kept < set(proposed)
    assert keep_secret(database, "cookies", b"late") in kept


def test_processes_that_start_together_bring_the_schema_up_to_date_once(address: str) -> None:
    with old_gallery(address, "0005"):
        pass
    start = "import sys; from server.catalog import open_database; open_database(sys.argv[1])"
    command = [sys.executable, "-c", start, address]
    starting = [subprocess.Popen(command, cwd=ROOT) for _ in range(4)]
    assert [process.wait(timeout=60) for process in starting] == [0] * 4


# What can be asked


@pytest.mark.parametrize("strange", ["\0", "a\0b", "\ud800", "x" * 5000])
def test_nothing_is_called_what_no_database_can_keep(database: Database, strange: str) -> None:
    catalog, lists = Catalog(database), PhotoLists(database)
    catalog.add_photo(replace(photo(1), name="a.jpg"))
    with pytest.raises(NoSuchPhoto):
        catalog.find_photo(strange, Viewer())
    with pytest.raises(NoSuchUpload):
        UploadCatalog(database).find(strange)
    assert lists.list_photos(9, None, Selection(words=strange)).photos == []
    assert lists.list_photos(9, None, Selection(guest_id=strange)).photos == []
    assert lists.find_photos([strange, photo(1).id]).photos != []
    assert LeftoverCatalog(database).known_ids([strange]) == set()
    assert GuestCatalog(database).present_id(strange)
    assert AccountCatalog(database).find_by_name(strange) is None


def test_what_is_strange_is_answered_alike(address: str, tmp_path: Path) -> None:
    app = create_app(Config(data=tmp_path / "data", database=address, sign_up=True))
    visitor = open_page(app)
    for path, status in {
        "/uploads/a%00.jpg": 404,
        "/thumbnails/%00/320.webp": 404,
        "/api/uploads/%00": 404,
        "/api/photos?q=%00&by=%00": 200,
        "/api/photos?q=%ED%A0%80": 200,
        "/api/photos?ids=%00,a": 200,
        f"/api/photos?before={2**63 - 1}": 200,
        f"/api/photos?since={2**63 - 1}&sort=taken": 200,
        f"/api/photos?before={2**63}": 400,
        "/photos.zip?by=%00": 404,
    }.items():
        assert visitor.get(path, buffered=True).status_code == status, path
    strange = r'{"name": "a\u0000\ud800b"}'
    assert visitor.delete("/api/photos/%00").status_code == 404
    assert (
        visitor.put("/api/guest", data=strange, content_type="application/json").status_code == 204
    )
    assert visitor.get("/api/settings").get_json()["guest"]["name"] == "a b"
    signing_in = {"name": "\0", "password": "\0" * 20}
    assert visitor.post("/sign-in", data=signing_in).status_code == 401
    assert visitor.post("/sign-up", data=signing_in).status_code == 400
    form = {"guest": "\0", "file": (io.BytesIO(photo_bytes("png", 1)), "\0.png")}
    assert visitor.post("/", data=form).status_code == 401


# What is not there, or not ours


def test_a_schema_that_is_not_known_is_left_alone(address: str) -> None:
    with old_gallery(address, "head") as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UnusableCatalog, match=r"\(9999\).* Please update Dropwall"):
        open_database(address)


def test_another_programs_tables_are_left_alone(address: str) -> None:
    with old_gallery(address, "base") as connection:
        connection.execute(text("CREATE TABLE photos (title TEXT)"))
    with pytest.raises(UnusableCatalog, match=r"\(photos\); please give Dropwall one of its own"):
        open_database(address)


def test_another_programs_database_is_left_alone_though_no_table_is_named_like_ours(
    address: str,
) -> None:
    with old_gallery(address, "base") as connection:
        connection.execute(text("CREATE TABLE customers (title TEXT)"))
    with pytest.raises(UnusableCatalog, match=r"another program \(customers\)"):
        open_database(address)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("DATA", "/proc/x"),
        ("STORAGE", "/proc/x"),
        ("STORAGE", "/proc"),
        ("DATABASE", "/proc/x/catalog.sqlite"),
        ("HOST", "192.0.2.1"),
    ],
)
def test_what_cannot_be_had_is_named_before_anything_is_started(
    tmp_path: Path, setting: str, value: str
) -> None:
    environ = {
        "DROPWALL_HOST": "127.0.0.1",
        "DROPWALL_PORT": str(free_port()),
        "DROPWALL_DATA": str(tmp_path / "data"),
        f"DROPWALL_{setting}": value,
    }
    ended = subprocess.run(
        COMMANDS["the gallery"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("Dropwall cannot ")
    assert f" Set DROPWALL_{setting} to " in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_catalog_that_is_up_to_date_is_opened_without_alembic(address: str) -> None:
    open_database(address).close()
    opened = (
        "import sys; from server.catalog import open_database;"
        "open_database(sys.argv[1]); print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", opened, address]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.stderr) == ("False\n", "")


COMMANDS = {
    "the gallery": (sys.executable, "-m", "gunicorn", "--config", "server/gunicorn.conf.py"),
    "dropwall": (*DROPWALL, "accounts"),
}


@pytest.mark.parametrize("started", COMMANDS)
def test_what_cannot_be_started_says_why_in_a_sentence(
    address: str, tmp_path: Path, started: str
) -> None:
    with old_gallery(address, "head") as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    environ = {
        "DROPWALL_HOST": "127.0.0.1",
        "DROPWALL_PORT": str(free_port()),
        "DROPWALL_DATABASE": address,
        "DROPWALL_DATA": str(tmp_path / "data"),
    }
    ended = subprocess.run(
        COMMANDS[started], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert "Please update Dropwall" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_worker_that_meets_a_newer_schema_ends_the_gallery(address: str, tmp_path: Path) -> None:
    """gunicorn would start others for ever."""
    server = RunningServer(tmp_path / "data", database=address)
    with open_database(address).transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    server.reload()
    assert server.process.wait(timeout=60) != 0
    server.log.close()
    assert "Please update Dropwall" in (tmp_path / "server.log").read_text()


def test_a_server_that_is_just_starting_is_waited_for(
    postgresql: PostgreSQL, in_postgresql: str, caplog: pytest.LogCaptureFixture
) -> None:
    postgresql.kill()
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(open_database, in_postgresql)
        with pytest.raises(TimeoutError):
            opening.result(timeout=A_MOMENT_SECONDS)
        postgresql.start()
        assert PhotoLists(opening.result()).version() == 0
    [told] = caplog.messages
    assert told.startswith("Waiting for the database, 30 seconds at most: ")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"user": "anne"}, "password authentication failed"),
        ({"password": "wrong"}, "password authentication failed"),
        ({"dbname": "nobodys"}, 'database "nobodys" does not exist'),
        ({"port": "99999"}, "invalid port number"),
    ],
)
def test_what_no_waiting_helps_is_told_at_once(
    in_postgresql: str, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], why: str
) -> None:
    monkeypatch.setattr(database_module, "RETRY_SECONDS", 3600)
    query = urlencode(wrong)
    with pytest.raises(CatalogUnavailable, match=rf"see to DROPWALL_DATABASE: .*{why}"):
        open_database(f"{in_postgresql}?{query}")


def test_a_server_that_is_not_there_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds.PostgreSQL, "patience_seconds", 0)
    with pytest.raises(CatalogUnavailable, match=r"see to DROPWALL_DATABASE: .* refused"):
        open_database(f"postgresql://anne:s3cret@127.0.0.1:{free_port()}/gallery")


def test_a_database_in_which_nothing_may_be_made_is_refused(in_postgresql: str) -> None:
    with pytest.raises(UnusableCatalog, match="cannot be prepared: no schema has been selected"):
        open_database(f"{in_postgresql}?options=-csearch_path%3Dnowhere")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://anne:s3cr@t@127.0.0.1/gallery",
        "postgresql://anne:s3cr:t@127.0.0.1:s3cr/gallery",
        "postgresql://anne:x@127.0.0.1/gallery?s3cr=t",
        "postgresql://anne:x/s3cr@127.0.0.1/gallery",
    ],
)
def test_nobody_is_told_a_password_that_breaks_its_address(address: str) -> None:
    with pytest.raises(UnusableCatalog, match="please write it as postgresql://") as refusal:
        open_database(address)
    assert "s3cr" not in str(refusal.value)
    assert "s3cr" not in repr(Config(database=address))


def test_a_database_that_cannot_hold_every_name_is_refused(postgresql: PostgreSQL) -> None:
    address = postgresql.create_database("ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(UnusableCatalog, match=r"encoded in LATIN1.* UTF8"):
        open_database(address)
    postgresql.drop_database(address)


def test_the_settings_of_an_address_come_before_ours(in_postgresql: str) -> None:
    database = open_database(f"{in_postgresql}?options=-cstatement_timeout%3D7s")
    with database.transaction() as connection:
        shown = {
            name: connection.scalar(text(f"SHOW {name}"))
            for name in ("statement_timeout", "idle_in_transaction_session_timeout")
        }
    assert shown == {"statement_timeout": "7s", "idle_in_transaction_session_timeout": "30s"}


@pytest.mark.parametrize(("asked", "is_so"), [("off", "on"), ("remote_apply", "remote_apply")])
def test_commits_are_waited_for_whatever_the_server_says(
    in_postgresql: str, asked: str, is_so: str
) -> None:
    name = in_postgresql.rpartition("/")[2]
    with psycopg.connect(in_postgresql, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = {asked}")
    with open_database(in_postgresql).transaction() as connection:
        assert connection.scalar(text("SHOW synchronous_commit")) == is_so


def test_a_server_that_takes_nothing_in_is_none(in_postgresql: str) -> None:
    name = in_postgresql.rpartition("/")[2]
    catalog = Catalog(database := open_database(in_postgresql))
    turned = f"ALTER DATABASE {name} SET default_transaction_read_only = on"
    with database.transaction() as connection:
        former = connection.scalar(text("SELECT pg_backend_pid()"))
        connection.execute(text(turned))
    database.check()
    with database.transaction() as connection:
        connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
    for ask in (database.check, partial(catalog.add_photo, photo(1)), database.check):
        with pytest.raises(CatalogUnavailable, match="read-only"):
            ask()
    options = "-c default_transaction_read_only=off"
    with psycopg.connect(in_postgresql, autocommit=True, options=options) as connection:
        connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert catalog.add_photo(photo(1))
    with database.transaction() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) != former


def test_a_row_that_is_refused_is_not_told(in_postgresql: str) -> None:
    """Whatever ends in the log: it has people's names in it."""
    catalog = Catalog(database := open_database(in_postgresql))
    with database.transaction() as connection:
        connection.execute(text("ALTER TABLE photos ADD CONSTRAINT not_today CHECK (bytes < 0)"))
    pauline = replace(photo(1), name="Pauline.jpg")
    with pytest.raises(IntegrityError) as refusal:
        catalog.add_photo(pauline)
    told = "".join(traceback.format_exception(refusal.value))
    assert "not_today" in told
    assert "Pauline" not in told


def test_a_form_of_many_photos_waits_for_a_silent_catalog_once(
    in_postgresql: str, tmp_path: Path
) -> None:
    address = f"{in_postgresql}?options=-cstatement_timeout%3D300ms"
    app = create_app(Config(data=tmp_path / "data", database=address))
    database = app.extensions["dropwall"].usage._database
    waited: list[str] = []
    event.listen(database._kind.engine, "handle_error", lambda it: waited.append(it.statement))
    photos = [(io.BytesIO(photo_bytes("jpg", seed)), f"{seed}.jpg") for seed in range(3)]
    with database.transaction() as connection:
        connection.execute(text("UPDATE gallery SET version = version"))
        answer = app.test_client().post("/", data={"file": photos}, buffered=True)
    assert (answer.status_code, answer.text.count("Dropwall is busy")) == (503, 3)
    assert len(waited) == 1


def test_a_full_disk_and_a_slow_database_are_told_apart(in_postgresql: str) -> None:
    catalog = Catalog(database := open_database(in_postgresql))
    for code, trouble in (("53100", OSError), ("57014", CatalogUnavailable)):
        with database.transaction() as connection:
            connection.execute(
                text(
                    "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
                    f" $$ BEGIN RAISE EXCEPTION 'No' USING ERRCODE = '{code}'; END $$"
                )
            )
            connection.execute(
                text(
                    "CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON photos"
                    " FOR EACH ROW EXECUTE FUNCTION fail()"
                )
            )
        with pytest.raises(trouble):
            catalog.add_photo(photo(1))


def test_who_watches_is_told_when_the_database_is_back(
    postgresql: PostgreSQL, in_postgresql: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether the one who looks finds it back already, or lets them go to come again: both are
    well, and a matter of how long it was away."""
    catalog = Catalog(database := open_database(in_postgresql))
    watchers = Watchers(database, PhotoLists(database), 9, names)
    told: list[bytes] = []

    def follow(first: Watcher) -> None:
        told.extend(first)
        while not is_over.is_set():
            with suppress(CatalogUnavailable, FullHouse):
                told.extend(watchers.watch(0, Viewer()))
            is_over.wait(A_MOMENT_SECONDS)

    is_over = threading.Event()
    first = watchers.watch(None, Viewer())
    with meanwhile(lambda: follow(first)):
        try:
            catalog.add_photo(photo(1))
            wait_until(lambda: b"1.jpg" in told)
            postgresql.kill()
            for _ in range(3):
                with pytest.raises(CatalogUnavailable):
                    catalog.add_photo(photo(2))
            postgresql.start()
            catalog.add_photo(photo(2))
            wait_until(lambda: b"2.jpg" in b" ".join(told))
            wait_until(lambda: "The catalog is watched again" in caplog.messages)
        finally:
            is_over.set()
            watchers.close()
    troubles = [line for line in caplog.messages if "cannot be watched" in line]
    assert len(troubles) == 1


def test_who_watches_is_told_though_no_connection_is_left_to_wake_them(in_postgresql: str) -> None:
    catalog, name = Catalog(open_database(in_postgresql)), in_postgresql.rpartition("/")[2]
    with psycopg.connect(in_postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
    address = in_postgresql.replace(USER, name, 1)
    database = open_database(address)
    with database.transaction(), database.transaction():  # one for each thread
        pass
    with psycopg.connect(in_postgresql, autocommit=True) as connection:
        connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}")
        connection.execute(f"ALTER ROLE {name} NOSUPERUSER CONNECTION LIMIT 0")
    with pytest.raises(psycopg.OperationalError, match="too many connections"):
        psycopg.connect(address)
    watchers = Watchers(database, PhotoLists(database), 9, names)
    watcher = watchers.watch(None, Viewer())
    told: list[bytes] = []
    with meanwhile(lambda: told.extend(watcher)):
        try:
            catalog.add_photo(photo(1))
            wait_until(lambda: b"1.jpg" in told)
        finally:
            watchers.close()


def test_a_gallery_outlives_its_database(
    postgresql: PostgreSQL, in_postgresql: str, tmp_path: Path
) -> None:
    server = RunningServer(tmp_path / "data", database=in_postgresql)
    assert server.send(("1.png", photo_bytes("png", 1))).status_code == 204
    postgresql.kill()
    health = f"{server.url}/healthz"
    wait_until(lambda: requests.get(health, timeout=30).text == "Not answering: catalog.")
    refused = server.send(("2.png", photo_bytes("png", 2)))
    assert (refused.status_code, refused.headers["Dropwall-Refusal"]) == (503, "CatalogUnavailable")
    postgresql.start()
    assert server.send(("2.png", photo_bytes("png", 2))).status_code == 204
    assert [photo["name"] for photo in server.photos()] == ["2.png", "1.png"]
    server.stop()
    log = (tmp_path / "server.log").read_text()
    assert "Traceback" not in log
    assert PASSWORD not in log


@pytest.mark.parametrize("arrives", [True, False])
def test_a_photo_whose_commit_is_cut_off_is_kept_once_it_is_answered(
    in_postgresql: str, tmp_path: Path, arrives: bool
) -> None:
    """Nobody can know whether the commit has arrived."""
    content = photo_bytes("png", 1)
    with cutting_a_commit(in_postgresql, arrives) as way:
        server = RunningServer(tmp_path / "data", database=way.address)
        visitor = requests.Session()
        visitor.get(server.url, timeout=30)
        refused, again = [
            visitor.post(server.url, files={"file": ("1.png", content)}, timeout=60)
            for _ in range(2)
        ]
        assert way.cuts == 1
        assert (refused.status_code, bool(refused.headers["Retry-After"])) == (503, True)
        assert again.status_code == 204
        [kept] = server.photos()
        assert requests.get(server.url + kept["url"], timeout=30).content == content
        for thumbnail in kept["thumbnails"].values():
            assert requests.get(server.url + thumbnail, timeout=30).ok
        marks = [key for key in server.files() if key.startswith("incoming/")]
        assert {owner_id(key) for key in server.files()} == {kept["id"], *map(owner_id, marks)}
        assert (owner_id(marks[0]) == kept["id"]) == arrives
        server.stop()
    make_old(server.data, *marks)
    app = create_app(Config(data=server.data, database=in_postgresql))
    assert app.extensions["dropwall"].sweep.sweep_unfinished() == 1
    assert {owner_id(key) for key in server.files()} == {kept["id"]}
    assert app.test_client().get(kept["url"], buffered=True).data == content
