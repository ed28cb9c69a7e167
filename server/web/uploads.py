"""Photos that come in, whole or in chunks."""

from contextlib import ExitStack

from flask import (
    Blueprint,
    Response,
    after_this_request,
    current_app,
    jsonify,
    redirect,
    request,
)
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from ..catalog.guests import find_owner_id
from ..catalog.photos import Photo
from ..catalog.viewer import EVERYONE, OWNER, PENDING, SHOWN
from ..names import clean_name
from ..photos.chunks import Chunk, safe_name
from ..photos.intake import Sender
from ..refusals import (
    CatalogUnavailable,
    SomebodyElse,
    StorageUnavailable,
    UnknownSender,
    WrongChunk,
)
from . import dropwall, errors, no_content
from .multipart import Body, receive_body
from .photos import VISIBILITIES
from .requests import (
    changing,
    greet_guest,
    hang_up_check,
    has_ended_session,
    is_navigation,
    limit_key,
    visitor,
)

uploads = Blueprint("uploads", __name__)

MAX_NAMED_PHOTOS = 50
"""Their ids are 1,650 bytes: nginx reads an answer's head into 4 KB, and refuses a longer one."""
SENT_SECONDS = 60
"""How long a browser remembers what its plain form has sent, until the page says it."""
SILENCES = (CatalogUnavailable, StorageUnavailable)


@uploads.post("/")
def upload_photos() -> ResponseReturnValue:
    """Take photos in. 204 when every photo of the request is safe, or its chunk of one; 303 back to
    the page for a plain form. The good ones are kept when others are refused. `Location` is where
    the one photo is, `Dropwall-Photos` names several."""
    with ExitStack() as staging:
        try:
            body = receive_body(staging)
            received_bytes = sum(upload.bytes for _, upload in body.uploads)
            dropwall().metrics.received_bytes.inc(received_bytes)
            is_chunk = "dzuuid" in body.fields or "dztotalchunkcount" in body.fields
            if is_chunk:
                outcome = _add_chunk(body)
            else:
                # What a phone's share sheet sends may be a guest's first visit.
                sender_id = greet_guest() if is_navigation() else visitor().guest_id
                sender = _sender(body, sender_id)
        except Exception as error:
            _count_refusal(error)
            raise
        if is_chunk:
            name = safe_name(outcome)
            response = _receipt("chunk" if name is None else "photo")
            if name:
                response.location = f"/uploads/{name}"
            return response
        added, refused = _add_photos(body, sender)
    if refused:
        response = errors.refusal_response(refused, len(body.uploads))
    elif is_navigation():
        return _come_back(len(body.uploads))
    else:
        response = _receipt("photo")
    if len(body.uploads) == 1 and added:
        response.location = f"/uploads/{added[0].stored_name}"
    elif 0 < len(added) <= MAX_NAMED_PHOTOS:
        response.headers["Dropwall-Photos"] = ",".join(photo.id for photo in added)
    return response


@uploads.get("/api/uploads/<uuid>")
def upload_progress(uuid: str) -> ResponseReturnValue:
    """Which chunks of this guest's upload have come; Dropzone calls its id `dzuuid`."""
    progress = dropwall().chunks.progress(visitor().guest_id, uuid)
    return jsonify(vars(progress))


@uploads.delete("/api/uploads/<uuid>")
def discard_upload(uuid: str) -> ResponseReturnValue:
    """What has come of an upload that the guest has given up makes room at once."""
    with changing():
        dropwall().chunks.discard(visitor().guest_id, uuid)
    return no_content()


def _add_chunk(body: Body) -> str:
    """Add a chunk, and return the outcome of its upload."""
    chunk = Chunk.from_fields(body.fields)
    if len(body.uploads) != 1:
        raise WrongChunk
    [(name, upload)] = body.uploads
    sender = _sender(body, visitor().guest_id)
    return dropwall().chunks.add_chunk(chunk, upload, name, sender, body.fields.get("dzuuid", ""))


def _sender(body: Body, sender_id: str) -> Sender:
    """Find out who sends, and for whom. The field `guest` says whose page it is: another tab may
    have signed somebody else in. Raises BadRequest, UnknownSender, SomebodyElse."""
    page_of = body.fields.get("guest") or sender_id
    # Without a cookie, whose page it is says nothing. With one whose session was ended elsewhere,
    # the photo would be nobody's, while the page goes on showing the account.
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
    return Sender(sender_id, visibility, standing, limit_key(), hang_up_check(), renames)


def _add_photos(body: Body, sender: Sender) -> tuple[list[Photo], list[tuple[str, Exception]]]:
    """Add the photos; return those that are safe, and the names and errors of those refused."""
    added: list[Photo] = []
    refused: list[tuple[str, Exception]] = []
    for name, upload in body.uploads:
        try:
            if refused and isinstance(refused[-1][1], SILENCES):
                raise refused[-1][1]  # nobody waits for it once more
            added.append(dropwall().intake.add_photo(upload, name, sender))
        except Exception as error:
            if not errors.is_refusal(error):
                raise
            _count_refusal(error)
            refused.append((clean_name(name), error))
    return added, refused


def _count_refusal(error: Exception) -> None:
    if errors.is_refusal(error):
        dropwall().metrics.photos_refused.labels(errors.refusal_of(error).code).inc()


def _receipt(safe: str) -> Response:
    """204, which says itself what is safe now: the page must not take the answer of a network that
    wants its guests to sign in, or a chunk's, for a photo's."""
    response = no_content()
    response.headers["Dropwall-Receipt"] = safe
    return response


def _come_back(sent: int) -> ResponseReturnValue:
    """Lead a plain form back to the page, which is to say that so many photos are safe."""
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
    """Return how many photos the plain form has sent, once."""
    sent = request.cookies.get(_sent_cookie(), 0, type=int)
    if sent:

        @after_this_request
        def forget(response: Response) -> Response:
            response.delete_cookie(_sent_cookie())
            return response

    return sent


def _sent_cookie() -> str:
    """The name of a cookie beside the session: what has changed in that since the form was sent
    would be undone."""
    return f"{current_app.config['SESSION_COOKIE_NAME']}-sent"
