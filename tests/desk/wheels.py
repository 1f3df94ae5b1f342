"""Wheels made for a test, so that `script/server` installs for real and asks no package index."""

import base64
import hashlib
import site
import zipfile
from pathlib import Path

GRANIAN = "[console_scripts]\ngranian = granian.cli:entrypoint\n"


def make_wheel(folder, name, version, files):
    """`files` by their path in site-packages; gives the line for a requirements file."""
    about = f"{name}-{version}.dist-info"
    files = files | {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: "
        "py3-none-any\n",
    }
    files = {path.replace("ABOUT", about): text for path, text in files.items()}
    record = "".join(
        f"{path},sha256={digest(text)},{len(text.encode())}\n" for path, text in files.items()
    )
    wheel = Path(folder) / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in (files | {f"{about}/RECORD": f"{record}{about}/RECORD,,\n"}).items():
            archive.writestr(path, text)
    return str(wheel)


def digest(text):
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def borrow_packages(folder):
    """A wheel that brings what these tests themselves run on: all that the product needs, at
    once.
    """
    (packages,) = [path for path in site.getsitepackages() if path.endswith("site-packages")]
    return make_wheel(
        folder,
        "borrowed",
        "1.0",
        {"borrowed.pth": f"{packages}\n", "ABOUT/entry_points.txt": GRANIAN},
    )
