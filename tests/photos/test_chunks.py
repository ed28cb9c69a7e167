"""Chunked uploads: in any order, any chunk twice, at any worker, they make one photo."""

import io
import itertools
import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from dropwall import create_app, timestamps
from dropwall.catalog.tables import uploads
from dropwall.config import Config
from dropwall.photos.sweep import AGE_SECONDS
from tests.support.bad_photos import BAD
from tests.support.chunks import InChunks, send_all, send_chunk
from tests.support.engines import catalog_of, storage_of, stored_files
from tests.support.photos import photo_bytes
from tests.support.visitors import (
    cookie,
    listed,
    listed_photos,
    open_page,
    outcome,
    parts,
    with_cookie,
)

FORMATS = "JPEG, PNG, GIF, WebP, AVIF or HEIC"
UNKNOWN_TYPE = f"Only photos can be added: {FORMATS}."
DAMAGED = "This photo is damaged or incomplete. Try the original."
TOO_LARGE = "This photo is too large. The limit is 100 MB."
DO_NOT_FIT = "The parts of this photo don't fit together. Reload the page and add it again."
NOTHING_YET = "None of this photo has arrived yet. Add it again."
LOST = "Part of this photo was lost. Add it again."
SAFE = (204, "")

_numbers = itertools.count()


def photo() -> bytes:
    """Another one each time."""
    return photo_bytes("jpg", 1, (120, 80)) + next(_numbers).to_bytes(8)


def in_chunks(count: int = 5) -> InChunks:
    content = photo()
    return InChunks(content, -(-len(content) // count))


def another_worker(client: FlaskClient, config: Config) -> FlaskClient:
    """The same guest there."""
    return with_cookie(create_app(config), cookie(client))


def originals(client: FlaskClient) -> list[bytes]:
    return [client.get(photo["url"], buffered=True).data for photo in listed_photos(client)]


def progress(client: FlaskClient, uuid: str) -> dict:
    return client.get(f"/api/uploads/{uuid}").json


def unlisted_files(config: Config) -> list[str]:
    return [key for key in stored_files(config.data) if key.startswith(("incoming/", "chunks/"))]


def test_chunks_in_any_order_make_one_photo(client: FlaskClient, config: Config) -> None:
    """Sent in turn to two workers."""
    orders = [[0, 0, 0], [0, 1], [2, 1, 0], [0, 0, 1, 1], [0, 1, 2, 0, 1, 2]]
    for seed in range(6):
        order = random.Random(seed).choices(range(7), k=9)
        orders.append([*order, *sorted(set(range(7)) - set(order))])
    workers = itertools.cycle([client, another_worker(client, config)])
    photos = []
    for order in orders:
        sent = in_chunks(len(set(order)))
        answers = {outcome(send_chunk(next(workers), sent, number)) for number in order}
        assert answers == {SAFE}, order
        photos.append(sent.content)
    assert originals(client) == photos[::-1]
    assert unlisted_files(config) == []


def test_the_same_photo_whole_and_in_chunks_is_one_photo(client: FlaskClient) -> None:
    sent = in_chunks()
    whole = client.post("/", data=sent.content, content_type="image/jpeg")
    assert [whole.status_code, *send_all(client, sent)] == [204] * 6
    assert set(send_all(client, InChunks(sent.content, 999))) == {204}
    assert originals(client) == [sent.content]


# Races


@pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=pytest.mark.slow)])
def test_chunks_that_race_each_other_make_one_photo(config: Config, monkeypatch, rounds) -> None:
    """At three workers with four threads each; one request alone puts each photo together."""
    apps = [create_app(config) for _ in range(3)]
    guest = open_page(apps[0])
    keys_read: list[str] = []

    def noting(read: Callable) -> Callable:
        return lambda key: keys_read.append(key) or read(key)

    def send(app: Flask, order: tuple[InChunks, int]) -> int:
        return send_chunk(with_cookie(app, cookie(guest)), *order).status_code

    for storage in (parts(app).storage for app in apps):
        monkeypatch.setattr(storage, "open", noting(storage.open))
    photos = [in_chunks(count) for _ in range(rounds) for count in (12, 1, 4, 4, 4)]
    with ThreadPoolExecutor(12) as pool:
        for sent in photos:  # each of few chunks many times
            orders = [(sent, number) for number in sent.numbers] * (24 // len(sent.numbers))
            random.Random(5).shuffle(orders)
            assert set(pool.map(send, itertools.cycle(apps), orders)) == {204}
    chunks_read = [key for key in keys_read if key.startswith("chunks/")]
    assert len(chunks_read) == len(set(chunks_read)) == sum(len(sent.numbers) for sent in photos)
    assert originals(guest) == [sent.content for sent in reversed(photos)]
    assert unlisted_files(config) == []


@pytest.mark.parametrize(("is_finished", "answer"), [(True, SAFE), (False, (503, LOST))])
def test_a_chunk_of_an_upload_that_ends_meanwhile_leaves_nothing(
    app: Flask, config: Config, monkeypatch: pytest.MonkeyPatch, is_finished: bool, answer: object
) -> None:
    """Because its twin was quicker, or because the upload is given up."""
    client, sent = open_page(app), in_chunks(2)
    other, storage = another_worker(client, config), parts(app).storage
    put = storage.put
    send_chunk(client, sent, 0)

    def end_and_put(key: str, staged: Path) -> None:
        delete = partial(other.delete, f"/api/uploads/{sent.uuid}")
        assert outcome(send_chunk(other, sent, 1) if is_finished else delete()) == SAFE
        put(key, staged)

    monkeypatch.setattr(storage, "put", end_and_put)
    assert outcome(send_chunk(client, sent, 1)) == answer
    assert originals(client) == [sent.content] * is_finished
    assert unlisted_files(config) == []


# Guests, and what they can ask


def test_two_guests_with_the_same_upload_id_do_not_meet(app: Flask) -> None:
    mine, theirs = open_page(app), open_page(app)
    first = in_chunks(2)
    second = InChunks(photo(), first.chunk_bytes + 1, uuid=first.uuid)
    send_chunk(mine, first, 0)
    assert outcome(theirs.get(f"/api/uploads/{first.uuid}")) == (404, NOTHING_YET)
    assert outcome(theirs.delete(f"/api/uploads/{first.uuid}")) == SAFE
    assert [*send_all(theirs, second), *send_all(mine, first)] == [204] * 4
    assert originals(mine) == [first.content, second.content]


def test_a_client_can_ask_which_chunks_are_missing(client: FlaskClient) -> None:
    sent = replace(in_chunks(3), name="写真.jpg")
    assert outcome(client.get(f"/api/uploads/{sent.uuid}")) == (404, NOTHING_YET)
    known = {"total": 3, "chunk_bytes": sent.chunk_bytes}
    for number, received in ((2, [2]), (2, [2]), (0, [0, 2])):
        send_chunk(client, sent, number)
        assert progress(client, sent.uuid) == known | {"received": received, "safe": False}
    assert listed_photos(client) == []
    send_chunk(client, sent, 1)
    assert progress(client, sent.uuid) == known | {"received": [0, 1, 2], "safe": True}
    assert client.get(f"/api/uploads/{sent.uuid}").headers["Cache-Control"] == "private, no-store"
    assert listed(client) == ["写真.jpg"]


def test_an_upload_that_is_given_up_leaves_nothing(client: FlaskClient, config: Config) -> None:
    sent = in_chunks(3)
    for number in (0, 1):
        send_chunk(client, sent, number)
    for _ in "12":
        assert outcome(client.delete(f"/api/uploads/{sent.uuid}")) == SAFE
    assert unlisted_files(config) == []
    assert client.get(f"/api/uploads/{sent.uuid}").status_code == 404
    assert outcome(send_chunk(client, sent, 2)) == SAFE
    assert progress(client, sent.uuid)["received"] == [2]
    assert send_all(client, sent) == [204] * 3
    assert outcome(client.delete(f"/api/uploads/{sent.uuid}")) == SAFE  # and too late
    assert originals(client) == [sent.content]


# Refusals


def store_as_former_versions_did(config: Config) -> None:
    """By the name of its class."""
    with catalog_of(config.data) as catalog:
        for upload_id, kept in catalog.execute(select(uploads.c.id, uploads.c.outcome)).all():
            code, *arguments = json.loads(kept)
            former = json.dumps([code.title().replace("-", ""), *arguments])
            this_one = update(uploads).where(uploads.c.id == upload_id)
            catalog.execute(this_one.values(outcome=former))


@pytest.mark.embedded
def test_a_refused_photo_stays_refused(client: FlaskClient, config: Config) -> None:
    other = another_worker(client, config)
    misnamed = "This file's content is PNG."
    for label, status, sentence in (
        ("text", 400, f"This file isn't a photo. You can add {FORMATS}."),
        ("png as jpg", 400, f"{misnamed} Give it the right extension and add it again."),
        ("jpeg without picture", 400, DAMAGED),
        ("png claims 60000 x 60000", 413, "This photo is too large. The limit is 100 megapixels."),
        ("gif of 20000 frames", 413, "This animation is too long. Add a shorter one."),
        ("empty", 400, "This file is empty. Choose the photo again."),
    ):
        name, make = BAD[label]
        content = make()
        sent = InChunks(content, len(content) // 3 + 1, name)
        for number in range(sent.last):
            assert outcome(send_chunk(client, sent, number)) == SAFE
        for number in (sent.last, *sent.numbers):
            assert outcome(send_chunk(client, sent, number)) == (status, sentence), label
            assert outcome(send_chunk(other, sent, number)) == (status, sentence), label
        store_as_former_versions_did(config)
        assert outcome(other.get(f"/api/uploads/{sent.uuid}")) == (status, sentence), label
        assert outcome(client.delete(f"/api/uploads/{sent.uuid}")) == SAFE
    assert stored_files(config.data) == []


SECOND_OF_THREE = {
    "dzuuid": "5c4e3b9a-27ab-4b4c-9d7f-1f6d1a0c9e11",
    "dzchunkindex": "1",
    "dztotalfilesize": "250",
    "dzchunksize": "100",
    "dztotalchunkcount": "3",
    "dzchunkbyteoffset": "100",
}
NUMBERS = sorted(SECOND_OF_THREE.keys() - {"dzuuid"})

SECOND_BLOCK = {"dzchunksize": "4096", "dzchunkbyteoffset": "4096", "file": bytes(4096)}
DOES_NOT_FIT: dict[str, dict[str, Any]] = {
    **{f"without {name}": {name: None} for name in SECOND_OF_THREE},
    **{
        f"{name} is {text[:9]!r}": {name: text}
        for name in NUMBERS
        for text in ("", "-1", "one", "1.0", " 1", "+1", "٣", "9" * 5000)
    },
    "the first of no chunks": {"dztotalchunkcount": "0"},
    "behind the last chunk": {"dzchunkindex": "3", "dzchunkbyteoffset": "300"},
    "at another place": {"dzchunkbyteoffset": "101"},
    "the place of another chunk": {"dzchunkindex": "0"},
    "too few chunks for its size": {"dztotalchunkcount": "2"},
    "too many chunks for its size": {"dztotalchunkcount": "4"},
    "chunks of nothing": {"dzchunksize": "0", "dzchunkbyteoffset": "0"},
    "more than 10,000 chunks": SECOND_BLOCK
    | {"dztotalchunkcount": "10001", "dztotalfilesize": "40960001"},
    "more small chunks than its size asks for": {
        "dztotalchunkcount": "33",
        "dztotalfilesize": "3300",
    },
    "shorter than it should be": {"file": bytes(99)},
    "longer than it should be": {"file": bytes(101)},
    "empty": {"file": b""},
    "two chunks in one form": {"file": [bytes(100), bytes(100)]},
    "an empty id": {"dzuuid": ""},
    "an id of 65 characters": {"dzuuid": "x" * 65},
    "an id that is a path": {"dzuuid": "..%2Fa"},
    "an id that no address has": {"dzuuid": "写真"},
}
"""What is changed in SECOND_OF_THREE."""


def send_fields(client: FlaskClient, changed: dict[str, Any]) -> TestResponse:
    """The second of three chunks, but for these fields; None leaves one out."""
    fields = {"file": bytes(100), "name": "a.jpg"} | SECOND_OF_THREE | changed
    name, sent = fields.pop("name"), fields.pop("file")
    contents = sent if isinstance(sent, list) else [sent]
    form = {field: text for field, text in fields.items() if text is not None}
    return client.post("/", data=form | {"file": [(io.BytesIO(c), name) for c in contents]})


@pytest.mark.embedded
def test_a_chunk_that_does_not_fit_is_refused(client: FlaskClient, config: Config) -> None:
    refused = {label: (changed, (400, DO_NOT_FIT)) for label, changed in DOES_NOT_FIT.items()}
    refused["an unknown type"] = ({"name": "a.exe"}, (400, UNKNOWN_TYPE))
    last_byte = {"dzchunkindex": "2", "dzchunkbyteoffset": "104857600", "file": b"1"}
    over_the_limit = {"dztotalfilesize": "104857601", "dzchunksize": "52428800"} | last_byte
    refused["a photo over the limit"] = (over_the_limit, (413, TOO_LARGE))
    for label, (changed, refusal) in refused.items():
        assert outcome(send_fields(client, changed)) == refusal, label
        assert client.get(f"/api/uploads/{SECOND_OF_THREE['dzuuid']}").status_code == 404, label
        assert unlisted_files(config) == [], label


def test_a_chunk_at_the_limit_is_taken(client: FlaskClient) -> None:
    for number, changed in enumerate(
        (
            SECOND_BLOCK | {"dztotalchunkcount": "10000", "dztotalfilesize": "40960000"},
            {"dztotalchunkcount": "32", "dztotalfilesize": "3200"},
            {"dztotalfilesize": "104857600", "dzchunksize": "104857500"}
            | {"dztotalchunkcount": "2", "dzchunkbyteoffset": "104857500"},
            {"dzuuid": "0Az._-" + "x" * 58},
            {"name": "blob"},
        )
    ):
        fields = {"dzuuid": f"upload-{number}"} | changed
        assert outcome(send_fields(client, fields)) == SAFE, changed
        assert progress(client, fields["dzuuid"])["received"] == [1]


def test_an_upload_does_not_change_halfway(client: FlaskClient) -> None:
    assert outcome(send_fields(client, {"dzchunkindex": "0", "dzchunkbyteoffset": "0"})) == SAFE
    for changed in (
        {"dztotalfilesize": "251"},
        {"dzchunksize": "101", "dzchunkbyteoffset": "101", "file": bytes(101)},
    ):
        assert outcome(send_fields(client, changed)) == (400, DO_NOT_FIT)
        assert progress(client, SECOND_OF_THREE["dzuuid"])["received"] == [0]
    assert outcome(send_fields(client, {})) == SAFE


# What is lost, and what is left


def test_a_photo_whose_chunks_are_lost_is_sent_anew(client: FlaskClient, config: Config) -> None:
    sent = in_chunks(4)
    for number in (0, 1, 2):
        send_chunk(client, sent, number)
    [lost] = [key for key in unlisted_files(config) if key.endswith("-2")]
    storage_of(config.data).delete(lost)
    answer = send_chunk(client, sent, 3)
    assert outcome(answer) == (503, LOST)
    assert int(answer.headers["Retry-After"]) > 0
    assert unlisted_files(config) == []
    assert client.get(f"/api/uploads/{sent.uuid}").status_code == 404
    assert send_all(client, sent) == [204] * 4
    assert originals(client) == [sent.content]


def test_uploads_are_swept_after_a_day(app: Flask, client: FlaskClient, config: Config) -> None:
    finished, old, young = in_chunks(2), in_chunks(3), InChunks(photo() + b"young", 2000)
    for sent in (finished, old, young):
        for number in (0, 1):
            send_chunk(client, sent, number)
    sweep = app.test_cli_runner().invoke
    assert sweep(args=["sweep"]).output == "Removed 0 leftover files.\n"
    long_ago = timestamps.now(seconds_ago=AGE_SECONDS + 60)
    others = uploads.c.bytes != len(young.content)
    with catalog_of(config.data) as catalog:  # as if their last chunks had come then
        assert catalog.execute(update(uploads).where(others).values(touched=long_ago)).rowcount == 2
    assert sweep(args=["sweep"]).output == "Removed 2 leftover files.\n"
    for sent in (finished, old):
        assert client.get(f"/api/uploads/{sent.uuid}").status_code == 404
    assert progress(client, young.uuid)["received"] == [0, 1]
    assert {*send_all(client, young), *send_all(client, finished)} == {204}
    assert originals(client) == [young.content, finished.content]
    assert unlisted_files(config) == []
