"""What was measured, as one line of the table."""

import statistics
from dataclasses import dataclass, field
from typing import NamedTuple


class Spread(NamedTuple):
    """Of the rounds' values: the middle one, the least, the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Row:
    """`ours` and `reference` have a value of each round, taken in turns: what one round had to
    bear, both had. What is wanted is a bound of their ratio, or else of ours; of more than is
    better it is the least, otherwise the most."""

    what: str
    unit: str
    ours: list[float]
    reference: list[float] = field(default_factory=list)
    against: str = ""
    wanted: float | None = None
    wanted_ratio: float | None = None
    more_is_better: bool = False

    @property
    def ratios(self) -> list[float]:
        """Round by round; where a reference was 0 there is none."""
        pairs = zip(self.ours, self.reference, strict=True) if self.reference else ()
        return [ours / theirs for ours, theirs in pairs if theirs]

    @property
    def bound(self) -> float | None:
        return self.wanted if self.wanted_ratio is None else self.wanted_ratio

    @property
    def margins(self) -> list[float]:
        """How many times as good as wanted each round was; from 1 on it is reached."""
        bound = self.bound
        if bound is None:
            return []
        values = [max(v, 1e-9) for v in (self.ours if self.wanted_ratio is None else self.ratios)]
        return [value / bound if self.more_is_better else bound / value for value in values]

    @property
    def is_reached(self) -> bool | None:
        """By the median; None where nothing is promised."""
        return statistics.median(self.margins) >= 1 if self.margins else None

    def __str__(self) -> str:
        said = f"{self.what}: {statistics.median(self.ours):.4g} {self.unit}"
        if self.reference:
            said += f"; {self.against}: {statistics.median(self.reference):.4g}"
        if self.ratios:
            said += f"; ratio {statistics.median(self.ratios):.3g}"
        if self.bound is not None:
            said += f"; wanted {self.bound:g}{'' if self.is_reached else ': NOT REACHED'}"
        return said
