"""What Dropwall knows, as rows: all of the SQL."""

from .database import CatalogUnavailable, Database, open_database
from .guests import GuestCatalog
from .lists import SORTS, Changes, Guest, OutlinedPhoto, Page, PhotoLists, Selection
from .photos import Catalog, NoSuchPhoto, Photo, SamePhoto
from .tables import metadata
from .uploads import ChunkedUpload, NoSuchUpload, UploadCatalog
from .usage import Usage, UsageCatalog

__all__ = [
    "SORTS",
    "Catalog",
    "CatalogUnavailable",
    "Changes",
    "ChunkedUpload",
    "Database",
    "Guest",
    "GuestCatalog",
    "NoSuchPhoto",
    "NoSuchUpload",
    "OutlinedPhoto",
    "Page",
    "Photo",
    "PhotoLists",
    "SamePhoto",
    "Selection",
    "UploadCatalog",
    "Usage",
    "UsageCatalog",
    "metadata",
    "open_database",
]
