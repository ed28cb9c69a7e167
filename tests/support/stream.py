"""A watcher of the gallery, who takes its Server-Sent Events as a browser takes them."""

import http.client
import json
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NamedTuple

import requests

PATIENCE_SECONDS = 30
"""Longer than a heartbeat takes: a stream that is silent for so long is broken."""


class Event(NamedTuple):
    id: int
    changes: dict


class Refused(Exception):
    """`answer` has been read."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.text = answer.status, answer.headers, answer.read().decode()
        super().__init__(self.status, self.text)


class Watcher(AbstractContextManager):
    """One stream, closed by whoever opened it. Raises Refused, OSError, HTTPException."""

    def __init__(
        self, server_url: str, since: object = None, last_id: object = None, cookie: str = ""
    ) -> None:
        address = server_url.removeprefix("http://")
        self._connection = http.client.HTTPConnection(address, timeout=PATIENCE_SECONDS)
        self.answer: http.client.HTTPResponse | None = None
        self._path = "/api/live" + ("" if since is None else f"?since={since}")
        self.last_id = last_id
        self._cookie = cookie
        self.reconnect()

    def __exit__(self, *_: object) -> None:
        self.close()

    def reconnect(self) -> None:
        """From where it was, as a browser says it."""
        self.close()
        self._received = b""
        headers = {"Accept": "text/event-stream", "Cookie": self._cookie}
        if self.last_id is not None:
            headers["Last-Event-ID"] = str(self.last_id)
        try:
            self._connection.request("GET", self._path, headers=headers)
            self.answer = self._connection.getresponse()
            if self.answer.status != 200:
                raise Refused(self.answer)
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        if self.answer:
            self.answer.close()
        self._connection.close()

    def next_event(self) -> Event | None:
        """The next one but for heartbeats; None when the server has ended the stream. Raises
        OSError, HTTPException when it was cut."""
        while True:
            text, end, rest = self._received.partition(b"\n\n")
            if end:
                self._received = rest
                lines = [line.split(": ", 1) for line in text.decode().split("\n")]
                if lines[0][0] == "id":  # no heartbeat
                    fields = dict(lines)
                    self.last_id = int(fields["id"])
                    return Event(self.last_id, json.loads(fields["data"]))
            elif piece := self.answer.read1():
                self._received += piece
            else:
                return None

    def wait_for_version(self, version: int) -> list[Event]:
        """Its events up to the one of this version."""
        events = []
        while not events or events[-1].id < version:
            event = self.next_event()
            assert event, "the stream has ended"
            events.append(event)
        return events


@dataclass
class View:
    """What somebody sees who had the list once, and then only the events."""

    server_url: str
    version: int = -1
    photos: dict[str, dict] = field(default_factory=dict)
    total: int = 0

    def load(self) -> None:
        """The list, page by page, of one version."""
        self.photos, self.version, before = {}, -1, ""
        while True:
            url = f"{self.server_url}/api/photos?limit=500{before}"
            answer = requests.get(url, timeout=PATIENCE_SECONDS)
            answer.raise_for_status()
            page = answer.json()
            if page["version"] != self.version and before:
                return self.load()
            self.version, self.total = page["version"], page["total"]
            self.photos |= {photo["id"]: photo for photo in page["photos"]}
            if page["next"] is None:
                return None
            before = f"&before={page['next']}"

    def take(self, changes: dict) -> None:
        if changes["reset"]:
            return self.load()
        self.version, self.total = changes["version"], changes["total"]
        self.photos |= {photo["id"]: photo for photo in changes["photos"]}
        for photo_id in changes["removed"]:
            self.photos.pop(photo_id, None)
        for guest in changes["guests"]:
            for photo in self.photos.values():
                if photo["by"]["id"] == guest["id"]:
                    photo["by"] = guest
        return None
