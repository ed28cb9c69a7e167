"""`make faults`, in short: it plays a fault under load, and reports every loss."""

from dataclasses import replace

import pytest

from tests.faults import playing
from tests.faults.faults import FAULTS
from tests.faults.ground import Ground
from tests.faults.playing import Result, play, table, tracebacks
from tests.support.crowd import Crowd, Findings
from tests.support.gallery_server import Gallery

pytestmark = pytest.mark.embedded

GOOD = Findings(answered=1200, lost=[], doubled=[], half_there=[], behind=0, backwards=0, swapped=0)


def test_a_server_is_killed_under_load_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "LONGEST_CALM_SECONDS", 0.5)
    with Ground() as ground:
        result = play(FAULTS[0], ground, rounds=1, seed=1)
    assert (result.is_good, result.times) == (True, 1), result


def test_a_crowd_notices_lost_damaged_and_unseen_photos(gallery: Gallery) -> None:
    crowd = Crowd(gallery.url, guests=1, watchers=1)
    with crowd.at_work():
        pass
    assert crowd.look_at(gallery.url).are_good
    kept = gallery.photos()[0]
    crowd.remember("other.jpg", b"")
    crowd.safe.add("other.jpg")
    crowd.sent[kept["name"]] = "other bytes"
    crowd.followers[0].photos.clear()
    findings = crowd.look_at(gallery.url)
    assert (findings.lost, findings.half_there) == (["other.jpg"], [kept["name"]])
    assert (findings.behind, findings.are_good) == (1, False)


def test_the_table_of_faults_counts_what_is_wrong() -> None:
    log = 'busy\nTraceback (most recent call last):\n  File "a"\n    b\nValueError: c\nbusy\n'
    assert tracebacks(log) == ["ValueError: c"]
    good = Result("it breaks", "embedded", 1000, GOOD)
    bad = Result("so does this", "scaled", 1, replace(GOOD, lost=["a"]), frozenset({"b", "c"}))
    assert good.is_good
    assert not bad.is_good
    assert not replace(good, trouble="ValueError: c").is_good
    *_, first, second = table([good, bad]).splitlines()
    assert first == "| it breaks | embedded | 1,000 | 1,200 | 0 | 0 | 0 |"
    assert second == "| so does this | scaled | 1 | 1,200 | 1 | 0 | 2 |"
