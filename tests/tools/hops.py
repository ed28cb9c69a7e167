"""Traces what one request runs: our functions, their files, the catalog's transactions.

`.venv/bin/python -m tests.tools.hops` prints it for the upload of one JPEG, the list, and its 304.
"""

import io
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from sqlalchemy import Connection, Engine, event

import dropwall
from dropwall import create_app
from dropwall.config import Config
from tests.support.photos import photo_bytes
from tests.support.visitors import open_page

PACKAGE = Path(dropwall.__file__).parent


@dataclass
class Trace:
    """What ran in this process, in the order of its first call. What decoders do is not seen."""

    codes: dict[CodeType, None] = field(default_factory=dict)
    transactions: int = 0
    statements: list[str] = field(default_factory=list)

    @property
    def functions(self) -> list[str]:
        """Those of the package: no lambdas, no comprehensions, nothing that a dataclass makes."""
        return [
            f"{_file(code)}:{code.co_firstlineno} {code.co_qualname}"
            for code in self.codes
            if not code.co_name.startswith("<")
        ]

    @property
    def files(self) -> list[str]:
        return list(dict.fromkeys(map(_file, self.codes)))

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{len(self.functions)} functions in {len(self.files)} files,"
                f" {self.transactions} transactions, {len(self.statements)} statements",
                *(f"  {function}" for function in self.functions),
                *(f"  | {' '.join(statement.split())[:150]}" for statement in self.statements),
            ]
        )


def trace_requests() -> dict[str, Trace]:
    """Traces each request once nothing is done for the first time any more: everything is
    imported, the decoder runs, and the gallery has a photo of the same guest."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Config(data=Path(folder) / "data"))
        guest = open_page(app)

        def upload(seed: int) -> Any:
            file = (io.BytesIO(photo_bytes("jpg", seed)), f"{seed}.jpg")
            return guest.post("/", data={"file": file}, buffered=True)

        def list_photos(headers: dict[str, str] | None = None) -> Any:
            answer = guest.get("/api/photos", headers=headers, buffered=True)
            known["If-None-Match"] = answer.headers["ETag"]
            return answer

        known: dict[str, str] = {}
        upload(1)
        list_photos()
        list_photos(known)
        traces = {}
        for name, ask, expected in (
            ("POST /", lambda: upload(2), 204),
            ("GET /api/photos", list_photos, 200),
            ("GET /api/photos, not modified", lambda: list_photos(known), 304),
        ):
            with traced() as traces[name]:
                answer = ask()
            assert answer.status_code == expected, (name, answer.status)
        app.extensions["dropwall"].watchers.close()
    return traces


@contextmanager
def traced() -> Iterator[Trace]:
    """Traces this thread and those that it starts."""
    trace = Trace()

    def notice_call(frame: FrameType, event_name: str, _: object) -> None:
        code = frame.f_code
        if event_name == "call" and code.co_filename.startswith(f"{PACKAGE}/"):
            trace.codes.setdefault(code)

    def notice_begin(_: Connection) -> None:
        trace.transactions += 1

    def notice_statement(
        _connection: Connection, _cursor: object, statement: str, *_: object
    ) -> None:
        if not statement.startswith("BEGIN"):
            trace.statements.append(statement)

    listeners: tuple[tuple[str, Callable[..., None]], ...] = (
        ("begin", notice_begin),
        ("before_cursor_execute", notice_statement),
    )
    for name, listener in listeners:
        event.listen(Engine, name, listener)
    former = sys.getprofile()
    threading.setprofile(notice_call)
    sys.setprofile(notice_call)
    try:
        yield trace
    finally:
        sys.setprofile(former)
        threading.setprofile(former)
        for name, listener in listeners:
            event.remove(Engine, name, listener)


def _file(code: CodeType) -> str:
    return str(Path(code.co_filename).relative_to(PACKAGE))


if __name__ == "__main__":
    for request, trace in trace_requests().items():
        print(f"{request}: {trace}\n")
