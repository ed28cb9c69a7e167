"""Photos on their way to Dropwall and to its peers."""

import http.client

import requests

TIMEOUT_SECONDS = 60


def send_photo(url: str, photo: bytes) -> None:
    """To Dropwall, as a raw body. Not by `requests`: the client has to share the cores with what is
    measured."""
    answer = ask(url, "POST", "/", photo, {"Content-Type": "image/jpeg"})
    assert answer.status == 204, answer.reason


def put_photo(url: str, name: str, photo: bytes) -> None:
    """To copyparty, as a raw body."""
    answer = ask(url, "PUT", f"/{name}", photo)
    assert answer.status == 201, answer.reason


def ask(
    url: str, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> http.client.HTTPResponse:
    """The answer, read to its end, by a connection of its own."""
    address = url.removeprefix("http://").removesuffix("/")
    connection = http.client.HTTPConnection(address, timeout=TIMEOUT_SECONDS)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def send_form(url: str, name: str, photo: bytes, field: str = "file") -> None:
    """To whichever of them, as a browser's form does; copyparty has its field called `f`."""
    answer = requests.post(
        url, files={field: (name, photo)}, timeout=TIMEOUT_SECONDS, allow_redirects=False
    )
    assert answer.status_code in (201, 204, 302), answer.text


def with_comment(photo: bytes, *numbers: int) -> bytes:
    """Another photo with the same picture: the same bytes would be taken for the same photo."""
    comment = repr(numbers).encode()
    segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
    return photo[:2] + segment + photo[2:]
