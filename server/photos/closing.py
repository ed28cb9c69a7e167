"""Says until when a gallery that is closed for uploads took photos."""

from datetime import UTC, datetime, timedelta, tzinfo

from ..refusals import Closed

PARTS_OF_THE_DAY = {5: "morning", 12: "afternoon", 17: "evening", 22: "night"}
"""Parts of the day, by the hour at which each begins. The night lasts into the next day."""
WEEK = timedelta(days=7)


def closed_refusal(
    closed_at: str, now: datetime | None = None, zone: tzinfo | None = None
) -> Closed:
    """Return the refusal of all photos since this moment. It says until when they were collected,
    by the server's own clock and time zone unless others are given: `Sunday evening` within a week,
    then `20 June`. The night to Sunday is Saturday night."""
    moment = datetime.fromisoformat(closed_at).astimezone(zone)
    today = (now or datetime.now(UTC)).astimezone(zone).date()
    hours = [hour for hour in PARTS_OF_THE_DAY if hour <= moment.hour]
    part = PARTS_OF_THE_DAY[max(hours, default=max(PARTS_OF_THE_DAY))]
    day = moment.date() if hours else moment.date() - timedelta(days=1)
    if today - day < WEEK:
        return Closed(f"{day:%A} {part}")
    return Closed(f"{day.day} {day:%B}" + (f" {day.year}" if day.year != today.year else ""))


def closed_sentence(closed_at: str) -> str:
    """Say the same as a sentence: `Photos were collected until Sunday evening.`"""
    return Closed.sentence.format(until=closed_refusal(closed_at).until)
