"""Puts into a wheel what a checkout has beside the server: the page, and the libraries it loads.

The libraries are those that npm has installed, with their licences. Without them, as where there
is no npm, the page of the wheel has its CDN alone. All other settings are in pyproject.toml.
"""

import json
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

OF_LIBRARY = ("dist", "LICEN[CS]E*", "package.json")


class BuildWithPage(build_py):
    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        here, package = Path(__file__).parent, Path(self.build_lib) / "dropwall"
        shutil.copytree(here / "frontend", package / "frontend", dirs_exist_ok=True)
        shutil.copy(here / "package.json", package)
        for library in json.loads((here / "package.json").read_text())["dependencies"]:
            installed = here / "node_modules" / library
            if not installed.exists():
                self.warn(f"npm has not installed {library}: the page will need its CDN for it")
            copy = package / "node_modules" / library
            for source in (path for pattern in OF_LIBRARY for path in installed.glob(pattern)):
                copy.mkdir(parents=True, exist_ok=True)
                if source.is_dir():
                    shutil.copytree(source, copy / source.name, dirs_exist_ok=True)
                else:
                    shutil.copy(source, copy)


setup(cmdclass={"build_py": BuildWithPage})
