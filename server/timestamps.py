"""Moments as they are kept and told: ISO 8601, UTC, whole seconds."""

from datetime import UTC, datetime, timedelta


def write_moment(moment: datetime) -> str:
    """Such as `2026-11-22T10:00:00Z`; of two such texts the smaller one is the earlier."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='seconds')}Z"  # strftime writes the year 999 with three digits


def now(seconds_ago: float = 0) -> str:
    return write_moment(datetime.now(UTC) - timedelta(seconds=seconds_ago))


def seconds_since(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
