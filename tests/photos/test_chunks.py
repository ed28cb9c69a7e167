"""Photos that arrive in chunks: in any order, any twice, at any worker, and whole in the end."""

import io
import itertools
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from werkzeug.test import TestResponse

from server import create_app, moments
from server.catalog.tables import uploads
from server.chunks import upload_id
from server.config import Config
from server.storage.keys import chunk_key
from server.sweep import AGE_SECONDS
from server.turns import Turns
from tests.conftest import open_page
from tests.support.bad_photos import BAD
from tests.support.chunks import InChunks, send_all, send_chunk
from tests.support.engines import catalog_of, make_old, storage_of, stored_files
from tests.support.photos import photo_bytes

FORMATS = "JPEG, PNG, GIF, WebP, AVIF or HEIC"
UNKNOWN_TYPE = f"Files of this type are not taken; please send {FORMATS}."
TOO_LARGE = "This photo is too large; the limit is 100 MB."
DO_NOT_FIT = (
    "The pieces of this photo do not fit together; please reload the page and send it again."
)
NOTHING_YET = "Nothing of this photo has arrived yet; please send it."
LOST = "What had arrived of this photo is gone; please send it again."

_numbers = itertools.count()


def photo() -> bytes:
    """Another one each time."""
    return photo_bytes("jpg", 1, (120, 80)) + next(_numbers).to_bytes(8)


def in_chunks(count: int = 5) -> InChunks:
    content = photo()
    return InChunks(content, -(-len(content) // count))


def at_another_worker(client: FlaskClient, app: Flask) -> FlaskClient:
    """The same guest."""
    other = app.test_client()
    other.set_cookie("dropwall", client.get_cookie("dropwall").value)
    return other


def originals(client: FlaskClient) -> list[bytes]:
    listed = client.get("/api/photos").json["photos"]
    return [client.get(photo["url"], buffered=True).data for photo in listed]


def progress(client: FlaskClient, uuid: str) -> dict:
    return client.get(f"/api/uploads/{uuid}").json


def files(config: Config, *folders: str) -> list[str]:
    return [key for key in stored_files(config.data) if key.partition("/")[0] in folders]


def unlisted_files(config: Config) -> list[str]:
    return files(config, "incoming", "chunks")


def arriving(config: Config) -> list[Path]:
    return [*(config.data / "incoming").iterdir()]


def told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.text


# The photo


ORDERS: dict[str, Callable[[list[int]], list[int]]] = {
    "forward": lambda numbers: numbers,
    "backward": lambda numbers: numbers[::-1],
    "shuffled": lambda numbers: random.Random(3).sample(numbers, len(numbers)),
    "every one twice": lambda numbers: [number for number in numbers for _ in "12"],
    "all of them twice": lambda numbers: numbers * 2,
}


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_a_photo_in_chunks_comes_back_byte_for_byte(
    client: FlaskClient, config: Config, order: Callable[[list[int]], list[int]], count: int
) -> None:
    sent = in_chunks(count)
    for number in order([*sent.numbers]):
        assert told(send_chunk(client, sent, number)) == (204, "")
    assert originals(client) == [sent.content]
    assert unlisted_files(config) == []


def test_a_photo_is_listed_with_its_last_chunk_and_not_before(client: FlaskClient) -> None:
    sent = replace(in_chunks(3), name="写真.jpg")
    for number in (0, 2, 2):
        send_chunk(client, sent, number)
    assert originals(client) == []
    send_chunk(client, sent, 1)
    assert client.get("/api/photos").json["photos"][0]["name"] == "写真.jpg"


def test_a_chunk_that_comes_twice_counts_once(client: FlaskClient) -> None:
    sent = in_chunks(2)
    for _ in "123":
        send_chunk(client, sent, 0)
    assert progress(client, sent.uuid)["received"] == [0]


@pytest.mark.embedded  # hundreds of requests: the orders above are told to every engine
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_the_chunks_and_their_order_it_is_one_photo(
    client: FlaskClient, config: Config, data: st.DataObject
) -> None:
    content = photo()
    chunk_bytes = data.draw(st.integers(len(content) // 9, len(content) + 9))
    sent = InChunks(content, chunk_bytes)
    again = data.draw(st.lists(st.sampled_from(sent.numbers), max_size=4))
    for number in data.draw(st.permutations([*sent.numbers, *again])):
        assert send_chunk(client, sent, number).status_code == 204
    assert originals(client).count(content) == 1
    assert unlisted_files(config) == []


def test_the_same_photo_whole_and_in_chunks_is_one_photo(client: FlaskClient) -> None:
    sent = in_chunks()
    whole = client.post("/", data=sent.content, content_type="image/jpeg")
    assert [whole.status_code, *send_all(client, sent)] == [204] * 6
    assert send_all(client, InChunks(sent.content, 999)).count(204) > 1
    assert originals(client) == [sent.content]


# Workers


def test_chunks_may_go_to_different_workers(config: Config) -> None:
    first = open_page(create_app(config))
    second = at_another_worker(first, create_app(config))
    sent = in_chunks(6)
    for number, worker in zip(sent.numbers, itertools.cycle([first, second]), strict=False):
        assert send_chunk(worker, sent, number).status_code == 204
    assert progress(first, sent.uuid) == progress(second, sent.uuid)
    assert originals(second) == [sent.content]


def send_at_once(config: Config, orders: list[tuple[InChunks, int]]) -> set[int]:
    """All statuses, of three workers with four threads each."""
    apps = [create_app(config) for _ in range(3)]
    guest = open_page(apps[0])

    def send(app: Flask, order: tuple[InChunks, int]) -> int:
        return send_chunk(at_another_worker(guest, app), *order).status_code

    with ThreadPoolExecutor(12) as pool:
        return set(pool.map(send, itertools.cycle(apps), orders))


def test_chunks_that_arrive_at_once_are_one_photo(config: Config) -> None:
    sent = in_chunks(12)
    assert send_at_once(config, [(sent, number) for number in sent.numbers]) == {204}
    assert originals(create_app(config).test_client()) == [sent.content]
    assert unlisted_files(config) == []


def test_the_last_chunk_many_times_at_once_is_one_photo(config: Config) -> None:
    for _ in range(5):
        sent = in_chunks(1)
        assert send_at_once(config, [(sent, 0)] * 24) == {204}
        assert originals(create_app(config).test_client()).count(sent.content) == 1
        assert unlisted_files(config) == []


def test_a_chunk_that_is_kept_while_its_twin_finishes_the_photo_leaves_nothing(
    client: FlaskClient, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = in_chunks(1)
    another_worker = at_another_worker(client, create_app(config))

    def finish_meanwhile(_descriptor: int) -> None:
        monkeypatch.undo()
        assert send_chunk(another_worker, sent, 0).status_code == 204

    monkeypatch.setattr(os, "fsync", finish_meanwhile)  # the moment before a chunk has its key
    assert send_chunk(client, sent, 0).status_code == 204
    assert originals(client) == [sent.content]
    assert unlisted_files(config) == []


def test_a_chunk_whose_upload_is_given_up_meanwhile_leaves_nothing(
    config: Config, app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = in_chunks(3)
    send_chunk(client, sent, 0)
    another_worker = at_another_worker(client, create_app(config))
    storage = app.extensions["dropwall"].storage
    put = storage.put

    def give_up_meanwhile(key: str, staged: Path) -> None:
        assert another_worker.delete(f"/api/uploads/{sent.uuid}").status_code == 204
        put(key, staged)

    monkeypatch.setattr(storage, "put", give_up_meanwhile)
    assert told(send_chunk(client, sent, 1)) == (503, LOST)
    assert unlisted_files(config) == []


def test_one_of_many_last_chunks_puts_the_photo_together(config: Config) -> None:
    sent = InChunks(photo() + bytes(300_000), 300_000)
    client = open_page(create_app(config))
    send_chunk(client, sent, 0)
    turns = Turns(config.data / "turns", 1)
    this_upload = upload_id(guest_of(client), sent.uuid)
    clients = [at_another_worker(client, create_app(config)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        with turns.wait_for_upload(this_upload):
            answers = [pool.submit(send_chunk, other, sent, 1) for other in clients]
            assert wait(answers, timeout=1).done == set()
            assert sum(path.stat().st_size for path in arriving(config)) < 300_000
        assert {answer.result().status_code for answer in answers} == {204}
    assert originals(client) == [sent.content]
    assert unlisted_files(config) == []


def guest_of(client: FlaskClient) -> str:
    return client.get("/api/settings").json["guest"]["id"]


def test_all_chunks_of_several_photos_many_times_at_once(config: Config) -> None:
    photos = [in_chunks(4) for _ in range(4)]
    orders = [(sent, number) for sent in photos for number in sent.numbers] * 3
    random.Random(5).shuffle(orders)
    assert send_at_once(config, orders) == {204}
    kept = originals(create_app(config).test_client())
    assert sorted(kept) == sorted(sent.content for sent in photos)
    assert unlisted_files(config) == []


# Guests, and what they can ask


def test_two_guests_with_the_same_id_do_not_meet(app: Flask) -> None:
    mine, theirs = open_page(app), open_page(app)
    first = in_chunks(2)
    second = InChunks(photo(), first.chunk_bytes + 1, uuid=first.uuid)
    send_chunk(mine, first, 0)
    assert told(theirs.get(f"/api/uploads/{first.uuid}")) == (404, NOTHING_YET)
    assert theirs.delete(f"/api/uploads/{first.uuid}").status_code == 204
    assert [*send_all(theirs, second), *send_all(mine, first)] == [204] * 4
    assert originals(mine) == [first.content, second.content]


def test_a_client_can_ask_what_is_missing(client: FlaskClient) -> None:
    sent = in_chunks(4)
    assert told(client.get(f"/api/uploads/{sent.uuid}")) == (404, NOTHING_YET)
    told_of = {"total": 4, "chunk_bytes": sent.chunk_bytes}
    arrived: list[int] = []
    for number in (2, 0, 3):
        send_chunk(client, sent, number)
        arrived = sorted([*arrived, number])
        assert progress(client, sent.uuid) == told_of | {"received": arrived, "safe": False}
    send_chunk(client, sent, 1)
    assert progress(client, sent.uuid) == told_of | {"received": [0, 1, 2, 3], "safe": True}
    assert client.get(f"/api/uploads/{sent.uuid}").headers["Cache-Control"] == "private, no-store"


def test_an_upload_that_is_given_up_leaves_nothing(client: FlaskClient, config: Config) -> None:
    sent = in_chunks(3)
    send_chunk(client, sent, 0)
    send_chunk(client, sent, 1)
    for _ in "12":
        assert told(client.delete(f"/api/uploads/{sent.uuid}")) == (204, "")
    assert unlisted_files(config) == []
    assert client.get(f"/api/uploads/{sent.uuid}").status_code == 404
    assert send_chunk(client, sent, 2).status_code == 204
    assert progress(client, sent.uuid)["received"] == [2]


def test_a_finished_photo_is_not_given_up(client: FlaskClient) -> None:
    sent = in_chunks()
    send_all(client, sent)
    assert client.delete(f"/api/uploads/{sent.uuid}").status_code == 204
    assert originals(client) == [sent.content]
    assert progress(client, sent.uuid)["safe"]


# Refusals


def misnamed(content: str) -> str:
    return (
        f"The name of this file is wrong: its content is {content};"
        " please give it its true extension and send it again."
    )


REFUSED: dict[str, tuple[int, str]] = {
    "text": (400, f"This is not a photo; please send {FORMATS}."),
    "png as jpg": (400, misnamed("PNG")),
    "jpeg without picture": (
        400,
        "This photo is damaged or incomplete; please send the original again.",
    ),
    "png text bomb": (400, "This photo is damaged or incomplete; please send the original again."),
    "png claims 60000 x 60000": (413, "This photo is too large; the limit is 100 megapixels."),
    "gif of 20000 frames": (413, "This animation is too long; please send a shorter one."),
    "empty": (400, "This file is empty; please choose the photo again."),
}
"""By the name in BAD."""


@pytest.mark.parametrize(("label", "refusal"), REFUSED.items(), ids=REFUSED.keys())
def test_a_refused_photo_is_refused_for_every_chunk_from_then_on(
    client: FlaskClient, config: Config, label: str, refusal: tuple[int, str]
) -> None:
    name, make = BAD[label]
    content = make()
    sent = InChunks(content, len(content) // 3 + 1, name)
    *before, answer = [send_chunk(client, sent, number) for number in sent.numbers]
    assert [told(chunk) for chunk in before] == [(204, "")] * len(before)
    assert told(answer) == refusal
    for worker in (client, at_another_worker(client, create_app(config))):
        again = [told(send_chunk(worker, sent, number)) for number in sent.numbers]
        assert again == [refusal] * len(sent.numbers)
        assert told(worker.get(f"/api/uploads/{sent.uuid}")) == refusal
    assert files(config, "incoming", "chunks", "originals", "thumbnails") == []
    assert client.delete(f"/api/uploads/{sent.uuid}").status_code == 204


NUMBERS = {
    "dzuuid": "5c4e3b9a-27ab-4b4c-9d7f-1f6d1a0c9e11",
    "dzchunkindex": "1",
    "dztotalfilesize": "250",
    "dzchunksize": "100",
    "dztotalchunkcount": "3",
    "dzchunkbyteoffset": "100",
}
"""The second of three chunks."""

DOES_NOT_FIT: dict[str, dict[str, Any]] = {
    **{f"without {name}": {name: None} for name in NUMBERS},
    **{f"{name} is empty": {name: ""} for name in NUMBERS},
    **{
        f"{name} is {text!r}": {name: text}
        for name in sorted(NUMBERS.keys() - {"dzuuid"})
        for text in ("-1", "one", "1.0", " 1", "+1", "٣", "9" * 5000)
    },
    "the first of no chunks": {"dztotalchunkcount": "0"},
    "behind the last chunk": {"dzchunkindex": "3", "dzchunkbyteoffset": "300"},
    "at another place": {"dzchunkbyteoffset": "101"},
    "the place of another chunk": {"dzchunkindex": "0"},
    "too few chunks for its size": {"dztotalchunkcount": "2"},
    "too many chunks for its size": {"dztotalchunkcount": "4"},
    "chunks of nothing": {"dzchunksize": "0", "dzchunkbyteoffset": "0"},
    "more than 10,000 chunks": {
        "dztotalchunkcount": "10001",
        "dztotalfilesize": "1000001",
    },
    "shorter than it should be": {"file": bytes(99)},
    "longer than it should be": {"file": bytes(101)},
    "empty": {"file": b""},
    "two chunks in one form": {"file": [bytes(100), bytes(100)]},
    "an id of 65 characters": {"dzuuid": "x" * 65},
    "an id that is a path": {"dzuuid": "..%2Fa"},
    "an id that no address has": {"dzuuid": "写真"},
}

FIRST_CHUNK_REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    **{label: (changed, 400, DO_NOT_FIT) for label, changed in DOES_NOT_FIT.items()},
    "an unknown type": ({"name": "a.exe"}, 400, UNKNOWN_TYPE),
    "a photo over the limit": (
        {"dztotalfilesize": "104857601", "dzchunksize": "52428800"}
        | {"dzchunkindex": "2", "dzchunkbyteoffset": "104857600", "file": b"1"},
        413,
        TOO_LARGE,
    ),
}


def send_fields(client: FlaskClient, changed: dict[str, Any]) -> TestResponse:
    """The second of three chunks, but for these fields; None leaves one out."""
    fields = {"file": bytes(100), "name": "a.jpg"} | NUMBERS | changed
    name, sent = fields.pop("name"), fields.pop("file")
    contents = sent if isinstance(sent, list) else [sent]
    form = {field: text for field, text in fields.items() if text is not None}
    return client.post("/", data=form | {"file": [(io.BytesIO(c), name) for c in contents]})


@pytest.mark.parametrize(
    ("changed", "status", "sentence"),
    FIRST_CHUNK_REFUSED.values(),
    ids=[label[:40] for label in FIRST_CHUNK_REFUSED],
)
def test_a_chunk_that_cannot_be_part_of_a_photo_is_refused_at_once(
    client: FlaskClient, config: Config, changed: dict[str, Any], status: int, sentence: str
) -> None:
    assert told(send_fields(client, changed)) == (status, sentence)
    assert unlisted_files(config) == []
    assert client.get(f"/api/uploads/{NUMBERS['dzuuid']}").status_code == 404


LIMITS: dict[str, dict[str, Any]] = {
    "10,000 chunks": {"dztotalchunkcount": "10000", "dztotalfilesize": "1000000"},
    "100 MB": {"dztotalfilesize": "104857600", "dzchunksize": "104857500"}
    | {"dztotalchunkcount": "2", "dzchunkbyteoffset": "104857500"},
    "an id of 64 characters": {"dzuuid": "0Az._-" + "x" * 58},
    "a name without extension": {"name": "blob"},
}


@pytest.mark.parametrize("changed", LIMITS.values(), ids=LIMITS.keys())
def test_a_chunk_at_the_limit_is_taken(client: FlaskClient, changed: dict[str, Any]) -> None:
    assert told(send_fields(client, changed)) == (204, "")
    assert progress(client, (NUMBERS | changed)["dzuuid"])["received"] == [1]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"dztotalfilesize": "251"}, id="its size"),
        pytest.param({"dzchunksize": "101", "dzchunkbyteoffset": "101"}, id="its chunks' size"),
    ],
)
def test_an_upload_does_not_change_halfway(client: FlaskClient, changed: dict[str, Any]) -> None:
    first = {"dzchunkindex": "0", "dzchunkbyteoffset": "0"}
    assert send_fields(client, first).status_code == 204
    changed = changed | {"file": bytes(int(changed.get("dzchunksize", "100")))}
    assert told(send_fields(client, changed)) == (400, DO_NOT_FIT)
    assert progress(client, NUMBERS["dzuuid"])["received"] == [0]
    assert send_fields(client, {}).status_code == 204


# What is lost, and what is left


@pytest.mark.parametrize("number", [0, 2])
def test_chunks_that_are_lost_are_told_and_all_is_sent_anew(
    client: FlaskClient, config: Config, number: int
) -> None:
    sent = in_chunks(4)
    for arrived in (0, 1, 2):
        send_chunk(client, sent, arrived)
    [lost] = [key for key in unlisted_files(config) if key.endswith(f"-{number}")]
    storage_of(config.data).delete(lost)
    answer = send_chunk(client, sent, sent.last)
    assert told(answer) == (503, LOST)
    assert int(answer.headers["Retry-After"]) > 0
    assert unlisted_files(config) == []
    assert client.get(f"/api/uploads/{sent.uuid}").status_code == 404
    assert send_all(client, sent) == [204] * 4
    assert originals(client) == [sent.content]


def touch_a_day_ago(config: Config, sent: InChunks) -> None:
    """As if the last of it had come then."""
    this_one = update(uploads).where(uploads.c.bytes == len(sent.content))
    with catalog_of(config.data) as catalog:
        moment = moments.now(seconds_ago=AGE_SECONDS + 60)
        assert catalog.execute(this_one.values(touched=moment)).rowcount == 1


def sweep(app: Flask) -> str:
    return app.test_cli_runner().invoke(args=["sweep"]).output


def test_an_upload_that_nobody_goes_on_with_is_swept_after_a_day(
    app: Flask, config: Config, client: FlaskClient
) -> None:
    old, young = in_chunks(3), InChunks(photo() + b"young", 2000)
    for sent in (old, young):
        send_chunk(client, sent, 0)
        send_chunk(client, sent, 1)
    assert sweep(app) == "0 leftovers removed.\n"
    touch_a_day_ago(config, old)
    assert sweep(app) == "2 leftovers removed.\n"
    assert client.get(f"/api/uploads/{old.uuid}").status_code == 404
    assert progress(client, young.uuid)["received"] == [0, 1]
    assert send_all(client, young).count(204) == len(young.numbers)
    assert originals(client) == [young.content]
    assert unlisted_files(config) == []


def test_a_finished_upload_is_forgotten_after_a_day_and_its_photo_stays(
    app: Flask, config: Config, client: FlaskClient
) -> None:
    sent = in_chunks()
    send_all(client, sent)
    touch_a_day_ago(config, sent)
    assert sweep(app) == "0 leftovers removed.\n"
    assert client.get(f"/api/uploads/{sent.uuid}").status_code == 404
    assert originals(client) == [sent.content]
    assert send_all(client, sent) == [204] * 5
    assert originals(client) == [sent.content]


@pytest.mark.embedded
def test_an_old_chunk_of_no_upload_is_swept_and_one_that_is_waited_for_stays(
    app: Flask, config: Config, client: FlaskClient
) -> None:
    sent = in_chunks(2)
    send_chunk(client, sent, 0)
    [waited_for] = unlisted_files(config)
    old, young = (chunk_key(f"{number:032x}", 0) for number in (1, 2))
    for stranger in (old, young):
        storage_of(config.data).put_bytes(stranger, b"whose?")
    make_old(config.data, waited_for, old)
    assert sweep(app) == "1 leftovers removed.\n"
    assert sorted(unlisted_files(config)) == sorted([waited_for, young])
    assert send_chunk(client, sent, 1).status_code == 204
