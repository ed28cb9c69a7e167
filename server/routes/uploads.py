"""Photos come in, whole or in chunks."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from .. import errors
from ..catalog import EVERYONE, OWNER, PENDING, SHOWN, CatalogUnavailable
from ..chunks import Chunk, WrongChunk
from ..intake import Sender, SomebodyElse, UnknownSender
from ..names import clean_name
from ..storage import StorageUnavailable
from . import no_content, parts
from .body import Body, receive_body
from .guest import changing, greet_guest, guest_id, leaving_noticed, viewer, visitor
from .navigation import is_navigation
from .photos import VISIBILITIES
from .plain_form import come_back

uploads = Blueprint("uploads", __name__)

SILENCES = (CatalogUnavailable, StorageUnavailable)


@uploads.post("/")
def upload_photos() -> ResponseReturnValue:
    """204 when every photo of the request is safe, or its chunk of one; 303 back to the page for a
    plain form. The good ones are kept when others are refused."""
    metrics = parts().metrics
    with ExitStack() as staging:
        with _counted_refusal():
            body = receive_body(staging)
            metrics.received_bytes.inc(sum(upload.bytes for _, upload in body.uploads))
            if _is_chunk(body):
                is_safe = _add_chunk(body)
                metrics.photos_added.inc(is_safe)
                return _receipt("photo" if is_safe else "chunk")
            sender = _sender(body, _sender_id())
        refused = _add_photos(body, sender)
    metrics.photos_added.inc(len(body.uploads) - len(refused))
    if refused:
        return errors.refusal_response(refused, len(body.uploads), parts().settings)
    if is_navigation():
        return come_back(len(body.uploads))
    return _receipt("photo")


@uploads.get("/api/uploads/<uuid>")
def upload_progress(uuid: str) -> ResponseReturnValue:
    """Which chunks of this guest's upload have come; Dropzone calls its id `dzuuid`."""
    progress = parts().chunks.progress(guest_id(), uuid)
    return jsonify(vars(progress))


@uploads.delete("/api/uploads/<uuid>")
def discard_upload(uuid: str) -> ResponseReturnValue:
    """What has come of an upload that the guest has given up makes room at once."""
    with changing():
        parts().chunks.discard(guest_id(), uuid)
    return no_content()


def _is_chunk(body: Body) -> bool:
    return "dzuuid" in body.fields or "dztotalchunkcount" in body.fields


def _add_chunk(body: Body) -> bool:
    """Whether it was the last one, and the photo is safe."""
    chunk = Chunk.from_fields(body.fields)
    if len(body.uploads) != 1:
        raise WrongChunk
    [(name, upload)] = body.uploads
    sender = _sender(body, guest_id())
    return parts().chunks.add_chunk(chunk, upload, name, sender, body.fields.get("dzuuid", ""))


def _sender_id() -> str:
    """A form that this site has not shown, but a phone's share sheet, may be a guest's first
    visit."""
    return greet_guest() if is_navigation() else guest_id()


def _sender(body: Body, sender_id: str) -> Sender:
    """`guest` is whose page it is that sends: another tab may have signed somebody else in. Raises
    BadRequest, UnknownSender, SomebodyElse."""
    page_of = body.fields.get("guest") or sender_id
    if sender_id and page_of != sender_id and parts().guests.present_id(page_of) != sender_id:
        raise SomebodyElse
    visibility = body.fields.get("visibility") or request.args.get("visibility") or EVERYONE
    if visibility not in VISIBILITIES:
        raise BadRequest
    if visibility == OWNER and not sender_id:
        raise UnknownSender
    needs_approval = parts().settings.mode == "approval" and not viewer().is_host
    standing = PENDING if needs_approval else SHOWN
    # A raw body has no name, and our page has not looked into what a phone's share sheet sends.
    renames = body.is_raw or "shared" in request.args
    return Sender(sender_id, visibility, standing, visitor(), leaving_noticed(), renames)


def _add_photos(body: Body, sender: Sender) -> list[tuple[str, Exception]]:
    """Those that were refused, by name."""
    refused: list[tuple[str, Exception]] = []
    for name, upload in body.uploads:
        if refused and isinstance(silence := refused[-1][1], SILENCES):
            refused.append((clean_name(name), silence))  # nobody waits for it once more
            continue
        try:
            with _counted_refusal():
                parts().intake.add_photo(upload, name, sender)
        except Exception as error:
            if not errors.is_refusal(error):
                raise
            refused.append((clean_name(name), error))
    return refused


@contextmanager
def _counted_refusal() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if errors.is_refusal(error):
            parts().metrics.photos_refused.labels(type(error).__name__).inc()
        raise


def _receipt(safe: str) -> Response:
    """204, which says itself what is safe now: the page must not take the answer of a network that
    wants its guests to sign in, or a chunk's, for a photo's."""
    response = no_content()
    response.headers["Dropwall-Receipt"] = safe
    return response
