"""`make bench`: each row of the design's table that there is so far."""

from tests.benchmarks.archive import measure_archive
from tests.benchmarks.body import measure_body
from tests.benchmarks.chunks import measure_chunks
from tests.benchmarks.live_latency import measure_live_latency
from tests.benchmarks.long_list import measure_long_list
from tests.benchmarks.page_weight import measure_page_weight
from tests.benchmarks.photos_per_second import measure_photos_per_second
from tests.benchmarks.queue import measure_queue
from tests.benchmarks.scrolling import measure_scrolling
from tests.benchmarks.wall import measure_wall
from tests.benchmarks.watchers import measure_watchers

for measure in (
    measure_photos_per_second,
    measure_body,
    measure_chunks,
    measure_archive,
    measure_page_weight,
    measure_queue,
    measure_long_list,
    measure_live_latency,
    measure_watchers,
    measure_scrolling,
    measure_wall,
):
    print(measure(), flush=True)
