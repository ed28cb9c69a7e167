"""A network that sends the same chunk several times at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.support.chunks import InChunks
from tests.support.gallery_server import GalleryServer
from tests.support.photos import photo_bytes

AT_ONCE = 8


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
