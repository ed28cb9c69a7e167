"""A photo in chunks, numbered as Dropzone numbers them."""

import io
import uuid
from dataclasses import dataclass, field

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


@dataclass(frozen=True)
class InChunks:
    content: bytes
    chunk_bytes: int
    name: str = "a.jpg"
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def numbers(self) -> range:
        return range(max(1, -(-len(self.content) // self.chunk_bytes)))

    @property
    def last(self) -> int:
        return self.numbers[-1]

    def bytes(self, number: int) -> bytes:
        start = number * self.chunk_bytes
        return self.content[start : start + self.chunk_bytes]

    def fields(self, number: int) -> dict[str, str]:
        return {
            "dzuuid": self.uuid,
            "dzchunkindex": str(number),
            "dztotalfilesize": str(len(self.content)),
            "dzchunksize": str(self.chunk_bytes),
            "dztotalchunkcount": str(len(self.numbers)),
            "dzchunkbyteoffset": str(number * self.chunk_bytes),
        }


def send_chunk(client: FlaskClient, photo: InChunks, number: int) -> TestResponse:
    file = (io.BytesIO(photo.bytes(number)), photo.name)
    return client.post("/", data=photo.fields(number) | {"file": file})


def send_all(client: FlaskClient, photo: InChunks) -> list[int]:
    """The status of each chunk."""
    return [send_chunk(client, photo, number).status_code for number in photo.numbers]
