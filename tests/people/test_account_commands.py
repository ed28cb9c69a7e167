"""Accounts at the command line: `dropwall add-account` and the others."""

import io
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from server.config import Config
from tests.conftest import Send, open_page
from tests.people.test_accounts import PASSWORD, account, own_id, parts, sign_in, signed_in
from tests.people.test_guests import listed, own_name, send_as
from tests.support.gallery_server import ROOT
from tests.support.photos import photo_bytes

DROPWALL = (sys.executable, "-c", "from server import command_line; command_line()")


def dropwall(app: Flask, *arguments: str, typed: str = "") -> Result:
    return app.test_cli_runner().invoke(args=arguments, input=typed)


def test_an_account_is_made_with_one_line_from_a_pipe(app: Flask) -> None:
    made = dropwall(app, "add-account", " Ann  Smith ", typed=f"{PASSWORD}\nmore\n")
    assert (made.exit_code, made.output) == (0, "Ann Smith can sign in now.\n")
    client = signed_in(app, "ann smith")
    assert account(client) == {"name": "Ann Smith", "is_host": False}
    assert own_name(client) == "Ann Smith"


def test_a_host_is_made_and_listed(app: Flask) -> None:
    made = dropwall(app, "add-account", "Änne", "--host", typed=PASSWORD)
    assert made.output == "Änne can sign in now, as a host.\n"
    dropwall(app, "add-account", "Bo", typed=PASSWORD)
    assert account(signed_in(app, "änne")) == {"name": "Änne", "is_host": True}
    assert dropwall(app, "accounts").output == "Bo\nÄnne (host)\n"


def test_a_host_can_be_made_where_guests_cannot_sign_up(app: Flask) -> None:
    assert not parts(app).settings.sign_up
    assert dropwall(app, "add-account", "Ann", typed=PASSWORD).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "typed", "sentence"),
    [
        (("add-account", "ANN"), PASSWORD, "This name is taken; please choose another one."),
        (("add-account", " "), PASSWORD, "Please tell a name."),
        (("add-account", "n" * 61), PASSWORD, "This name is too long; please take at most 60"),
        (("add-account", "Bo"), "short", "Please choose a password of 8 to 256 characters."),
        (("add-account", "Bo"), "", "Please choose a password of 8 to 256 characters."),
        (("set-password", "Ann"), "short", "Please choose a password of 8 to 256 characters."),
        (("set-password", "Bo"), PASSWORD, "Nobody called Bo has an account; `dropwall accounts`"),
        (("remove-account", "Bo"), "", "Nobody called Bo has an account; `dropwall accounts`"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    app: Flask, arguments: tuple[str, ...], typed: str, sentence: str
) -> None:
    dropwall(app, "add-account", "Ann", typed=PASSWORD)
    refused = dropwall(app, *arguments, typed=typed)
    assert refused.exit_code == 1
    assert refused.output.startswith(f"Error: {sentence}")
    assert dropwall(app, "accounts").output == "Ann\n"
    assert account(signed_in(app)) is not None


def test_another_password_signs_out_everywhere(app: Flask) -> None:
    dropwall(app, "add-account", "Ann", typed=PASSWORD)
    client = signed_in(app)
    changed = dropwall(app, "set-password", "ann", typed="battery staple\n")
    assert changed.output == "Ann has another password now, and is signed out everywhere.\n"
    assert account(client) is None
    assert sign_in(client).status_code == 401
    assert account(signed_in(app, "Ann", "battery staple")) is not None


def test_photos_of_an_account_that_is_removed_stay(app: Flask, send: Send) -> None:
    dropwall(app, "add-account", "Ann", typed=PASSWORD)
    client = signed_in(app)
    send_as(client, "a.jpg", photo_bytes("jpg"))
    before = own_id(client)
    assert dropwall(app, "remove-account", "Ann").output == "Ann has no account any more.\n"
    assert account(client) is None
    assert own_id(client) != before
    [photo] = open_page(app).get("/api/photos").json["photos"]
    assert photo["by"] == {"id": before, "name": "Ann"}
    dropwall(app, "add-account", "Ann", typed=PASSWORD)  # another one of this name
    assert listed(signed_in(app), "mine=1") == []


def test_private_photos_go_with_an_account_only_when_that_is_said(app: Flask) -> None:
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
    assert app.extensions["dropwall"].usage.overview().photos == 1


def test_on_a_terminal_the_password_is_asked_for_twice_and_not_shown(config: Config) -> None:
    screen = on_a_terminal(config, ["add-account", "Ann"], [PASSWORD, PASSWORD])
    assert "Password:" in screen
    assert "Repeat for confirmation:" in screen
    assert PASSWORD not in screen
    assert "Ann can sign in now." in screen


def on_a_terminal(config: Config, arguments: list[str], answers: list[str]) -> str:
    """What stands on it in the end."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*DROPWALL, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
        env=os.environ | {"DROPWALL_DATA": str(config.data)},
        start_new_session=True,
    )
    os.close(theirs)
    screen = ""
    for answer in answers:
        until = len(screen)
        while not screen[until:].endswith(": "):
            screen += os.read(ours, 1000).decode()
        os.write(ours, f"{answer}\n".encode())
    assert process.wait(timeout=30) == 0
    screen += os.read(ours, 1000).decode()
    os.close(ours)
    return screen


def run_dropwall(settings: dict[str, str], *asked: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DROPWALL, *asked],
        cwd=ROOT,
        env=settings | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("setting", "catalog"),
    [("DROPWALL_DATA", "there/catalog.sqlite"), ("DROPWALL_DATABASE", "there")],
)
def test_a_gallery_that_a_command_has_made_is_told_of(
    tmp_path: Path, setting: str, catalog: str
) -> None:
    """Whoever asks in another shell, or from another folder, may mean another one."""
    settings = {"DROPWALL_DATA": str(tmp_path / "data"), setting: str(tmp_path / "there")}
    told = [run_dropwall(settings, "accounts") for _ in range(2)]
    assert [(each.returncode, each.stdout) for each in told] == [(0, "")] * 2
    assert told[0].stderr.startswith(f"There was no gallery in {tmp_path / catalog} before; please")
    assert told[1].stderr == ""


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (["--help"], "remove-account"),
        (["accounts", "--help"], "List who has an account."),
        (["--version"], "dropwall, version"),
    ],
)
def test_whoever_asks_what_can_be_done_makes_no_gallery(
    tmp_path: Path, asked: list[str], answer: str
) -> None:
    told = run_dropwall({"DROPWALL_DATA": str(tmp_path / "data")}, *asked)
    assert (told.returncode, told.stderr) == (0, "")
    assert answer in told.stdout
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("setting", "kept", "another"),
    [
        ("DROPWALL_DATA", "photos", "folder"),
        ("DROPWALL_STORAGE", "photos", "folder"),
        ("DROPWALL_DATABASE", "its catalog", "file"),
    ],
)
def test_a_place_that_cannot_be_had_is_named(
    tmp_path: Path, setting: str, kept: str, another: str
) -> None:
    settings = {"DROPWALL_DATA": str(tmp_path / "data"), setting: "/proc/place"}
    told = run_dropwall(settings, "accounts")
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == (
        f"Dropwall cannot keep {kept} in /proc/place: No such file or directory."
        f" Set {setting} to another {another}.\n"
    )


STOPPED_WHILE_IMPORTING = """
import os, signal, sys

class CtrlC:
    def find_spec(self, name, path, target=None):
        if name == "server.gallery":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, CtrlC())
from server import command_line
"""


def test_ctrl_c_at_once_ends_a_command_without_a_word() -> None:
    code = STOPPED_WHILE_IMPORTING
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, b"", b"")
