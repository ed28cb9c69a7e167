"""A server's clock that stands still, but for what a test sets it forward."""

from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from server import moments


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = self
        self._now = datetime.now(UTC).replace(microsecond=0)

        class Stopped(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:
                return clock._now.astimezone(tz)

        monkeypatch.setattr(moments, "datetime", Stopped)

    def set_forward(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
