"""What Dropwall knows, as rows: all of the SQL."""

from .database import CatalogUnavailable, Database, open_database
from .photos import Catalog, Changes, NoSuchPhoto, Page, Photo, SamePhoto
from .tables import metadata

__all__ = [
    "Catalog",
    "CatalogUnavailable",
    "Changes",
    "Database",
    "NoSuchPhoto",
    "Page",
    "Photo",
    "SamePhoto",
    "metadata",
    "open_database",
]
