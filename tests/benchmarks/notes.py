"""What has to be said of rows: why one is not reached, what in one cannot be compared."""

NOTES: dict[str, str] = {
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
        "The tutorial's server writes to a disk; here each byte goes on to an S3 server, which runs"
        " on the same two cores. What it costs is the S3 server's speed, not this comparison."
    ),
    "the page with 200 photos of 12 MP on first view, beside a peer": (
        "copyparty's page is a file manager and a media player too, and its thumbnails are of"
        " 320x256 at most, whatever the screen."
    ),
}
"""By the row's `what`, or by that and its engine: `"…, scaled"`."""


def note_on(what: str, engine: str) -> str | None:
    return NOTES.get(f"{what}, {engine}") or NOTES.get(what)
