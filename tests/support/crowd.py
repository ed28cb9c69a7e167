"""A crowd at work on a gallery, whatever happens to it: guests who send photos and watchers who
see them come; and what came of it, by what each of them was told."""

import hashlib
import io
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import pairwise
from random import Random
from threading import local

import requests
from PIL import Image

from server.images import THUMBNAIL_WIDTHS
from tests.support.guest import BUSY, Guest
from tests.support.photos import photo_bytes
from tests.support.stream import Refused, View, Watcher

CHUNK_BYTES = 1000
GIVE_UP_AT_ONCE, WAIT_FOR_THE_SERVER = 0, 120
PAUSE_SECONDS = 0.2
"""Between two tries; also between two polls of who cannot watch."""
LONGEST_REST_SECONDS = 0.1
"""Between two photos of one guest."""
ASKED_AT_ONCE = 4
TIMEOUT_SECONDS = 60


def small_photo(number: int, chance: Random) -> bytes:
    """Another one each time."""
    return photo_bytes("jpg", seed=number % 8, size=(96, 64)) + chance.randbytes(1000)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Memory:
    """What the guests did, by the photos' names. Of what is in none but `sent` they never heard."""

    sent: dict[str, str] = field(default_factory=dict)  # name: SHA-256
    safe: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)


@dataclass
class Follower:
    """Sees what a page shows that watches: its stream, resumed when it ends; asks every now and
    then where there is no room to watch."""

    url: str
    last: str
    view: View = field(init=False)
    told_backwards: int = 0
    polls: int = 0

    def __post_init__(self) -> None:
        self.view = View(self.url)

    def follow(self, until: threading.Event) -> None:
        """Until the last photo is there, or `until` is set."""
        while not until.is_set() and not self._sees_last():
            try:
                if self.view.version < 0:
                    self.view.load()
                if not self._watch(until):
                    self._poll()
            except (OSError, HTTPException):
                time.sleep(PAUSE_SECONDS)

    def _watch(self, until: threading.Event) -> bool:
        """As long as it lasts; whether there was room."""
        known = self.view.version
        try:
            with Watcher(self.url, since=known, last_id=known) as watcher:
                while not until.is_set() and not self._sees_last():
                    event = watcher.next_event()
                    if event is None:
                        break
                    self._take(event.changes)
        except Refused as refused:
            if refused.status != BUSY or "Retry-After" not in refused.headers:
                raise
            return False
        return True

    def _poll(self) -> None:
        self.polls += 1
        time.sleep(PAUSE_SECONDS)
        known = {"since": self.view.version}
        answer = requests.get(f"{self.url}/api/photos", known, timeout=TIMEOUT_SECONDS)
        assert answer.ok or answer.status_code == BUSY, answer.text
        answer.raise_for_status()
        self._take(answer.json())

    def _take(self, changes: dict) -> None:
        self.told_backwards += changes["version"] < self.view.version
        self.view.take(changes)

    def _sees_last(self) -> bool:
        return any(photo["name"] == self.last for photo in self.view.photos.values())


@dataclass
class Findings:
    """What is wrong is named; `lost` and `half_there` are photos, `behind` counts watchers who do
    not see at the end what there is, `backwards` what they were told that was older than what they
    knew, `swapped` photos that are not listed in the order in which they were safe."""

    answered: int
    lost: list[str]
    doubled: list[str]
    half_there: list[str]
    behind: int
    backwards: int
    swapped: int

    @property
    def are_good(self) -> bool:
        """Then nothing is wrong."""
        named = (self.lost, self.doubled, self.half_there)
        return self.answered > 0 and not any((*named, self.behind, self.backwards, self.swapped))


class Crowd:
    """The same `seed` sends the same photos in the same order; several crowds, of other seeds, may
    come to one gallery after each other."""

    def __init__(
        self, url: str, guests: int, watchers: int, seed: int = 0, waits_for_room: bool = False
    ) -> None:
        self.memory = Memory()
        self.last = f"{seed}-last.jpg"
        self.followers = [Follower(url, self.last) for _ in range(watchers)]
        self.given_up: list[str] = []
        """Why, each time."""
        self._url = url
        self._guests = guests
        self._seed = seed
        self._waits_for_room = waits_for_room

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """They go on until the context ends; then who watches waits for one photo more."""
        is_over, is_given_up = threading.Event(), threading.Event()
        with ThreadPoolExecutor(self._guests + len(self.followers)) as pool:
            try:
                watching = [pool.submit(one.follow, is_given_up) for one in self.followers]
                sending = [
                    pool.submit(self._send_until, is_over, number) for number in range(self._guests)
                ]
                yield
                is_over.set()
                _wait_for(sending)
                self._send_last()
                _wait_for(watching)
            finally:
                is_over.set()
                is_given_up.set()

    def new_name(self, number: int, guest_number: int | None = None) -> str:
        """Of a photo of one of the guests, or of somebody who has come to them."""
        who = self._guests if guest_number is None else guest_number
        return f"{self._seed}-{who}-{number}.jpg"

    def remember(self, name: str, content: bytes) -> None:
        """That it is about to be sent."""
        self.memory.sent[name] = sha256(content)

    def _guest(self) -> Guest:
        return Guest(self._url, WAIT_FOR_THE_SERVER, PAUSE_SECONDS, self._waits_for_room)

    def _send_until(self, is_over: threading.Event, guest_number: int) -> None:
        """One guest: half of the photos in chunks, half of them given up when nobody answers, and
        a few removed again."""
        chance = Random(f"{self._seed} {guest_number}")
        memory = self.memory
        with closing(self._guest()) as guest:
            number = 0
            while not is_over.wait(chance.uniform(0, LONGEST_REST_SECONDS)):
                number += 1
                name = self.new_name(number, guest_number)
                content = small_photo(number, chance)
                self.remember(name, content)
                guest.patience_seconds = chance.choice([GIVE_UP_AT_ONCE, WAIT_FOR_THE_SERVER])
                is_whole, is_mistake = chance.random() < 0.5, chance.random() < 0.1
                try:
                    if is_whole:
                        guest.send(name, content)
                    else:
                        guest.send_in_chunks(name, content, CHUNK_BYTES)
                except requests.RequestException as why:
                    self.given_up.append(str(why))
                    continue
                if is_mistake:
                    guest.patience_seconds = WAIT_FOR_THE_SERVER
                    guest.remove(name)
                    memory.removed.add(name)
                else:
                    memory.safe.add(name)

    def _send_last(self) -> None:
        content = small_photo(0, Random(self.last))
        self.remember(self.last, content)
        with closing(self._guest()) as guest:
            guest.send(self.last, content)
        self.memory.safe.add(self.last)

    def look_at(self, url: str) -> Findings:
        """All that is there of theirs, asked of a server."""
        kept = View(url)
        kept.load()
        theirs = f"{self._seed}-"
        listed = [photo for photo in kept.photos.values() if photo["name"].startswith(theirs)]
        often = Counter(photo["name"] for photo in listed)
        return Findings(
            answered=len(self.memory.safe),
            lost=sorted(self.memory.safe - set(often)) + sorted(self.memory.removed & set(often)),
            doubled=[name for name, times in often.items() if times > 1],
            half_there=self._half_there(url, listed),
            behind=sum(one.view.photos != kept.photos for one in self.followers),
            backwards=sum(one.told_backwards for one in self.followers),
            swapped=self._count_swapped(listed),
        )

    def _half_there(self, url: str, listed: list[dict]) -> list[str]:
        own = local()

        def is_whole(photo: dict) -> bool:
            if not hasattr(own, "session"):
                own.session = requests.Session()
            answers = [
                own.session.get(url + path, headers={"User-Agent": "Mozilla"}, timeout=60)
                for path in (
                    photo["url"],
                    *(photo["thumbnails"][str(width)] for width in THUMBNAIL_WIDTHS),
                )
            ]
            if not all(answer.ok for answer in answers):
                return False
            for answer in answers:
                Image.open(io.BytesIO(answer.content)).load()
            return sha256(answers[0].content) == self.memory.sent[photo["name"]]

        with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
            are_whole = list(pool.map(is_whole, listed))
        return [photo["name"] for photo, whole in zip(listed, are_whole, strict=True) if not whole]

    def _count_swapped(self, listed: list[dict]) -> int:
        """Pairs of one guest's photos that are not listed in the order in which they were safe."""
        safe = [
            photo["name"] for photo in listed if photo["name"] in self.memory.safe - {self.last}
        ]
        swaps = 0
        for guest_number in range(self._guests):
            prefix = f"{self._seed}-{guest_number}-"
            numbers = [int(name[len(prefix) : -4]) for name in safe if name.startswith(prefix)]
            swaps += sum(newer <= older for newer, older in pairwise(numbers))
        return swaps


def _wait_for(futures: list[Future[None]]) -> None:
    for future in futures:
        future.result()
