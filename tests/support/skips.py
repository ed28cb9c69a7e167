"""Tests that cannot run on this machine."""

import os
from typing import NoReturn

import pytest


def skip(reason: str) -> NoReturn:
    """With its reason and the way out; where nothing may be skipped (CI), it has failed."""
    (pytest.fail if os.environ.get("NO_SKIPS") else pytest.skip)(reason)
    raise AssertionError("both of them raise")
