"""A guest without a browser, who tries again as the page does."""

import time
from collections.abc import Callable
from typing import Any

import requests

from tests.support.chunks import InChunks

PAUSE_SECONDS = 0.02
TIMEOUT_SECONDS = 30
BUSY, GONE, FULL = 503, 404, 507


class Guest:
    """Known to the server by a cookie; for one thread. Every method tries again for as long as
    `patience_seconds`, and raises requests.RequestException then."""

    def __init__(
        self,
        server_url: str,
        patience_seconds: float = 30,
        pause_seconds: float = PAUSE_SECONDS,
        waits_for_room: bool = False,
    ) -> None:
        self._url = server_url
        self._session = requests.Session()
        self.patience_seconds = patience_seconds
        self._pause_seconds = pause_seconds
        self._waits_for = (BUSY, FULL) if waits_for_room else (BUSY,)
        self._patiently(lambda: self._ask("GET", "/"))

    def close(self) -> None:
        self._session.close()

    def send(self, name: str, photo: bytes) -> None:
        """When this returns, the server has said that the photo is safe."""
        self._patiently(lambda: self._ask("POST", "/", files={"file": (name, photo)}))

    def send_in_chunks(self, name: str, photo: bytes, chunk_bytes: int) -> None:
        """As `send`; what has arrived is not sent again."""
        sent = InChunks(photo, chunk_bytes, name)

        def send_missing() -> None:
            progress = self._ask("GET", f"/api/uploads/{sent.uuid}", or_else=GONE)
            if progress.ok and progress.json()["safe"]:
                return
            received = progress.json()["received"] if progress.ok else []
            missing = [number for number in sent.numbers if number not in received]
            for number in missing or [sent.last]:  # whichever is sent answers for the photo
                files = {"file": (name, sent.bytes(number))}
                answer = self._ask("POST", "/", data=sent.fields(number), files=files)
            if answer.headers["Dropwall-Receipt"] != "photo":  # which alone says that it is safe
                raise requests.HTTPError(f"{name}: chunks are missing", response=answer)

        self._patiently(send_missing)

    def remove(self, name: str) -> list[str]:
        """Ids of what was removed."""
        removed = []

        def remove_listed() -> None:
            for photo in self._ask("GET", "/api/photos?limit=500").json()["photos"]:
                if photo["name"] == name:
                    removed.append(photo["id"])
                    self._ask("DELETE", f"/api/photos/{photo['id']}", or_else=GONE)

        self._patiently(remove_listed)
        return removed

    def restore(self, photo_id: str) -> None:
        path = f"/api/photos/{photo_id}/restore"
        self._patiently(lambda: self._ask("POST", path, or_else=GONE))

    def take_name(self, name: str) -> None:
        self._patiently(lambda: self._ask("PUT", "/api/guest", json={"name": name}))

    def _ask(
        self, method: str, path: str, or_else: int | None = None, **options: Any
    ) -> requests.Response:
        """What answers neither well nor with `or_else` is a defect, unless it asks for patience."""
        url = self._url + path
        answer = self._session.request(method, url, timeout=TIMEOUT_SECONDS, **options)
        if answer.status_code in self._waits_for:
            assert answer.status_code == FULL or "Retry-After" in answer.headers
            raise requests.HTTPError(f"{method} {path}: {answer.text}", response=answer)
        assert answer.ok or answer.status_code == or_else, f"{method} {path}: {answer.text}"
        return answer

    def _patiently(self, attempt: Callable[[], object]) -> None:
        deadline = time.monotonic() + self.patience_seconds
        while True:
            try:
                attempt()
                return
            except requests.RequestException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(self._pause_seconds)
