"""Passwords whose hashes cost next to nothing, for tests that sign in hundreds of times."""

from types import ModuleType

from werkzeug.security import generate_password_hash

CHEAP = "scrypt:256:8:1"  # werkzeug leaves a smaller one too little memory


def make_passwords_cheap(passwords: ModuleType) -> None:
    """In `passwords` of this process, for good; each hash itself says how dear it is."""
    passwords.generate_password_hash = lambda password, method: generate_password_hash(
        password, method=CHEAP if method == "scrypt" else method
    )
