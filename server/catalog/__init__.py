"""What Dropwall knows, as rows: all of the SQL."""

from .database import CatalogUnavailable, Database, open_database
from .photos import Catalog, Changes, NoSuchPhoto, Page, Photo, SamePhoto
from .tables import metadata
from .uploads import ChunkedUpload, NoSuchUpload, UploadCatalog
from .usage import Usage, UsageCatalog

__all__ = [
    "Catalog",
    "CatalogUnavailable",
    "Changes",
    "ChunkedUpload",
    "Database",
    "NoSuchPhoto",
    "NoSuchUpload",
    "Page",
    "Photo",
    "SamePhoto",
    "UploadCatalog",
    "Usage",
    "UsageCatalog",
    "metadata",
    "open_database",
]
