"""Ctrl-C while all is still being imported: a command that has not begun has no more to say."""

import sys
from types import TracebackType

_former_hook = sys.excepthook


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Python ends by the signal all the same."""
    if not issubclass(kind, KeyboardInterrupt):
        _former_hook(kind, error, trace)


sys.excepthook = _tell
