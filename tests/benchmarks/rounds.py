"""Rounds in which ours and its references are measured in turns."""

from collections.abc import Callable


def in_turns(rounds: int, *measures: Callable[[], float]) -> list[list[float]]:
    """What each measures, round by round, after a round that only warms up. Every other round goes
    backwards, so that none always comes first."""
    values: list[list[float]] = [[] for _ in measures]
    for number in range(-1, rounds):
        places = range(len(measures))
        for place in reversed(places) if number % 2 else places:
            value = measures[place]()
            if number >= 0:
                values[place].append(value)
    return values
