"""What Dropwall knows, as rows: all of the SQL."""

from .accounts import Account, AccountCatalog, NameTaken, PrivatePhotosLeft
from .copied_photos import CopiedPhoto
from .counts import KINDS
from .database import Database, find_database, open_database
from .guests import GuestCatalog
from .leftovers import LeftoverCatalog
from .lists import Changes, Guest, NoSuchSelection, OutlinedPhoto, Page, PhotoLists, Selection
from .order import SORTS
from .photo_rows import NoSuchPhoto, Photo
from .photos import Catalog, RuledOut, SamePhoto, Which
from .replica import Replica, SameGallery
from .secrets import keep_secret
from .snapshot import AnotherGallery, Chunk, Snapshot
from .tables import metadata
from .troubles import AlreadyClaimed, CatalogUnavailable, UnusableCatalog
from .uploads import ChunkedUpload, NoSuchUpload, UploadCatalog
from .usage import Share, Usage, UsageCatalog
from .viewer import EVERYONE, HIDDEN, OWNER, PENDING, SHOWN, Audience, Viewer

__all__ = [
    "EVERYONE",
    "HIDDEN",
    "KINDS",
    "OWNER",
    "PENDING",
    "SHOWN",
    "SORTS",
    "Account",
    "AccountCatalog",
    "AlreadyClaimed",
    "AnotherGallery",
    "Audience",
    "Catalog",
    "CatalogUnavailable",
    "Changes",
    "Chunk",
    "ChunkedUpload",
    "CopiedPhoto",
    "Database",
    "Guest",
    "GuestCatalog",
    "LeftoverCatalog",
    "NameTaken",
    "NoSuchPhoto",
    "NoSuchSelection",
    "NoSuchUpload",
    "OutlinedPhoto",
    "Page",
    "Photo",
    "PhotoLists",
    "PrivatePhotosLeft",
    "Replica",
    "RuledOut",
    "SameGallery",
    "SamePhoto",
    "Selection",
    "Share",
    "Snapshot",
    "UnusableCatalog",
    "UploadCatalog",
    "Usage",
    "UsageCatalog",
    "Viewer",
    "Which",
    "find_database",
    "keep_secret",
    "metadata",
    "open_database",
]
