"""What has to be said of rows: why one is not reached, what in one cannot be compared."""

PHOTO = "photos of 12 MP, 1.0 MB: POST to 204, checked, with thumbnails listed"
FULL_PROCESSORS = (
    "20 open pages keep both cores busy for longer than the 0.25 s until the next photo: see what a"
    " tile costs, most of it Chromium's drawing without a graphics card. The events themselves are"
    " there in the time of the first rows; with 2 pages, so are the tiles."
)

NOTES: dict[str, str] = {
    f"{PHOTO}, embedded": (
        "The processors are busy all the time, so the ratio is that of the processor time a photo."
        " By the clocks of its threads, Dropwall's own part of it, beside the decoding that both"
        " have, is about 5 ms to receive and to hash 1 MB, 7 ms to write, sync and name three"
        " files, 8 ms for three transactions, and 5 ms for HTTP and Flask; the rest are caches that"
        " others have filled meanwhile."
    ),
    f"{PHOTO}, scaled": (
        "As before, and each photo is sent on: PostgreSQL and the S3 server share the two cores,"
        " and take what is between the two rows of processor time below. On machines of their own"
        " they would not."
    ),
    "204 to tile in 20 open pages, p95": FULL_PROCESSORS,
    "10,000 photos, phone, CPU / 4, flung: longest time without any picture": (
        "Not of the design's table, an aim of our own: photos are asked for ahead of where a fling"
        " goes, and with a processor slowed to a quarter a screen may go by before they are there."
    ),
    "photos of 12 MP, beside a peer that takes them with thumbnails": (
        "Dropwall's 204 comes when the photo is decoded to its last byte, hashed, searched for a"
        " place, synced and has two thumbnails and a placeholder; copyparty makes its one smaller"
        " thumbnail when it is first asked for, from a shrunk decode, and answers before anything"
        " is synced."
    ),
    "photos of 12 MP, beside a peer that takes them as they come": (
        "Not the same work: these peers keep whatever bytes come and decode nothing, so this is"
        " what checking photos and making thumbnails costs, not how quickly either stores."
    ),
    "one body of 50 MB, hashed and synced, beside a peer": (
        "copyparty hashes with SHA-512 and does not sync; Dropwall hashes with SHA-256 and syncs"
        " the file and its folder."
    ),
    "one body of 50 MB, hashed and synced, scaled": (
        "The tutorial's server writes to a disk, once more into a file of its own; here each byte"
        " is written to a disk, read again, and sent on, signed, to an S3 server, which hashes and"
        " writes it on the same two cores. The same photo takes 0.4 times as long without it."
    ),
    "the page with 200 photos of 12 MP on first view, beside a peer": (
        "copyparty's page is a file manager and a media player too, and its thumbnails are of"
        " 320x256 at most, whatever the screen."
    ),
}
"""By the row's `what`, or by that and its engine: `"…, scaled"`."""


def note_on(what: str, engine: str) -> str | None:
    return NOTES.get(f"{what}, {engine}") or NOTES.get(what)
