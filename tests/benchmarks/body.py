"""MB a second of one large body, hashed and durable, against the tutorial's server and a peer."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count

from tests.benchmarks.engines import EMBEDDED, Engine
from tests.benchmarks.rounds import in_turns
from tests.benchmarks.row import Row
from tests.benchmarks.sending import send_form, with_comment
from tests.benchmarks.servers import copyparty, dropwall, tutorial
from tests.support.photos import photo_bytes

BODY_BYTES = 50 * 1024 * 1024
ROUNDS = 12
COPYPARTY = "copyparty, written and hashed (SHA-512) but not synced"


def measure(engine: Engine) -> Iterator[Row]:
    # A small picture with a long tail, as phones append their motion videos: decoding aside. And
    # searching for the location aside, which the second row includes.
    picture = photo_bytes("jpg", size=(64, 48))
    tail = bytes(range(256)) * (BODY_BYTES // 256)
    numbers = count()

    def rate_of(url: str, field: str = "file") -> float:
        number = next(numbers)
        photo = with_comment(picture, number) + tail
        started = time.perf_counter()
        send_form(url, f"{number}.jpg", photo, field)
        return len(photo) / 1e6 / (time.perf_counter() - started)

    with ExitStack() as ends:
        bare = ends.enter_context(dropwall(keep_location=True, **engine.new_settings()))
        whole = ends.enter_context(dropwall(**engine.new_settings()))
        reference = ends.enter_context(tutorial())
        acts = [lambda: rate_of(bare.url), lambda: rate_of(whole.url), lambda: rate_of(reference)]
        if engine.name == EMBEDDED:
            peer = ends.enter_context(copyparty())
            acts.append(lambda: rate_of(peer, field="f"))
        ours, searched, theirs, *peers = in_turns(ROUNDS, *acts)
    what = "one body of 50 MB, hashed and synced"
    against = "the tutorial's server, written twice, neither hashed nor synced"
    yield Row(what, "MB/s", ours, theirs, against, wanted_ratio=1, more_is_better=True)
    searching = f"{what}, and searched for the place it was taken at"
    yield Row(searching, "MB/s", searched, theirs, against, more_is_better=True)
    for rates in peers:
        yield Row(f"{what}, beside a peer", "MB/s", ours, rates, COPYPARTY, more_is_better=True)
