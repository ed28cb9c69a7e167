"""A crowd at work on a gallery, whatever happens to it: guests who send photos and watchers who
see them come; and what came of it, by what each of them was told."""

import hashlib
import io
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from itertools import pairwise
from random import Random

import requests
from PIL import Image

from dropwall.images.pictures import THUMBNAIL_WIDTHS
from tests.support.guest import BUSY, Guest
from tests.support.photos import photo_bytes
from tests.support.stream import Refused, View, Watcher

CHUNK_BYTES = 1000
GIVE_UP_AT_ONCE, WAIT_FOR_THE_SERVER = 0, 120  # seconds
PAUSE_SECONDS = 0.2  # between two tries; also between two polls of who cannot watch
LONGEST_REST_SECONDS = 0.1  # between two photos of one guest
TIMEOUT_SECONDS = 60


def small_photo(number: int, chance: Random) -> bytes:
    """Another one each time."""
    return photo_bytes("jpg", seed=number % 8, size=(96, 64)) + chance.randbytes(1000)


@dataclass
class Follower(View):
    """Sees what a page shows that watches: its stream, resumed when it ends; asks every now and
    then where there is no room to watch."""

    last: str = ""
    streams: int = 0  # that it was let in to
    polls: int = 0
    resets: int = 0
    backwards: int = 0  # what it was told that was older than what it knew
    errors: int = 0

    def follow(self, until: threading.Event) -> None:
        """Until the last photo is there, or `until` is set."""
        while not self._is_done(until):
            try:
                if self.version < 0:
                    self.load()
                self._watch(until)
            except (OSError, HTTPException):
                self.errors += 1
                time.sleep(PAUSE_SECONDS)

    def _is_done(self, until: threading.Event) -> bool:
        return until.is_set() or self.last in (photo["name"] for photo in self.photos.values())

    def _watch(self, until: threading.Event) -> None:
        try:
            with Watcher(self.server_url, since=self.version, last_id=self.version) as watcher:
                self.streams += 1
                while not self._is_done(until) and (event := watcher.next_event()):
                    self.take(event.changes)
        except Refused as refused:
            if refused.status != BUSY or "Retry-After" not in refused.headers:
                raise
            self._poll()

    def _poll(self) -> None:
        self.polls += 1
        time.sleep(PAUSE_SECONDS)
        url = f"{self.server_url}/api/photos?since={self.version}"
        answer = requests.get(url, timeout=TIMEOUT_SECONDS)
        assert answer.ok or answer.status_code == BUSY, answer.text
        answer.raise_for_status()
        self.take(answer.json())

    def take(self, changes: dict) -> None:
        self.backwards += changes["version"] < self.version
        self.resets += changes["reset"]
        super().take(changes)


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
        # By name, what the guests did; of what is in none but `sent` they never heard.
        self.sent: dict[str, str] = {}  # SHA-256
        self.safe: set[str] = set()
        self.removed: set[str] = set()
        self.given_up: list[str] = []  # why, each time
        self.last = f"{seed}-last.jpg"
        self.followers = [Follower(url, last=self.last) for _ in range(watchers)]
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
                guests = range(self._guests)
                sending = [pool.submit(self._send_until, is_over, number) for number in guests]
                yield
                is_over.set()
                for sent in sending:
                    sent.result()
                with closing(self._guest()) as guest:
                    content = self.remember(self.last, small_photo(0, Random(self.last)))
                    guest.send(self.last, content)
                self.safe.add(self.last)
                for seen in watching:
                    seen.result()
            finally:
                is_over.set()
                is_given_up.set()

    def new_name(self, number: int, guest_number: int | None = None) -> str:
        """Of a photo of one of the guests, or of somebody who has come to them."""
        who = self._guests if guest_number is None else guest_number
        return f"{self._seed}-{who}-{number}.jpg"

    def remember(self, name: str, content: bytes) -> bytes:
        """That it is about to be sent."""
        self.sent[name] = hashlib.sha256(content).hexdigest()
        return content

    def _guest(self) -> Guest:
        return Guest(self._url, WAIT_FOR_THE_SERVER, PAUSE_SECONDS, self._waits_for_room)

    def _send_until(self, is_over: threading.Event, guest_number: int) -> None:
        """One guest: half of the photos in chunks, half of them given up when nobody answers, and
        a few removed again."""
        chance, number = Random(f"{self._seed} {guest_number}"), 0
        with closing(self._guest()) as guest:
            while not is_over.wait(chance.uniform(0, LONGEST_REST_SECONDS)):
                number += 1
                name = self.new_name(number, guest_number)
                content = self.remember(name, small_photo(number, chance))
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
                (self.removed if is_mistake else self.safe).add(name)

    def look_at(self, url: str) -> Findings:
        """All that is there of theirs, asked of a server."""
        kept = View(url)
        kept.load()
        listed = [it for it in kept.photos.values() if it["name"].startswith(f"{self._seed}-")]
        often = Counter(photo["name"] for photo in listed)
        with ThreadPoolExecutor(4) as pool:
            are_whole = list(pool.map(lambda photo: self._is_whole(url, photo), listed))
        return Findings(
            answered=len(self.safe),
            lost=sorted(self.safe - set(often)) + sorted(self.removed & set(often)),
            doubled=[name for name, times in often.items() if times > 1],
            half_there=[
                photo["name"]
                for photo, is_whole in zip(listed, are_whole, strict=True)
                if not is_whole
            ],
            behind=sum(follower.photos != kept.photos for follower in self.followers),
            backwards=sum(follower.backwards for follower in self.followers),
            swapped=self._count_swapped([photo["name"] for photo in listed]),
        )

    def _is_whole(self, url: str, photo: dict) -> bool:
        """Whether its original is what was sent, and both it and its thumbnails can be decoded."""
        paths = [photo["url"], *(photo["thumbnails"][str(width)] for width in THUMBNAIL_WIDTHS)]
        browser = {"User-Agent": "Mozilla"}
        answers = [requests.get(url + path, headers=browser, timeout=60) for path in paths]
        if not all(answer.ok for answer in answers):
            return False
        for answer in answers:
            Image.open(io.BytesIO(answer.content)).load()
        return hashlib.sha256(answers[0].content).hexdigest() == self.sent[photo["name"]]

    def _count_swapped(self, listed: list[str]) -> int:
        """Pairs of one guest's photos that are not listed in the order in which they were safe."""
        swaps = 0
        for guest_number in range(self._guests):
            prefix = f"{self._seed}-{guest_number}-"
            safe = [name for name in listed if name in self.safe]
            numbers = [int(name[len(prefix) : -4]) for name in safe if name.startswith(prefix)]
            swaps += sum(newer <= older for newer, older in pairwise(numbers))
        return swaps
