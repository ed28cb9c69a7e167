"""Pages that are one form: how they look, and how what was sent is answered."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from . import dropwall, errors, no_content
from .navigation import is_navigation, local_path

MAX_BODY_BYTES = 8000
"""Of a name and two passwords of the longest kind, all their characters escaped."""

BACK = ("/", "Back to the gallery")


@dataclass(frozen=True)
class Field:
    """`autocomplete` is what password managers go by. The refusals whose codes are in `blamed_by`
    are about this field, and with `*` all that are about no other."""

    name: str
    label: str
    autocomplete: str
    type: str = "text"
    hint: str = ""
    blamed_by: tuple[str, ...] = ()
    value: str = ""


@dataclass(frozen=True)
class Form:
    """`path` takes what is sent; `links` are paths and their words; `done` is said once it worked
    where the page stays, `ways_out` are buttons of their own."""

    path: str
    title: str
    fields: tuple[Field, ...]
    button: str
    words: str = ""
    links: tuple[tuple[str, str], ...] = ()
    done: str = ""
    ways_out: tuple[tuple[str, str], ...] = ()

    def field_blamed_by(self, refusal: str) -> Field | None:
        for cause in (refusal, "*"):
            for field in self.fields:
                if cause in field.blamed_by:
                    return field
        return None


def show(form: Form, refusal: Response | None = None, next_path: str = "") -> Response:
    """The page, with the sentence of a `refusal` in it; it leads on to `next_path`, or else to
    where the visitor wanted to go."""
    page = render_template(
        "form.html",
        form=form,
        trouble=refusal.get_data(as_text=True) if refusal else "",
        blamed=form.field_blamed_by(refusal.headers["Dropwall-Refusal"]) if refusal else None,
        next_path=next_path or wanted_path(),
        name=sent("name"),
    )
    response = Response(page)
    if refusal:
        response.status_code = refusal.status_code
        for name in ("Dropwall-Refusal", "Retry-After"):
            if name in refusal.headers:
                response.headers[name] = refusal.headers[name]
    return response


def answer(form: Form, act: Callable[[], object]) -> ResponseReturnValue:
    """Once `act` is done 204 for a script, 303 for a browser that shows the answer. That one is
    shown the form again when `act` is refused."""
    try:
        act()
    except Exception as error:
        if not (_is_page() and errors.is_refusal(error)):
            raise
        return show(form, errors.response_to(error, dropwall().settings))
    return done()


def done() -> ResponseReturnValue:
    return redirect(wanted_path(), 303) if _is_page() else no_content()


def _is_page() -> bool:
    return request.method == "GET" or is_navigation()


def sent(name: str) -> str:
    """A field's text. Raises BadRequest."""
    request.max_content_length = MAX_BODY_BYTES
    try:
        return request.form.get(name, "")
    except RequestEntityTooLarge:
        raise BadRequest from None


def wanted_path() -> str:
    """Where the visitor wanted to go."""
    return local_path(sent("next") or request.args.get("next", ""))
