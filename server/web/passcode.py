"""The gallery's door, where there is a passcode."""

from collections.abc import Callable
from dataclasses import replace

from flask import Blueprint, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_login import current_user

from ..refusals import PasscodeWanted
from . import dropwall, operations
from .forms import Field, Form, answer, sent, show, wanted_path
from .multipart import drain_body
from .visitor import greet_guest

passcode = Blueprint("passcode", __name__)

OPEN = frozenset(
    [
        "page.vendor_file",
        *operations.OPEN,
        "operations.numbers",  # which want a token of their own
        "accounts.sign_in",
        "accounts.try_to_sign_in",
        "accounts.account",
        "accounts.change_password",
        "accounts.sign_out",
        "accounts.sign_out_everywhere",
        "passcode.ask",
        "passcode.try_passcode",
        "passcode.join",
    ]
)
OPEN_FILES = (".css", ".js", ".png", ".svg", ".webmanifest")
ASKING = frozenset(["page.index", "accounts.sign_up"])
"""Pages in whose place it is asked for. An account is not made without it: it would need none."""
FORM = Form(
    path="/passcode",
    title="Welcome",
    words="This gallery has a passcode. It stands on your invitation.",
    fields=(Field("passcode", "Passcode", "off", blamed_by=("*",)),),
    button="Open the gallery",
    links=(("/sign-in", "Sign in instead"),),
)


@passcode.before_app_request
def keep_closed() -> ResponseReturnValue | None:
    """Raises PasscodeWanted, at whatever address, so that it tells nothing of what there is."""
    if _is_open() or _is_admitted():
        return None
    if request.endpoint in ASKING and request.method in ("GET", "HEAD"):
        return show(FORM, next_path=request.path)
    drain_body()
    raise PasscodeWanted


@passcode.get("/passcode")
def ask() -> ResponseReturnValue:
    return redirect(wanted_path(), 303) if _is_admitted() else show(FORM)


@passcode.post("/passcode")
def try_passcode() -> ResponseReturnValue:
    check = dropwall().passcode.check
    return answer(FORM, lambda: _admit(sent("passcode"), check))


@passcode.get("/join/<path:word>")
def join(word: str) -> ResponseReturnValue:
    """The link of the QR code. Where it is refused, the form has its word in it."""
    [field] = FORM.fields
    form = replace(FORM, fields=(replace(field, value=word),))
    return answer(form, lambda: _admit(word, dropwall().passcode.check_link))


def _is_open() -> bool:
    """What the pages consist of, in which it is asked for."""
    is_file = request.endpoint == "static" and request.path.endswith(OPEN_FILES)
    return is_file or request.endpoint in OPEN


def _is_admitted() -> bool:
    code = dropwall().passcode
    if not code.text or code.is_proved_by(session.get("passcode")):
        return True
    return bool(current_user.is_authenticated)


def _admit(word: str, check: Callable[[str, str], None]) -> None:
    if not _is_admitted():
        check(word, request.remote_addr or "")
        greet_guest()
        session["passcode"] = dropwall().passcode.token
