"""Timestamps as they are stored and sent: ISO 8601 text, in UTC, with whole seconds."""

from datetime import UTC, datetime, timedelta


def now(seconds_ago: float = 0) -> str:
    """Such as `2026-11-22T10:00:00Z`; the texts sort as the moments do."""
    moment = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=seconds_ago)
    return f"{moment.isoformat(timespec='seconds')}Z"


def seconds_since(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
