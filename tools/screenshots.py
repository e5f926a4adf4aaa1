"""`make screenshots`: renew the pictures of the app in docs/img, in Korean and English.

The browser tests take them while they check what is shown (`keep`), so that a picture never shows what no test has
seen. This runs those tests and copies what the documentation uses.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import click
from PIL import Image

ROOT: Final = Path(__file__).resolve().parents[1]
IMG: Final = ROOT / "docs" / "img"
TESTS: Final = ROOT / "supervisor" / "web" / "tests"
FILES: Final = (
    "test_web_browser.py", "test_web_browser_faults.py", "test_web_browser_group.py", "test_web_browser_offline.py",
    "test_web_browser_preview.py", "test_web_browser_screens.py", "test_web_browser_wall.py", "test_web_residents.py",
)  # fmt: skip
# Picture in the documentation → what the tests call it. {} is the language; English pictures have no ending for it.
PICTURES: Final = {
    "crew-list": "roads-390-{}",
    "crew-quiet": "quiet-{}",
    "crew-override": "running-{}",
    "crew-fault": "faults-earth-{}",
    "crew-danger": "danger-sheet-{}",
    "crew-preview": "preview-on-{}",
    "crew-off-twice": "off-twice-{}",
    "crew-group": "group-turns-{}",
    "crew-alarms": "alarms-390-{}",
    "crew-shift": "shift-390-{}",
    "dispatcher": "zone-1920-{}",
    "wall": "wall-{}",
    "resident": "resident-{}",
    "residents": "residents-{}",
    "crew-draft": "draft-ko",
}
WIDEST_PX: Final = 1920
COLOURS: Final = 256  # of a picture: letters on plain grounds need no more, and the files stay half as large


def wanted() -> dict[str, str]:
    """File in docs/img → file of the tests."""
    found = {}
    for picture, shot in PICTURES.items():
        for language in ("ko", "en") if "{}" in shot else ("ko",):
            ending = "" if language == "en" else f"-{language}"
            found[f"{picture}{ending}.png"] = f"{shot.format(language)}.png"
    return found


def shrink(source: Path, target: Path) -> None:
    """The picture with fewer pixels and colours."""
    with Image.open(source) as image:
        size = (WIDEST_PX, round(image.height * WIDEST_PX / image.width))
        smaller = image.resize(size) if image.width > WIDEST_PX else image
        smaller.convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE).save(target, optimize=True)


@click.command()
def main() -> None:
    """Renew the pictures of the app in docs/img, in Korean and English."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", "-q", *(str(TESTS / name) for name in FILES)]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "ROADHEAT_SCREENSHOTS": folder}, check=False)
        missing = [shot for shot in wanted().values() if not (Path(folder) / shot).exists()]
        if done.returncode or missing:
            lacking = f"; not taken: {', '.join(missing)}" if missing else ""
            raise click.ClickException(f"the browser tests failed, so no picture was changed{lacking}")
        for name, shot in wanted().items():
            shrink(Path(folder) / shot, IMG / name)
    click.echo(f"{len(wanted())} pictures in {IMG.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
