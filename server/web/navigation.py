"""Whether a person looks at the answer, and where they go from there."""

import re

from flask import request

LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*", re.ASCII)
"""A path of this site: browsers read `//`, `/\\` and `/<tab>/` as the beginning of another."""


def is_navigation() -> bool:
    """Whether a browser will show the answer as a page: it says so itself, and the ones that are
    too old to say so ask for HTML, which no script does."""
    mode = request.headers.get("Sec-Fetch-Mode")
    if mode:
        return mode == "navigate"
    return "text/html" in request.headers.get("Accept", "")


def local_path(wanted: str) -> str:
    """`wanted`, if it leads nowhere else than to this gallery, or else its front door."""
    return wanted if LOCAL.fullmatch(wanted) else "/"
