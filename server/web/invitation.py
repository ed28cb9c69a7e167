"""How guests find the gallery: its address, to be scanned, printed and read."""

from flask import Blueprint, Response, render_template, request

from ..people.address import address_to_share, is_only_nearby
from . import dropwall
from .qr_code import draw_qr_code

invitation = Blueprint("invitation", __name__)


@invitation.get("/qr.svg")
def qr_code() -> Response:
    return Response(draw_qr_code(invitation_address()), mimetype="image/svg+xml")


@invitation.get("/poster")
def poster() -> str:
    """A page to be printed and hung up."""
    address = shared_address()
    return render_template(
        "poster.html",
        address=address,
        passcode=dropwall().settings.passcode,
        is_only_nearby=is_only_nearby(address),
    )


def invitation_address() -> str:
    """What this visitor may give to others; where there is a passcode, it is in it."""
    return shared_address() + dropwall().passcode.path


def shared_address() -> str:
    """The gallery's own, for this visitor."""
    # Not `host_url`, which raises ValueError on a Host that is none, and undoes punycode.
    return address_to_share(dropwall().settings, f"{request.scheme}://{request.host}")
