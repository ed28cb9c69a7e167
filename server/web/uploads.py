"""These routes take photos in, whole or in chunks."""

import select
import socket
from contextlib import ExitStack
from functools import partial

from flask import Blueprint, Response, after_this_request, current_app, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from .. import timestamps
from ..catalog.photos import Photo, find_owner_id
from ..catalog.tables import EVERYONE, OWNER, PENDING, SHOWN
from ..names import clean_photo_name
from ..photos.chunks import Chunk, read_outcome
from ..photos.intake import Sender
from ..refusals import (
    BadRequest,
    CatalogUnavailable,
    Refusal,
    SomebodyElse,
    StorageUnavailable,
    UnknownSender,
    WrongChunk,
)
from . import errors
from .multipart import Body, receive_body
from .photos import VISIBILITIES
from .requests import (
    changing,
    dropwall,
    greet_guest,
    has_ended_session,
    is_navigation,
    network,
    visitor,
)

uploads = Blueprint("uploads", __name__)

MAX_NAMED_PHOTOS = 50
"""Number of photos whose ids fit into a header, in 1,650 bytes: nginx reads an answer's headers
into 4 KB, and refuses longer ones."""
SENT_SECONDS = 60
"""Lifetime of the cookie by which the page can say what the plain form has sent."""
REFUSALS = (Refusal, OSError, HTTPException)
"""What may be a refusal; `_count_refusal` raises what is a defect of ours."""
OUTAGES = (CatalogUnavailable, StorageUnavailable)
"""Refusals that the next photo of the same request would wait for, and meet as well."""


@uploads.post("/")
def upload_photos() -> ResponseReturnValue:
    """Take photos in. Answers 204 when every photo of the request is stored, or its one chunk; 303
    back to the page for a plain form. The good photos are kept when others are refused. `Location`
    is where the one photo is, `Dropwall-Photos` names several.

    `Dropwall-Receipt` says what is safe now: the page must not take the answer of a network that
    wants its guests to sign in, or a chunk's, for a photo's."""
    added: list[Photo] = []
    refused: list[tuple[str, Exception]] = []
    begun = timestamps.now()
    with ExitStack() as staging:
        try:
            body = receive_body(staging)
            dropwall().metrics.received_bytes.inc(sum(file.bytes for _, file in body.files))
            is_chunk = "dzuuid" in body.fields or "dztotalchunkcount" in body.fields
            if is_chunk:
                outcome = _add_chunk(body, begun)
            else:
                # What a phone's share sheet sends may be a guest's first visit.
                sender_id = greet_guest() if is_navigation() else visitor().guest_id
                sender = _sender(body, sender_id, begun)
        except REFUSALS as error:
            _count_refusal(error)
            raise
        if is_chunk:
            return _chunk_receipt(outcome)
        for name, file in body.files:
            try:
                if refused and isinstance(refused[-1][1], OUTAGES):
                    raise refused[-1][1]
                added.append(dropwall().intake.add_photo(file, name, sender))
            except REFUSALS as error:
                _count_refusal(error)
                refused.append((clean_photo_name(name), error))
    sent = len(body.files)
    if is_navigation() and not refused:
        return _redirect_to_page(sent)
    receipt = Response(status=204, headers={"Dropwall-Receipt": "photo"})
    response = errors.refusal_response(refused, sent) if refused else receipt
    if sent == 1 and added:
        response.location = f"/uploads/{added[0].stored_name}"
    elif 0 < len(added) <= MAX_NAMED_PHOTOS:
        response.headers["Dropwall-Photos"] = ",".join(photo.id for photo in added)
    return response


@uploads.get("/api/uploads/<uuid>")
def upload_progress(uuid: str) -> ResponseReturnValue:
    """Answer which chunks of this guest's upload have come; Dropzone calls its id `dzuuid`."""
    progress = dropwall().chunks.progress(visitor().guest_id, uuid)
    return jsonify(vars(progress))


@uploads.delete("/api/uploads/<uuid>")
def discard_upload(uuid: str) -> ResponseReturnValue:
    """Discard the chunks of an upload that the guest has cancelled, so that they take no room."""
    with changing():
        dropwall().chunks.discard(visitor().guest_id, uuid)
    return "", 204


def _add_chunk(body: Body, begun: str) -> str:
    """Add a chunk, and return the outcome of its upload."""
    chunk = Chunk.from_fields(body.fields)
    if len(body.files) != 1:
        raise WrongChunk
    [(name, file)] = body.files
    sender = _sender(body, visitor().guest_id, begun)
    return dropwall().chunks.add_chunk(chunk, file, name, sender, body.fields.get("dzuuid", ""))


def _chunk_receipt(outcome: str) -> Response:
    """Answer a chunk with the outcome of its upload. Raises the refusal of a refused photo."""
    name = read_outcome(outcome)
    response = Response(status=204)
    response.headers["Dropwall-Receipt"] = "chunk" if name is None else "photo"
    if name:
        response.location = f"/uploads/{name}"
    return response


def _sender(body: Body, sender_id: str, begun: str) -> Sender:
    """Find out who sends, and who may see it. The field `guest` says whose page it is: another tab
    may have signed somebody else in. Raises BadRequest, UnknownSender, SomebodyElse."""
    page_of = body.fields.get("guest") or sender_id
    # Without a cookie the field is not checked. If the session was ended elsewhere, the photo would
    # belong to no account, while the page goes on showing one.
    is_own_page = page_of == sender_id or not (sender_id or has_ended_session())
    if not is_own_page and find_owner_id(dropwall().database, page_of) != sender_id:
        raise SomebodyElse
    visibility = body.fields.get("visibility") or request.args.get("visibility") or EVERYONE
    if visibility not in VISIBILITIES:
        raise BadRequest
    if visibility == OWNER and not sender_id:
        raise UnknownSender
    needs_approval = dropwall().settings.mode == "approval" and not visitor().is_host
    standing = PENDING if needs_approval else SHOWN
    # A raw body has no name, and our page has not looked into what a phone's share sheet sends.
    renames = body.is_raw or "shared" in request.args
    return Sender(
        guest_id=sender_id,
        visibility=visibility,
        standing=standing,
        visitor=sender_id or network(),
        is_disconnected=partial(_is_disconnected, request.environ.get("gunicorn.socket")),
        renames=renames,
        begun=begun,
    )


def _is_disconnected(connection: socket.socket | None) -> bool:
    """Whether the visitor at the other end of gunicorn's connection has hung up."""
    if connection is None:
        return False
    ready = select.poll()
    ready.register(connection, select.POLLIN)
    if not ready.poll(0):  # open, and silent as it should be
        return False
    try:
        return not socket.socket.recv(connection, 1, socket.MSG_PEEK)
    except OSError:
        return True


def _count_refusal(error: Exception) -> None:
    """Count a refusal. Raises the error again if it is a defect."""
    if not errors.is_refusal(error):
        raise error
    dropwall().metrics.photos_refused.labels(errors.refusal_of(error).code).inc()


def _redirect_to_page(sent: int) -> ResponseReturnValue:
    """Redirect a plain form to the page, which then says how many photos were added."""
    response = redirect("/", 303)
    response.set_cookie(
        _sent_cookie(),
        str(sent),
        SENT_SECONDS,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def take_sent() -> int:
    """Return how many photos the plain form has sent, and forget it."""
    sent = request.cookies.get(_sent_cookie(), 0, type=int)
    if sent:

        @after_this_request
        def forget(response: Response) -> Response:
            response.delete_cookie(_sent_cookie())
            return response

    return sent


def _sent_cookie() -> str:
    """Return the name of a cookie of its own: the session's would undo what has changed in it since
    the form was sent."""
    return f"{current_app.config['SESSION_COOKIE_NAME']}-sent"
