"""Finds the files of the page: `frontend`, `package.json`, and npm's `node_modules`."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def find_page_file(name: str) -> Path:
    """Find a file or folder that an installed wheel has within the package (see setup.py), and a
    checkout beside it. `node_modules` may not exist."""
    within = PACKAGE / name
    return within if within.exists() else PACKAGE.parent / name
