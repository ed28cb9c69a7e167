"""Which photo the wall shows next, in the page's own words, with chance that repeats itself."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Page

from tests.support.gallery_server import RunningServer

Play = Callable[[str], object]


@pytest.fixture
def play(page: Page, live_server: RunningServer) -> Play:
    """What lines about `order`, a WallOrder, return; `turn()` is the next photo, shown."""
    page.goto(live_server.url)

    def play(lines: str) -> object:
        return page.evaluate(
            """async () => {
                const { WallOrder } = await import("/wall-order.js");
                let seed = 1;
                const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
                const order = new WallOrder(random);
                let current = null;
                const turn = () => {
                    const id = order.next(current);
                    if (id !== null) order.show(id);
                    return (current = id ?? current);
                };
                const turns = (count) => Array.from({ length: count }, turn);
                LINES
            }""".replace("LINES", lines)
        )

    return play


def test_no_photos_no_turn(play: Play) -> None:
    assert play("order.update([]); return order.next()") is None


def test_the_only_photo_has_no_successor(play: Play) -> None:
    assert play("order.update(['a']); return [turn(), order.next('a')]") == ["a", None]


def test_rounds_are_whole_and_never_begin_with_the_last_photo(play: Play) -> None:
    ids = [str(number) for number in range(7)]
    shown = play(f"order.update({ids}); return turns(700)")
    assert isinstance(shown, list)
    rounds = [shown[start : start + 7] for start in range(0, 700, 7)]
    assert all(sorted(round_) == ids for round_ in rounds)
    assert all(a != b for a, b in pairwise(shown))
    assert len({tuple(round_) for round_ in rounds}) > 90


def test_two_photos_take_turns(play: Play) -> None:
    shown = play("order.update(['a', 'b']); return turns(6)")
    assert shown in (list("ababab"), list("bababa"))


def test_what_arrives_comes_next_and_counts_as_shown(play: Play) -> None:
    shown = play(
        """order.update(["a", "b", "c"]);
        const first = turns(1);
        order.update(["e", "d", "a", "b", "c"], new Set(["d", "e"]));
        return [...first, order.hasNews, ...turns(2), order.hasNews, ...turns(2)]"""
    )
    assert isinstance(shown, list)
    assert shown[1:5] == [True, "d", "e", False]
    assert sorted([shown[0], *shown[5:]]) == ["a", "b", "c"]


def test_what_is_known_later_waits_for_its_turn(play: Play) -> None:
    shown = play(
        """order.update(["a"]);
        const first = turns(1);
        order.update(["a", "b", "c"]);
        return [order.hasNews, ...first, ...turns(2)]"""
    )
    assert isinstance(shown, list)
    assert (shown[0], sorted(shown[1:])) == (False, ["a", "b", "c"])


def test_what_is_removed_has_no_turn_even_when_it_was_next(play: Play) -> None:
    shown = play(
        """order.update(["c", "b", "a"], ["a", "b", "c"]);
        order.update(["c", "a"]);
        return [order.has("b"), ...turns(4)]"""
    )
    assert shown == [False, "a", "c", "a", "c"]


def test_what_comes_back_is_news_again(play: Play) -> None:
    shown = play(
        """order.update(["a", "b"]);
        turns(2);
        order.update(["a"]);
        order.update(["a", "b"], ["b"]);
        return [order.isNews("b"), order.next("a")]"""
    )
    assert shown == [True, "b"]


def test_what_is_on_the_wall_is_not_next(play: Play) -> None:
    shown = play("order.update(['a', 'b'], ['a']); return [order.next('a'), order.hasNews]")
    assert shown == ["b", False]


def test_what_cannot_be_had_is_tried_after_the_others_once_a_round(play: Play) -> None:
    shown = play(
        """order.update(["a", "b", "c"]);
        return Array.from({ length: 12 }, () => {
            const id = order.next(current);
            if (id === "b") order.skip(id);
            else order.show((current = id));
            return id;
        })"""
    )
    assert isinstance(shown, list)
    assert all(sorted(shown[start : start + 3]) == ["a", "b", "c"] for start in range(0, 12, 3))


def test_news_that_cannot_be_had_is_tried_thrice(play: Play) -> None:
    shown = play(
        """order.update(["a", "b", "c"], ["b", "c"]);
        return Array.from({ length: 7 }, () => {
            const id = order.next("a");
            order.skip(id);
            return id;
        })"""
    )
    assert isinstance(shown, list)
    assert shown[:6] == ["b", "c", "b", "c", "b", "c"]


def test_news_is_forgotten_but_still_has_its_turn(play: Play) -> None:
    shown = play(
        """order.update(["a", "b"], ["a", "b"]);
        order.forgetNews();
        return [order.hasNews, ...turns(2)]"""
    )
    assert isinstance(shown, list)
    assert (shown[0], sorted(shown[1:])) == (False, ["a", "b"])
