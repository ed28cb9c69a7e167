"""`make bench`: each row of the design's table that there is so far."""

from tests.benchmarks.body import measure_body
from tests.benchmarks.chunks import measure_chunks
from tests.benchmarks.page_weight import measure_page_weight
from tests.benchmarks.photos_per_second import measure_photos_per_second
from tests.benchmarks.queue import measure_queue

for measure in (
    measure_photos_per_second,
    measure_body,
    measure_chunks,
    measure_page_weight,
    measure_queue,
):
    print(measure(), flush=True)
