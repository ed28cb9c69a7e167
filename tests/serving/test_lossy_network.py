"""However often an answer is lost, or a request arrives twice, each photo is there once."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import requests

from tests.support.chunks import InChunks
from tests.support.faulty_proxy import FaultyProxy, doubling_requests, losing_answers
from tests.support.gallery_server import RunningServer
from tests.support.guest import Guest
from tests.support.photos import photo_bytes

GUESTS, PHOTOS_OF_EACH = 4, 25
LOST_SHARE = 0.3
ROUNDS, AT_ONCE = 40, 8

Photo = tuple[str, bytes]


def photo(number: int) -> Photo:
    return f"{number}.png", photo_bytes("png", seed=number, size=(48, 32))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def send_all(server_url: str) -> list[Photo]:
    """A hundred different photos, every other one in chunks, from some guests at once."""
    sent = [photo(number) for number in range(GUESTS * PHOTOS_OF_EACH)]

    def send_some(guest_number: int) -> None:
        with closing(Guest(server_url)) as guest:
            for number in range(guest_number, len(sent), GUESTS):
                name, content = sent[number]
                if number // GUESTS % 2:
                    guest.send(name, content)
                else:
                    guest.send_in_chunks(name, content, chunk_bytes=len(content) // 3)

    with ThreadPoolExecutor(GUESTS) as pool:
        list(pool.map(send_some, range(GUESTS)))
    return sent


def assert_each_is_there_once(server: RunningServer, sent: list[Photo]) -> None:
    listed = server.photos()
    assert len(listed) == len(sent)
    kept = {
        photo["name"]: sha256(requests.get(server.url + photo["url"], timeout=30).content)
        for photo in listed
    }
    assert kept == {name: sha256(content) for name, content in sent}


def assert_often(faults_of: FaultyProxy) -> None:
    assert faults_of.faults > GUESTS * PHOTOS_OF_EACH * LOST_SHARE


def test_photos_whose_answers_are_lost_are_there_once(live_server: RunningServer) -> None:
    with losing_answers(live_server.url, LOST_SHARE) as proxy:
        sent = send_all(proxy.url)
        assert_often(proxy)
    assert_each_is_there_once(live_server, sent)


def test_photos_that_are_sent_twice_are_there_once(live_server: RunningServer) -> None:
    with doubling_requests(live_server.url) as proxy:
        sent = send_all(proxy.url)
        assert_often(proxy)
    assert_each_is_there_once(live_server, sent)


def test_the_last_chunk_of_a_bad_photo_is_refused_however_often_it_comes(
    live_server: RunningServer,
) -> None:
    whole = photo_bytes("jpg", size=(1600, 1200))
    broken = whole[: len(whole) * 9 // 10]
    for number in range(ROUNDS):
        sent = InChunks(broken + bytes([number]), len(broken) // 2 + 1)

        def send(chunk: int, sent: InChunks = sent) -> int:
            files = {"file": (sent.name, sent.bytes(chunk))}
            return requests.post(live_server.url, sent.fields(chunk), files=files).status_code

        assert send(0) == 204
        with ThreadPoolExecutor(AT_ONCE) as pool:
            assert set(pool.map(send, [sent.last] * AT_ONCE)) == {400}
