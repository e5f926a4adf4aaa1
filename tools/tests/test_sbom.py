"""`make sbom`: every locked package that the service installs, with its version and hashes."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

from tools.tests.doc_files import ROOT


def test_the_list_of_parts_has_every_package_with_version_and_hash(tmp_path: Path) -> None:
    target = tmp_path / "sbom.json"
    subprocess.run(["make", "--silent", "sbom", f"SBOM={target}"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    made = json.loads(target.read_text())
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.5")
    locked = {one["name"]: one.get("version") for one in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    parts = {one["name"]: one for one in made["components"]}
    assert {"aiohttp", "msgspec", "cryptography", "numpy", "scipy"} <= parts.keys()
    for name, part in parts.items():
        assert part["version"] == locked[name]
        hashes = [one for file in part["externalReferences"] for one in file["hashes"]]
        assert hashes, name
        assert {one["alg"] for one in hashes} == {"SHA-256"}
    assert not {"pytest", "ruff", "mypy"} & parts.keys(), "nothing of the tests"
