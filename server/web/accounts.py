"""Signing in and out, by Flask-Login."""

from flask import Blueprint, Response, abort, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import (
    LoginManager,
    UserMixin,
    current_user,
    login_required,
    login_user,
    logout_user,
)

from ..catalog.accounts import Account
from ..people.passwords import MIN_PASSWORD
from ..refusals import NotSignedIn
from . import dropwall
from .forms import BACK, Field, Form, answer, done, sent, show, wanted_path
from .navigation import is_navigation

accounts = Blueprint("accounts", __name__)


class User(UserMixin):  # type: ignore[misc]
    """Somebody who is signed in, as Flask-Login wants them."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.id, self.name, self.is_host = account.id, account.name, account.is_host

    def get_id(self) -> str:
        return self.account.session_id


class SessionLogin(LoginManager):  # type: ignore[misc]
    """Without the "remember me" cookie, which our session, being permanent, does not need: it would
    be read where somebody forges it (and not every byte survives that), and every answer, even a
    style sheet, would say that it depends on the cookie."""

    def _load_user_from_remember_cookie(self, cookie: str) -> None:
        return None

    def _update_remember_cookie(self, response: Response) -> Response:
        return response


login_manager = SessionLogin()
# It goes by the address, and a phone's changes on the way from Wi-Fi to mobile network.
login_manager.session_protection = None
login_manager.login_view = "accounts.sign_in"


@login_manager.user_loader  # type: ignore[untyped-decorator]
def load_user(session_id: str) -> User | None:
    account = dropwall().accounts.of_session(session_id)
    return User(account) if account else None


@login_manager.unauthorized_handler  # type: ignore[untyped-decorator]
def ask_to_sign_in() -> ResponseReturnValue:
    """A person is led to the form and back; a script is told."""
    if request.method == "GET" and is_navigation():
        return redirect(url_for(login_manager.login_view, next=request.full_path.rstrip("?")), 303)
    raise NotSignedIn


@accounts.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    return redirect(wanted_path(), 303) if current_user.is_authenticated else show(_sign_in_form())


@accounts.post("/sign-in")
def try_to_sign_in() -> ResponseReturnValue:
    def act() -> None:
        found = dropwall().accounts.sign_in(sent("name"), sent("password"), _device(), _address())
        _begin_session(found)

    return answer(_sign_in_form(), act)


@accounts.get("/sign-up")
def sign_up() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(wanted_path(), 303)
    return show(_sign_up_form())


@accounts.post("/sign-up")
def try_to_sign_up() -> ResponseReturnValue:
    def act() -> None:
        made = dropwall().accounts.sign_up(sent("name"), sent("password"), _device(), _address())
        _begin_session(made)

    return answer(_sign_up_form(), act)


@accounts.get("/account")
@login_required  # type: ignore[untyped-decorator]
def account() -> Response:
    return show(_account_form())


@accounts.post("/account")
@login_required  # type: ignore[untyped-decorator]
def change_password() -> ResponseReturnValue:
    """Whoever else is signed in to this account is so no more."""

    def act() -> None:
        changed = dropwall().accounts.change_password(
            current_user.account, sent("old_password"), sent("password"), _address()
        )
        login_user(User(changed))

    return answer(_account_form(), act)


@accounts.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """The device is a new guest's; who is not signed in keeps their own."""
    if current_user.is_authenticated:
        _end_session()
    return done()


@accounts.post("/sign-out-everywhere")
@login_required  # type: ignore[untyped-decorator]
def sign_out_everywhere() -> ResponseReturnValue:
    dropwall().accounts.sign_out_everywhere(current_user.account)
    _end_session()
    return done()


def _begin_session(found: Account) -> None:
    """Nothing of the session before is left in it: somebody else may have begun that."""
    session.clear()
    session.permanent = True
    login_user(User(found))


def _end_session() -> None:
    logout_user()
    session.clear()


def _device() -> str:
    """The guest whose photos come along; none from one account to another."""
    return str(session.get("guest_id", ""))


def _address() -> str:
    return request.remote_addr or ""


def _sign_in_form() -> Form:
    sign_up = (("/sign-up", "Create an account"),) if dropwall().settings.sign_up else ()
    return Form(
        path="/sign-in",
        title="Sign in",
        words="What you have sent from this device comes along, under your name.",
        fields=(
            Field("name", "Name", "username"),
            Field("password", "Password", "current-password", "password", blamed_by=("*",)),
        ),
        button="Sign in",
        links=(*sign_up, BACK),
    )


def _sign_up_form() -> Form:
    """There is none where the settings do not want it."""
    if not dropwall().settings.sign_up:
        abort(404)
    named = ("no-name", "long-name", "name-taken")
    return Form(
        path="/sign-up",
        title="Create an account",
        words="To keep your photos together on all your devices. What you have sent comes along.",
        fields=(Field("name", "Name", "username", blamed_by=named), _new_password("Password")),
        button="Create account",
        links=(("/sign-in", "Sign in instead"), BACK),
    )


def _account_form() -> Form:
    name = current_user.name
    return Form(
        path="/account",
        title="Your account",
        words=f"You are signed in as {name}{', a host' if current_user.is_host else ''}.",
        fields=(
            Field("name", "Name", "username", "hidden", value=name),
            Field("old_password", "Present password", "current-password", "password", "", ("*",)),
            _new_password("New password"),
        ),
        button="Change password",
        done="Your password is changed. Your other devices are signed out.",
        ways_out=(("/sign-out", "Sign out"), ("/sign-out-everywhere", "Sign out everywhere")),
        links=(BACK,),
    )


def _new_password(label: str) -> Field:
    hint = f"At least {MIN_PASSWORD} characters. A short sentence is a good one."
    return Field("password", label, "new-password", "password", hint, ("weak-password",))
