"""The check of the crew app's types is for developers: without npm it says so and fails nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_without_npm_it_says_so_and_passes(tmp_path: Path) -> None:
    for tool in ("sh", "dirname"):
        found = shutil.which(tool)
        assert found
        (tmp_path / tool).symlink_to(found)
    environment = os.environ | {"PATH": str(tmp_path)}
    done = subprocess.run([ROOT / "tools/check_js.sh"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"check-js: not run, Node and npm are missing \(.+\)\n", done.stdout)


def test_every_file_of_the_app_is_checked() -> None:
    files = sorted((ROOT / "supervisor/static").glob("*.js"))
    assert len(files) > 10
    assert [path.name for path in files if not path.read_text(encoding="utf-8").startswith("// @ts-check\n")] == []


def test_the_compiler_is_pinned_and_comes_from_no_private_place() -> None:
    wanted = json.loads((ROOT / "tools/js/package.json").read_text())["devDependencies"]
    lock = json.loads((ROOT / "tools/js/package-lock.json").read_text())["packages"]
    for name, version in wanted.items():
        entry = lock[f"node_modules/{name}"]
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert entry["version"] == version
        assert entry["integrity"].startswith("sha512-")
        assert entry.get("resolved", "https://registry.npmjs.org/").startswith("https://registry.npmjs.org/")


def test_users_get_nothing_of_it() -> None:
    """No build step: what is served is what stands in the repository."""
    assert not list((ROOT / "supervisor/static").rglob("package*.json"))
    assert not list((ROOT / "supervisor/static").rglob("*.ts"))
