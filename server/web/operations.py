"""These endpoints are for monitoring: liveness, readiness, metrics."""

from hmac import compare_digest

from flask import Blueprint, Response, abort, request

from ..operations.metrics import CONTENT_TYPE
from ..refusals import TokenWanted
from .errors import RETRY_SECONDS
from .requests import dropwall

operations = Blueprint("operations", __name__)


@operations.get("/livez")
def liveness() -> Response:
    """Answer 200 as long as this process answers, whatever else fails."""
    return Response("Dropwall is alive.", mimetype="text/plain")


@operations.get("/healthz")
def readiness() -> Response:
    """Answer 200 when photos can be accepted, else 503 with the parts that fail."""
    if failing := dropwall().health.failing():
        response = Response(f"Not answering: {', '.join(failing)}.", 503, mimetype="text/plain")
        response.headers["Retry-After"] = str(RETRY_SECONDS)
        return response
    return Response("Dropwall is well.", mimetype="text/plain")


@operations.get("/metrics")
def numbers() -> Response:
    """Answer the metrics to requests with the token. Raises TokenWanted."""
    token = dropwall().settings.metrics_token
    if not token:
        abort(404)
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    is_known = compare_digest(given.encode("latin-1"), token.encode())
    if scheme.lower() != "bearer" or not is_known:
        raise TokenWanted
    return Response(dropwall().metrics.page(), content_type=CONTENT_TYPE)
