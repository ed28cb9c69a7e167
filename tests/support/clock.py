"""A server's clock that stands still, but for what a test sets it forward, or a try is delayed."""

from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from dropwall import timestamps
from dropwall.people import rate_limits


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = self
        self._now = datetime.now(UTC).replace(microsecond=0)

        class Stopped(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:
                return clock._now.astimezone(tz)

        self.slept_seconds = 0.0
        monkeypatch.setattr(timestamps, "datetime", Stopped)
        monkeypatch.setattr(rate_limits, "sleep", self._sleep)

    def set_forward(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    def _sleep(self, seconds: float) -> None:
        self.slept_seconds += seconds
        self.set_forward(seconds)
