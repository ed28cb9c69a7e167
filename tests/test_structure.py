"""The shape of `server/`: imports go down the list of rooms, and each library has its room."""

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from operator import le
from pathlib import Path

import pytest

from tests.support.browser import ROOT
from tests.tools.hops import trace_requests

pytestmark = pytest.mark.embedded

SERVER = ROOT / "server"
ROOMS = ("serving", "web", "photos", "people", "images", "catalog", "storage", "operations")
"""Each may import those after it."""
FOR_ALL = ("config", "names", "refusals", "timestamps")
MOST_FLAT_NAMES = 9
"""Files and folders beside the rooms."""

CHECKED_WITH = {"images.formats", "storage.s3_address"}
"""What `config` checks settings with: the extensions that exist, and how an S3 address is written.
That neither reads the settings is seen to by the test of circles."""

LIBRARIES = {
    "PIL": {"images"},
    "pillow_heif": {"images"},
    "sqlalchemy": {"catalog"},
    "brotli": {"web.page_files"},
    "alembic": {"catalog"},
    "psycopg": {"catalog"},
    "obstore": {"storage.s3"},
    "flask": {"__init__", "cli", "web"},
    "flask_login": {"web"},
    "itsdangerous": {"web"},
    "werkzeug": {"__init__", "web", "people.passwords"},  # it hashes passwords
    "gunicorn": {"serving", "cli"},
    "prometheus_client": {"operations"},
    "pythonjsonlogger": {"operations"},
    "segno": {"web"},
    "click": {"cli"},
}
"""Where each library may be imported: rooms, or modules."""

LAZY = {
    ("storage", "storage.filesystem"),
    ("storage", "storage.s3"),
    ("catalog.database", "catalog.sqlite"),
    ("catalog.database", "catalog.postgresql"),
    ("cli", "__init__"),
}
"""Imports within a function: of the storage and the database that are opened, whose contract each
shares, and of the application, which has the commands."""


class Module:
    """One file of the package, by its name within it, such as `web.photos`; a package's own file
    has the package's name, and the top one `__init__`."""

    def __init__(self, path: Path) -> None:
        parts = path.relative_to(SERVER).with_suffix("").parts
        package = parts[:-1]
        self.name = ".".join(package if package and parts[-1] == "__init__" else parts)
        self.room = parts[0]
        self.libraries: set[str] = set()
        self.imports: set[str] = set()
        """Modules of ours, also those imported within functions, but not for types alone."""
        self.types: set[str] = set()
        """Modules of ours that are imported for types alone."""
        tree = ast.parse(path.read_text())
        for_types = {
            node
            for block in ast.walk(tree)
            if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
            for node in ast.walk(block)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self.libraries |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = [alias.name for alias in node.names]
                base, is_ours = self._origin(package, node)
                if is_ours:
                    (self.types if node in for_types else self.imports).update(
                        _module_of(base, name) for name in names
                    )
                else:
                    self.libraries.add(base[0])

    @staticmethod
    def _origin(package: tuple[str, ...], node: ast.ImportFrom) -> tuple[tuple[str, ...], bool]:
        named = tuple(node.module.split(".")) if node.module else ()
        if node.level:
            return package[: len(package) + 1 - node.level] + named, True
        return (named[1:], True) if named[0] == "dropwall" else (named, False)


def _module_of(base: tuple[str, ...], name: str) -> str:
    """`from .base import name`: a module, or what stands in one."""
    for parts in ((*base, name), base):
        path = SERVER.joinpath(*parts)
        if path.is_dir() or path.with_suffix(".py").exists():
            return ".".join(parts) or "__init__"
    raise AssertionError(f"{base} has no {name}")


MODULES = {
    module.name: module
    for module in (Module(path) for path in sorted(SERVER.rglob("*.py")))
    if "migrations.versions" not in module.name
}


def may_import(importer: Module, imported: str) -> bool:
    room = imported.partition(".")[0]
    if imported in FOR_ALL or (importer.name == "config" and imported in CHECKED_WITH):
        return True
    if importer.room in ROOMS:
        return room in ROOMS and ROOMS.index(importer.room) <= ROOMS.index(room)
    return importer.room not in FOR_ALL  # the top: the application, the commands


def test_imports_go_down_the_list_of_rooms() -> None:
    found = {
        (module.name, imported)
        for module in MODULES.values()
        for imported in module.imports | module.types
        if not may_import(module, imported)
    }
    assert not found


def test_no_imports_go_in_a_circle() -> None:
    graph = {
        module.name: [it for it in module.imports if (module.name, it) not in LAZY]
        for module in MODULES.values()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_each_library_is_imported_in_its_room_alone() -> None:
    for module in MODULES.values():
        for library in module.libraries - sys.stdlib_module_names - {"dropwall"}:
            allowed = LIBRARIES.get(library, set())
            assert {module.name, module.room} & allowed, f"{library} in {module.name}"


def test_few_names_stand_beside_the_rooms() -> None:
    names = {path.name for path in SERVER.iterdir()} - {*ROOMS, "__pycache__"}
    assert len(names) <= MOST_FLAT_NAMES, sorted(names)


MOST_HOPS = {
    "POST /": (60, 21, 2),
    "GET /api/photos": (25, 10, 1),
    "GET /api/photos, not modified": (18, 8, 1),
}
"""At most so many functions of ours, their files, and transactions, for each request that `hops`
traces. Lower them when a request has become simpler."""


def test_a_request_runs_no_more_functions_than_it_did() -> None:
    traces = trace_requests()
    for request, most in MOST_HOPS.items():
        trace = traces[request]
        reached = len(trace.functions), len(trace.files), trace.transactions
        assert all(map(le, reached, most)), f"{request}: {reached}, not {most}"
    assert len(traces["GET /api/photos, not modified"].statements) == 1
