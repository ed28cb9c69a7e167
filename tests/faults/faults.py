"""All faults, in the order of the table."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from tests.faults import full_disks, kills, moments, network, s3_server
from tests.faults.fault import Broken, Fault


def _on_both(name: str, play: Callable[..., AbstractContextManager[Broken]]) -> list[Fault]:
    return [Fault(name, engine, partial(play, engine)) for engine in ("embedded", "scaled")]


FAULTS = [
    *_on_both("a server is killed (`kill -9`)", kills.server_killed),
    Fault(
        "PostgreSQL is killed",
        "scaled",
        partial(kills.ground_killed, lambda ground: ground.postgresql),
    ),
    Fault(
        "the S3 server is killed",
        "scaled",
        partial(kills.ground_killed, lambda ground: ground.seaweedfs),
    ),
    *_on_both("the network to the visitors is cut", network.visitors_cut_off),
    Fault("the network to PostgreSQL is cut", "scaled", network.database_cut_off),
    Fault("the network to the S3 server is cut", "scaled", network.storage_cut_off),
    Fault("the S3 server answers 500", "scaled", partial(s3_server.storage_answers, 500)),
    Fault("the S3 server answers 403", "scaled", partial(s3_server.storage_answers, 403)),
    Fault("the S3 server is slow", "scaled", s3_server.storage_is_slow),
    Fault("the disk is full", "embedded", full_disks.disk_full),
    Fault("PostgreSQL's disk is full", "scaled", full_disks.database_disk_full),
    *_on_both("the clock jumps by a day or two", moments.clock_jumps),
    *_on_both("one photo is sent four times at once", moments.sent_twice_at_once),
    *_on_both("30 % of all answers are lost", network.answers_lost),
]
