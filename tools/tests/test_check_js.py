"""The checks of types by npm are for developers: without npm they say so and fail nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("check", ["js", "flux"])
def test_without_npm_it_says_so_and_passes(tmp_path: Path, check: str) -> None:
    for tool in ("sh", "dirname"):
        found = shutil.which(tool)
        assert found
        (tmp_path / tool).symlink_to(found)
    environment = os.environ | {"PATH": str(tmp_path)}
    script = ROOT / f"tools/check_{check}.sh"
    done = subprocess.run([script], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(rf"check-{check}: not run, Node and npm are missing \(.+\)\n", done.stdout)


def test_every_file_of_the_app_is_checked() -> None:
    files = sorted((ROOT / "supervisor/static").glob("*.js"))
    assert len(files) > 10
    assert [path.name for path in files if not path.read_text(encoding="utf-8").startswith("// @ts-check\n")] == []


@pytest.mark.parametrize("check", ["js", "flux"])
def test_the_compiler_is_pinned_and_comes_from_no_private_place(check: str) -> None:
    wanted = json.loads((ROOT / f"tools/{check}/package.json").read_text())["devDependencies"]
    lock = json.loads((ROOT / f"tools/{check}/package-lock.json").read_text())["packages"]
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
