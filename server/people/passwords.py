"""Passwords have a least and a greatest length, and are kept as hashes."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from werkzeug.security import check_password_hash, generate_password_hash

from ..refusals import TooManyHashes, WeakPassword

MIN_PASSWORD = 8
MAX_PASSWORD = 256
"""Number of characters of any kind; more rules make passwords worse (NIST SP 800-63B, 5.1.1.2)."""
AT_ONCE = 2
PATIENCE_SECONDS = 15
"""Longest wait for a slot; in it about as many get one as `RateLimits` lets wait while somebody
guesses."""
DUMMY_HASH = f"scrypt:32768:8:1$nobody${'0' * 128}"
"""Hash that no password has, compared for unknown names so that timing says nothing."""

_slots = BoundedSemaphore(AT_ONCE)  # in this process: each takes 32 MB and a tenth of a second


def check_password(password: str) -> None:
    """Check the length of a password. Raises WeakPassword."""
    if not MIN_PASSWORD <= len(_normal(password)) <= MAX_PASSWORD:
        raise WeakPassword


def hash_password(password: str) -> str:
    """Hash a password. Raises WeakPassword, TooManyHashes."""
    check_password(password)
    with _slot():
        return generate_password_hash(_normal(password), method="scrypt")


def is_password(password: str, password_hash: str) -> bool:
    """Whether the hash is of this password. Raises TooManyHashes."""
    with _slot():
        return check_password_hash(password_hash, _normal(password))


def _normal(password: str) -> str:
    """Return the password as NFC: two keyboards may encode the same ü in two ways."""
    return unicodedata.normalize("NFC", password)


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(timeout=PATIENCE_SECONDS):
        raise TooManyHashes
    try:
        yield
    finally:
        _slots.release()
