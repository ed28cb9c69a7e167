"""However often an answer is lost, or a request arrives twice, each photo is there once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from functools import partial

import pytest
import requests

from tests.support.chunks import InChunks
from tests.support.faulty_proxy import FaultyProxy, doubling_requests, losing_answers
from tests.support.gallery_server import GalleryServer
from tests.support.guest import Guest
from tests.support.photos import photo_bytes

GUESTS, PHOTOS = 4, 40
LOST_SHARE = 0.3
AT_ONCE = 8


def send_all(server_url: str, photos: dict[str, bytes]) -> None:
    """From some guests at once, every other photo of each in chunks."""

    def send_some(guest_number: int) -> None:
        with closing(Guest(server_url)) as guest:
            for number, (name, content) in enumerate([*photos.items()][guest_number::GUESTS]):
                if number % 2:
                    guest.send(name, content)
                else:
                    guest.send_in_chunks(name, content, chunk_bytes=len(content) // 3)

    with ThreadPoolExecutor(GUESTS) as pool:
        list(pool.map(send_some, range(GUESTS)))


@pytest.mark.parametrize(
    "faulty", [partial(losing_answers, share=LOST_SHARE), doubling_requests], ids=["lost", "twice"]
)
def test_a_photo_whose_answer_is_lost_or_that_is_sent_twice_is_there_once(
    server: GalleryServer, faulty: Callable[[str], AbstractContextManager[FaultyProxy]]
) -> None:
    photos = {f"{n}.png": photo_bytes("png", seed=n, size=(48, 32)) for n in range(PHOTOS)}
    with faulty(server.url) as proxy:
        send_all(proxy.url, photos)
        assert proxy.faults > PHOTOS * LOST_SHARE
    listed = server.photos()
    assert len(listed) == len(photos)
    kept = {p["name"]: requests.get(server.url + p["url"], timeout=30).content for p in listed}
    assert kept == photos


@pytest.mark.parametrize("rounds", [4, pytest.param(40, marks=pytest.mark.slow)])
def test_a_damaged_photo_is_refused_however_often_its_last_chunk_comes(
    server: GalleryServer, rounds: int
) -> None:
    whole = photo_bytes("jpg", size=(1600, 1200))
    damaged = whole[: len(whole) * 9 // 10]
    for number in range(rounds):
        sent = InChunks(damaged + bytes([number]), len(damaged) // 2 + 1)

        def send(chunk: int, sent: InChunks = sent) -> int:
            files = {"file": (sent.name, sent.bytes(chunk))}
            return requests.post(server.url, sent.fields(chunk), files=files).status_code

        assert send(0) == 204
        with ThreadPoolExecutor(AT_ONCE) as pool:
            assert set(pool.map(send, [sent.last] * AT_ONCE)) == {400}
