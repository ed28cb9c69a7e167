"""The workers' memory while 50 uploads of 20 MB and an image of 98 MP come all at once."""

import http.client
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from tests.benchmarks.engines import Engine
from tests.benchmarks.processes import memory_bytes, sampled_bytes
from tests.benchmarks.row import Row
from tests.benchmarks.sending import with_comment
from tests.benchmarks.servers import dropwall
from tests.support.gallery_server import RunningServer
from tests.support.photos import photo_bytes

UPLOADS, UPLOAD_BYTES = 50, 20_000_000
LARGE_SIDE = 9_900
ROUNDS = 2
PATIENCE_SECONDS = 300


def measure(engine: Engine) -> Iterator[Row]:
    picture = photo_bytes("jpg", size=(4000, 3000))
    tail = bytes(range(256)) * ((UPLOAD_BYTES - len(picture)) // 256)
    large = large_png()
    peaks, idle = [], []
    for number in range(ROUNDS):
        with dropwall(**engine.new_settings()) as server:
            idle.append(memory_bytes(server) / 1e6)
            photos = [[with_comment(picture, number, n), tail] for n in range(UPLOADS)]
            with sampled_bytes(server) as samples, ThreadPoolExecutor(UPLOADS + 1) as clients:
                sent = [clients.submit(send, server, "jpeg", photo) for photo in photos]
                sent.append(clients.submit(send, server, "png", [large]))
                for each in sent:
                    each.result()
            peaks.append(max(samples) / 1e6)
    yield Row(
        f"{UPLOADS} uploads of 20 MB and a PNG of 98 MP at once: memory of all workers at most",
        "MB",
        peaks,
        idle,
        "idle, just started",
        wanted=1500,
    )


def send(server: RunningServer, kind: str, pieces: list[bytes]) -> None:
    """The pieces are shared: the client's memory is the server's neighbour."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
    headers = {"Content-Type": f"image/{kind}", "Content-Length": str(sum(map(len, pieces)))}
    connection.request("POST", "/", iter(pieces), headers)
    answer = connection.getresponse()
    assert answer.status == 204, answer.read()
    connection.close()


def large_png() -> bytes:
    """Four channels of eight bits, which take the most memory; few bytes, for they are smooth."""
    side = (LARGE_SIDE, LARGE_SIDE)
    down = Image.linear_gradient("L").resize(side)
    across = down.transpose(Image.Transpose.ROTATE_90)
    file = io.BytesIO()
    Image.merge("RGBA", [down, across, down, across]).save(file, "PNG", compress_level=1)
    return file.getvalue()
