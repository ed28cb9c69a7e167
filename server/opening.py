"""Opens what a gallery is kept in, or says which setting has to be another."""

from pathlib import Path

from .catalog.database import Database, open_database
from .config import BadSetting, Config


def make_folders(config: Config) -> None:
    """For photos, and for what is on its way. Raises BadSetting."""
    _make_folder(config.data, "DROPWALL_DATA")
    if "://" not in config.storage_address:
        named = "DROPWALL_STORAGE" if config.storage else "DROPWALL_DATA"
        _make_folder(Path(config.storage_address), named, "incoming")


def open_catalog(config: Config) -> Database:
    """As `open_database`; raises BadSetting, too."""
    try:
        return open_database(config.database_address)
    except OSError as error:
        raise BadSetting(
            f"Dropwall cannot keep its catalog in {config.database_address}: {error.strerror}."
            " Set DROPWALL_DATABASE to another file."
        ) from None


def _make_folder(folder: Path, setting: str, within: str = "") -> None:
    try:
        (folder / within).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(
            f"Dropwall cannot keep photos in {folder}: {error.strerror}."
            f" Set {setting} to another folder."
        ) from None
