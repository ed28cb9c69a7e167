"""What the application consists of."""

from dataclasses import dataclass, field

from .accounts import Accounts
from .address_limit import AddressLimit
from .archive import Archives
from .catalog import GuestCatalog, PhotoLists, UsageCatalog
from .changes import Watchers
from .chunks import Chunks
from .config import Config
from .gallery import Gallery
from .health import Health
from .intake import Intake
from .limits import ChangeLimit, Limits, StagedBytes
from .metrics import Metrics
from .passcode import Passcode
from .storage import Storage
from .sweep import Sweep


@dataclass(frozen=True)
class Parts:
    """Under its name in `app.extensions`, as Flask's extensions are: `dropwall`."""

    settings: Config
    secret_key: bytes = field(repr=False)
    storage: Storage
    limits: Limits
    staged: StagedBytes
    requests: AddressLimit
    bodies: AddressLimit
    change_limit: ChangeLimit
    intake: Intake
    gallery: Gallery
    lists: PhotoLists
    guests: GuestCatalog
    usage: UsageCatalog
    accounts: Accounts
    passcode: Passcode
    chunks: Chunks
    watchers: Watchers
    archives: Archives
    sweep: Sweep
    health: Health
    metrics: Metrics
