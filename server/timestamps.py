"""Timestamps as they are stored and sent: ISO 8601 text, in UTC, with whole seconds."""

from datetime import UTC, datetime, timedelta


def write_moment(moment: datetime) -> str:
    """Format a moment, such as `2026-11-22T10:00:00Z`; the texts sort as the moments do."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='seconds')}Z"  # strftime gives years below 1000 fewer digits


def now(seconds_ago: float = 0) -> str:
    return write_moment(datetime.now(UTC) - timedelta(seconds=seconds_ago))


def seconds_since(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
