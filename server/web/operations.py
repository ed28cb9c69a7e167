"""What the machines that look after the gallery ask: is it alive, is it well, what has it done."""

from hmac import compare_digest

from flask import Blueprint, Response, abort, request

from ..operations.metrics import CONTENT_TYPE
from ..refusals import TokenWanted
from . import dropwall
from .access_log import RULE
from .errors import RETRY_SECONDS

operations = Blueprint("operations", __name__)


@operations.before_app_request
def tell_rule() -> None:
    if request.url_rule:
        request.environ[RULE] = request.url_rule.rule


@operations.get("/livez")
def liveness() -> Response:
    """200 as long as this process answers, whatever else does not."""
    return Response("Dropwall is alive.", mimetype="text/plain")


@operations.get("/healthz")
def readiness() -> Response:
    """200 when photos can be taken in, else 503 naming what does not answer."""
    if failing := dropwall().health.failing():
        response = Response(f"Not answering: {', '.join(failing)}.", 503, mimetype="text/plain")
        response.headers["Retry-After"] = str(RETRY_SECONDS)
        return response
    return Response("Dropwall is well.", mimetype="text/plain")


@operations.get("/metrics")
def numbers() -> Response:
    """For who knows the token. Raises TokenWanted."""
    token = dropwall().settings.metrics_token
    if not token:
        abort(404)
    scheme, _, told = request.headers.get("Authorization", "").partition(" ")
    is_told = compare_digest(told.encode("latin-1"), token.encode())
    if scheme.lower() != "bearer" or not is_told:
        raise TokenWanted
    return Response(dropwall().metrics.page(), content_type=CONTENT_TYPE)
