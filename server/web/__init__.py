"""This package answers HTTP: it has Flask's blueprints, and the parts that they share."""

from dataclasses import dataclass, field
from pathlib import Path

from ..catalog.database import Database
from ..config import Config
from ..operations.health import Health
from ..operations.metrics import Metrics
from ..people.accounts import Accounts
from ..people.passcode import Passcode
from ..photos.archive import Archives
from ..photos.chunks import Chunks
from ..photos.gallery import Gallery
from ..photos.intake import Intake
from ..photos.limits import AddressLimit, ChangeLimit, Limits, StagedBytes
from ..photos.sweep import Sweep
from ..photos.watchers import Watchers
from ..storage import Storage

PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Dropwall:
    """The application has these parts, which `create_app` puts together. They stand in
    `app.extensions["dropwall"]`, as those of Flask's extensions do."""

    settings: Config
    secret_key: bytes = field(repr=False)
    database: Database
    storage: Storage
    limits: Limits
    staged: StagedBytes
    requests: AddressLimit
    bodies: AddressLimit
    change_limit: ChangeLimit
    intake: Intake
    gallery: Gallery
    accounts: Accounts
    passcode: Passcode
    chunks: Chunks
    watchers: Watchers
    archives: Archives
    sweep: Sweep
    health: Health
    metrics: Metrics


def find_page_file(name: str) -> Path:
    """Find a file or folder of the page: `frontend`, `package.json`, or npm's `node_modules`, which
    may not exist. An installed wheel has it within the package (see setup.py), a checkout beside
    it."""
    within = PACKAGE / name
    return within if within.exists() else PACKAGE.parent / name
