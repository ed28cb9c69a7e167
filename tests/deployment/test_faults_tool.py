"""`make faults`, in short: what it finds is what there is."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.fault import Fault
from tests.faults.faults import FAULTS
from tests.faults.ground import Ground
from tests.faults.playing import play
from tests.faults.results import Result, table, tracebacks
from tests.support.crowd import Crowd, Findings
from tests.support.gallery_server import RunningServer

GOOD = Findings(answered=1200, lost=[], doubled=[], half_there=[], behind=0, backwards=0, swapped=0)


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.engine == "embedded"][:2])
def test_a_fault_is_played_and_nothing_is_lost(fault: Fault) -> None:
    with Ground() as ground:
        result = play(fault, ground, rounds=2, seed=1)
    assert (result.is_good, result.times) == (True, 2), result


def test_what_is_gone_is_found_out(live_server: RunningServer, tmp_path: Path) -> None:
    crowd = Crowd(live_server.url, guests=1, watchers=1)
    with crowd.at_work():
        pass
    assert crowd.look_at(live_server.url).are_good
    [kept] = live_server.photos()
    crowd.remember("other.jpg", b"")
    crowd.memory.safe.add("other.jpg")
    crowd.memory.sent[kept["name"]] = "other bytes"
    crowd.followers[0].view.photos.clear()
    findings = crowd.look_at(live_server.url)
    assert (findings.lost, findings.half_there) == (["other.jpg"], [kept["name"]])
    assert (findings.behind, findings.are_good) == (1, False)


def test_the_table_counts_what_is_wrong() -> None:
    good = Result("it breaks", "embedded", 1000, GOOD)
    bad = Result("so does this", "scaled", 1, replace(GOOD, lost=["a"]), frozenset({"b", "c"}))
    assert (good.is_good, bad.is_good) == (True, False)
    *_, first, second = table([good, bad]).splitlines()
    assert first == "| it breaks | embedded | 1,000 | 1,200 | 0 | 0 | 0 |"
    assert second == "| so does this | scaled | 1 | 1,200 | 1 | 0 | 2 |"


def test_only_what_was_not_foreseen_is_reported() -> None:
    log = 'busy\nTraceback (most recent call last):\n  File "a"\n    b\nValueError: c\nbusy\n'
    assert tracebacks(log) == ["ValueError: c"]
    assert not replace(Result("", "", 1, GOOD), trouble="ValueError: c").is_good
