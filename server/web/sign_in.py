"""Visitors sign in, up and out by Flask-Login, or enter the passcode, on pages of one form each."""

import re
from collections.abc import Callable
from functools import wraps

from flask import Blueprint, Response, abort, redirect, render_template, request, session, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_login import (
    LoginManager,
    UserMixin,
    current_user,
    login_required,
    login_user,
    logout_user,
)
from werkzeug.exceptions import RequestEntityTooLarge

from ..catalog.accounts import Account
from ..people.passwords import MIN_PASSWORD
from ..refusals import BadRequest, NotSignedIn, PasscodeWanted
from . import errors
from .requests import dropwall, greet_guest, is_admitted, is_navigation

sign_in = Blueprint("sign_in", __name__)

Route = Callable[..., ResponseReturnValue]

MAX_BODY_BYTES = 8000
"""Size of a form with the longest name and two of the longest passwords, all characters escaped."""
LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*", re.ASCII)
"""Paths of this site: browsers read `//`, `/\\` and `/<tab>/` as the beginning of another one."""
ASKING = frozenset(
    [
        "page.index",
        "page.photo_page",
        "page.plain_gallery",
        "page.slideshow",
        "sign_in.show_sign_up",
    ]
)
"""Endpoints that answer with the passcode's page where a passcode is wanted."""

# Flask-Login

login_manager = LoginManager()
# It depends on the address, which changes when a phone goes from Wi-Fi to a mobile network.
login_manager.session_protection = None
login_manager.login_view = "sign_in.show_sign_in"


@sign_in.record_once
def use_login_manager(state: BlueprintSetupState) -> None:
    """Attach the login manager as its `init_app` does, but without a "remember me" cookie, which a
    permanent session does not need. With it every answer, even a style sheet, would have `Vary:
    Cookie`. A forged one is not read either: no cookie can have the name that is set here."""
    state.app.login_manager = login_manager  # type: ignore[attr-defined]
    state.app.config["REMEMBER_COOKIE_NAME"] = ";"


class User(UserMixin):  # type: ignore[misc]
    """Somebody who is signed in, as Flask-Login wants them."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.id, self.name, self.is_host = account.id, account.name, account.is_host

    def get_id(self) -> str:
        return self.account.session_id


@login_manager.user_loader  # type: ignore[untyped-decorator]
def load_user(session_id: str) -> User | None:
    account = dropwall().accounts.of_session(session_id)
    return User(account) if account else None


@login_manager.unauthorized_handler  # type: ignore[untyped-decorator]
def ask_to_sign_in() -> ResponseReturnValue:
    """Redirect a person to the form, and from there back; refuse a script."""
    if request.method == "GET" and is_navigation():
        return redirect(url_for(login_manager.login_view, next=request.full_path.rstrip("?")), 303)
    raise NotSignedIn


# Forms


def answers_form(template: str) -> Callable[[Callable[..., None]], Route]:
    """Make a route of a function that does what a form asks for. Afterwards a script gets 204, and
    a browser that shows the answer 303, or the form again with the refusal in it."""

    def decorate(act: Callable[..., None]) -> Route:
        @wraps(act)
        def answer(**arguments: str) -> ResponseReturnValue:
            try:
                act(**arguments)
            except Exception as error:
                if not (_is_page() and errors.is_refusal(error)):
                    raise
                refusal = errors.response_to(error)
                return _show(template, refusal, word=arguments.get("word", ""))
            return _done()

        return answer

    return decorate


def _show(
    template: str, refusal: Response | None = None, next_path: str = "", word: str = ""
) -> Response:
    """Show the form, with the sentence of a `refusal` in it. It leads on to `next_path`, or else to
    where the visitor wanted to go; `word` is the passcode of a link."""
    page = render_template(
        template,
        error=refusal.get_data(as_text=True) if refusal else "",
        refusal=refusal.headers["Dropwall-Refusal"] if refusal else "",
        next_path=next_path or _wanted_path(),
        name=_sent("name"),
        word=word,
        account=current_user,
        may_sign_up=dropwall().settings.sign_up,
        min_password=MIN_PASSWORD,
    )
    response = refusal or Response()
    response.set_data(page)
    response.mimetype = "text/html"
    return response


def _done() -> ResponseReturnValue:
    return redirect(_wanted_path(), 303) if _is_page() else ("", 204)


def _is_page() -> bool:
    return request.method == "GET" or is_navigation()


def _sent(name: str) -> str:
    """Read a field of the form. Raises BadRequest."""
    request.max_content_length = MAX_BODY_BYTES
    try:
        return request.form.get(name, "")
    except RequestEntityTooLarge:
        raise BadRequest from None


def _wanted_path() -> str:
    """Return the path in this gallery that the visitor wanted, by default its front page."""
    wanted = _sent("next") or request.args.get("next", "")
    return wanted if LOCAL.fullmatch(wanted) else "/"


# Accounts


@sign_in.get("/sign-in")
def show_sign_in() -> ResponseReturnValue:
    return _done() if current_user.is_authenticated else _show("sign_in.html")


@sign_in.post("/sign-in")
@answers_form("sign_in.html")
def try_to_sign_in() -> None:
    accounts = dropwall().accounts
    _begin_session(accounts.sign_in(_sent("name"), _sent("password"), _device(), _address()))


@sign_in.get("/sign-up")
def show_sign_up() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return _done()
    _check_sign_up()
    return _show("sign_up.html")


@sign_in.post("/sign-up")
@answers_form("sign_up.html")
def try_to_sign_up() -> None:
    _check_sign_up()
    accounts = dropwall().accounts
    _begin_session(accounts.sign_up(_sent("name"), _sent("password"), _device(), _address()))


@sign_in.get("/account")
@login_required  # type: ignore[untyped-decorator]
def show_account() -> Response:
    return _show("account.html")


@sign_in.post("/account")
@login_required  # type: ignore[untyped-decorator]
@answers_form("account.html")
def change_password() -> None:
    """Change the password, and sign out all other devices."""
    account, old, new = current_user.account, _sent("old_password"), _sent("password")
    login_user(User(dropwall().accounts.change_password(account, old, new, _address())))


@sign_in.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """Sign out, which makes the device a new guest's. A visitor who is not signed in stays the
    guest that they are."""
    if current_user.is_authenticated:
        _end_session()
    return _done()


@sign_in.post("/sign-out-everywhere")
@login_required  # type: ignore[untyped-decorator]
def sign_out_everywhere() -> ResponseReturnValue:
    dropwall().accounts.sign_out_everywhere(current_user.account)
    _end_session()
    return _done()


def _check_sign_up() -> None:
    if not dropwall().settings.sign_up:
        abort(404)


def _begin_session(account: Account) -> None:
    """Sign in, in a session that keeps nothing of the former one: somebody else may have begun
    that."""
    session.clear()
    session.permanent = True
    login_user(User(account))


def _end_session() -> None:
    logout_user()
    session.clear()


def _device() -> str:
    """Return the guest whose photos the account takes over; empty where another account is signed
    in."""
    return str(session.get("guest_id", ""))


def _address() -> str:
    return request.remote_addr or ""


# Passcode


@sign_in.app_errorhandler(PasscodeWanted)
def ask_for_passcode(error: PasscodeWanted) -> Response:
    if request.endpoint in ASKING and request.method in ("GET", "HEAD"):
        return _show("passcode.html", next_path=request.path)
    return errors.response_to(error)


@sign_in.get("/passcode")
def show_passcode() -> ResponseReturnValue:
    return _done() if is_admitted() else _show("passcode.html")


@sign_in.post("/passcode")
@answers_form("passcode.html")
def try_passcode() -> None:
    _admit(_sent("passcode"))


@sign_in.get("/join/<path:word>")
@answers_form("passcode.html")
def join(word: str) -> None:
    """Admit a visitor who follows the link of the QR code. If it is refused, the form shows the
    link's passcode."""
    _admit(word, is_link=True)


def _admit(word: str, is_link: bool = False) -> None:
    if not is_admitted():
        dropwall().passcode.check(word, _address(), is_link)
        greet_guest()
        session["passcode"] = dropwall().passcode.token
