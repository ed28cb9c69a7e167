"""What a fault is: a gallery, and damage that is done to it at a word."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from random import Random

from tests.faults.ground import Ground
from tests.support.crowd import Crowd
from tests.support.deployed import Site

LONGEST_OUTAGE_SECONDS = 0.6

Break = Callable[[Crowd], int]
"""Does the damage once, undoes it, and says how often something went wrong."""
Broken = tuple[Site, Break]
"""The site has the URL by which the crowd comes to it."""


@dataclass(frozen=True)
class Fault:
    name: str
    engine: str
    play: Callable[[Ground, Random], AbstractContextManager[Broken]]


def outage(chance: Random) -> None:
    time.sleep(chance.uniform(0, LONGEST_OUTAGE_SECONDS))


def on(engine: str, ground: Ground) -> AbstractContextManager[Site]:
    return ground.one_machine() if engine == "embedded" else ground.two_machines()
