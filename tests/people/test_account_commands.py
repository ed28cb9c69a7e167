"""Accounts at the command line: `dropwall add-account` and the others."""

import io
import os
import pty
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, event

from dropwall.catalog import guests
from dropwall.cli import command_line
from dropwall.config import Config
from tests.support.gallery_server import ROOT
from tests.support.photos import photo_bytes
from tests.support.processes import Process
from tests.support.visitors import (
    DROPWALL,
    PASSWORD,
    account,
    dropwall,
    listed,
    listed_photos,
    open_page,
    own_id,
    own_name,
    parts,
    send_as,
    sign_in,
    signed_in,
)

NOBODY = "Nobody has an account yet. Add one: dropwall add-account NAME\n"

Run = Callable[..., tuple[object, str, str]]


def test_accounts_and_hosts_are_added_and_listed(app: Flask) -> None:
    """Also where guests cannot sign up. A password is one line from a pipe."""
    assert not parts(app).settings.sign_up
    assert dropwall(app, "accounts").output == NOBODY
    added = dropwall(app, "add-account", " Bo  Smith ", typed=f"{PASSWORD}\nmore\n")
    assert (added.exit_code, added.output) == (0, "Bo Smith can sign in now.\n")
    added = dropwall(app, "add-account", "Änne", "--host", typed=PASSWORD)
    assert added.output == "Änne can sign in now, as a host.\n"
    assert dropwall(app, "accounts").output == "Bo Smith\nÄnne (host)\n"
    client = signed_in(app, "bo smith")
    assert account(client) == {"name": "Bo Smith", "is_host": False}
    assert own_name(client) == "Bo Smith"
    assert account(signed_in(app, "änne")) == {"name": "Änne", "is_host": True}


@pytest.mark.embedded
def test_a_command_that_is_refused_says_why_in_a_sentence(app: Flask) -> None:
    dropwall(app, "add-account", "Ann", typed=PASSWORD)
    bad_password = "Choose a password of 8 to 256 characters."
    nobody = "Nobody called Bo has an account; `dropwall accounts`"
    for arguments, typed, sentence in (
        (("add-account", "ANN"), PASSWORD, "This name is taken. Choose another one."),
        (("add-account", " "), PASSWORD, "Enter a name."),
        (("add-account", "n" * 61), PASSWORD, "This name is too long. Use up to 60"),
        (("add-account", "Bo"), "short", bad_password),
        (("add-account", "Bo"), "", bad_password),
        (("set-password", "Ann"), "short", bad_password),
        (("set-password", "Bo"), PASSWORD, nobody),
        (("remove-account", "Bo"), "", nobody),
    ):
        refused = dropwall(app, *arguments, typed=typed)
        assert refused.exit_code == 1
        assert refused.output.startswith(f"Error: {sentence}")
    assert dropwall(app, "accounts").output == "Ann\n"
    assert account(signed_in(app)) is not None


def test_set_password_signs_out_everywhere(app: Flask) -> None:
    dropwall(app, "add-account", "Ann", typed=PASSWORD)
    client = signed_in(app)
    changed = dropwall(app, "set-password", "ann", typed="battery staple\n")
    assert changed.output == "Ann has another password now, and is signed out everywhere.\n"
    assert account(client) is None
    assert sign_in(client).status_code == 401
    assert sign_in(client, password="battery staple").status_code == 204


def test_photos_of_a_removed_account_stay_and_are_nobodys(app: Flask) -> None:
    dropwall(app, "add-account", "Ann", typed=PASSWORD)
    client = signed_in(app)
    send_as(client, "a.jpg", photo_bytes("jpg"))
    before = own_id(client)
    assert dropwall(app, "remove-account", "Ann").output == "Ann has no account any more.\n"
    assert account(client) is None
    assert own_id(client) != before
    dropwall(app, "add-account", "Ann", typed=PASSWORD)  # another one of this name
    another = signed_in(app)
    assert listed(another, "mine=1") == []
    assert listed_photos(another)[0]["by"] == {"id": before, "name": "Ann"}


def test_private_photos_go_with_an_account_only_when_that_is_asked_for(app: Flask) -> None:
    dropwall(app, "add-account", "Ann", typed=PASSWORD)
    client = signed_in(app)
    send_as(client, "a.jpg", photo_bytes("jpg", 1))
    for number in (2, 3):
        form = {"visibility": "owner", "file": (io.BytesIO(photo_bytes("jpg", number)), "b.jpg")}
        assert client.post("/", data=form).status_code == 204
    refused = dropwall(app, "remove-account", "Ann")
    assert (refused.exit_code, refused.output) == (
        1,
        "Error: Ann has private photos, 2 in all, that nobody could see or remove any more;"
        " --with-private removes them, too.\n",
    )
    assert listed(client) == ["b.jpg", "b.jpg", "a.jpg"]
    assert dropwall(app, "remove-account", "Ann", "--with-private").exit_code == 0
    assert listed(open_page(app)) == ["a.jpg"]
    assert guests.overview(parts(app).database).photos == 1


class Killed(BaseException):
    """As by SIGKILL: nobody catches it."""


def test_an_account_goes_together_with_its_private_photos_or_not_at_all(app: Flask) -> None:
    dropwall(app, "add-account", "Ann", typed=PASSWORD)
    for number in range(3):
        form = {"file": (io.BytesIO(photo_bytes("jpg", number)), f"{number}.jpg")}
        signed_in(app).post("/", data=form | ({"visibility": "owner"} if number else {}))
    found = []
    for commits in range(9):
        so_many = iter(range(commits))

        def kill(_: Connection, so_many: Iterator[int] = so_many) -> None:
            if next(so_many, None) is None:
                raise Killed

        event.listen(Engine, "commit", kill)
        with suppress(Killed):
            dropwall(app, "remove-account", "Ann", "--with-private")
        event.remove(Engine, "commit", kill)
        found.append(
            (dropwall(app, "accounts").output, guests.overview(parts(app).database).photos)
        )
    assert (found[0], found[-1]) == (("Ann\n", 3), (NOBODY, 1))
    assert set(found) == {found[0], found[-1]}


# The command itself


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `dropwall …` with some settings: its exit code, and what it writes to both outputs."""

    def run(*arguments: str, **settings: object) -> tuple[object, str, str]:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["dropwall", *arguments])
            for name, value in ({"data": tmp_path / "data"} | settings).items():
                patch.setenv(f"DROPWALL_{name.upper()}", str(value))
            with pytest.raises(SystemExit) as ended:
                command_line()
        return ended.value.code, *capsys.readouterr()

    return run


def test_a_gallery_that_a_command_has_just_made_is_named(tmp_path: Path, run: Run) -> None:
    """Whoever asks in another shell, or from another folder, may mean another one."""
    for setting, place, catalog in (
        ("data", tmp_path / "folder", tmp_path / "folder" / "catalog.sqlite"),
        ("database", tmp_path / "file", tmp_path / "file"),
    ):
        settings = {setting: place}
        code, output, warning = run("accounts", **settings)
        assert (code, output) == (0, "")
        assert warning.startswith(f"There was no gallery in {catalog}, so a new one")
        assert run("accounts", **settings) == (0, "", NOBODY)


def test_asking_for_help_makes_no_gallery(tmp_path: Path, run: Run) -> None:
    for asked, expected in (
        (["--help"], "remove-account"),
        (["accounts", "--help"], "List who has an account."),
        (["--version"], "dropwall, version"),
    ):
        code, output, error = run(*asked)
        assert (code, error) == (0, "")
        assert expected in output
    assert not (tmp_path / "data").exists()


def test_a_place_that_cannot_be_used_is_named_with_its_setting(run: Run) -> None:
    for setting, kept, another in (
        ("data", "photos", "folder"),
        ("storage", "photos", "folder"),
        ("database", "its catalog", "file"),
    ):
        assert run("accounts", **{setting: "/proc/place"}) == (
            f"Dropwall can't keep {kept} in /proc/place: No such file or directory."
            f" Set DROPWALL_{setting.upper()} to another {another}.",
            "",
            "",
        )


@pytest.mark.embedded
def test_on_a_terminal_the_password_is_asked_for_twice_and_not_shown(config: Config) -> None:
    ours, theirs = pty.openpty()
    terminal = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    environ = os.environ | {"DROPWALL_DATA": str(config.data)}
    process = Process([*DROPWALL, "add-account", "Ann"], cwd=ROOT, env=environ, **terminal)
    os.close(theirs)
    screen = ""
    for question in ("Password: ", "Repeat for confirmation: "):
        while not screen.endswith(question):
            screen += os.read(ours, 1000).decode()
        os.write(ours, f"{PASSWORD}\n".encode())
    assert process.wait(timeout=60) == 0
    screen += os.read(ours, 1000).decode()
    os.close(ours)
    assert PASSWORD not in screen
    assert "Ann can sign in now." in screen
