"""The container's files name what is there: neither is built here."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "examples" / "docker"


def test_the_image_takes_what_exists_and_the_pinned_uv() -> None:
    text = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
    pinned = re.search(r"UV_VERSION=([\d.]+)", (ROOT / "tools" / "get_uv.sh").read_text(encoding="utf-8"))
    assert pinned is not None
    assert f"uv=={pinned[1]}" in text
    copied = [name for line in re.findall(r"^COPY (?!--)(.+)$", text, re.MULTILINE) for name in line.split()[:-1]]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    packages = re.findall(r'packages = \["(supervisor.+?)\]', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert {name.strip(' "') for name in packages[0].split(",")} <= set(copied)


def test_compose_runs_the_service_and_its_watcher_from_one_configuration() -> None:
    services = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))["services"]
    for name in ("roadheat", "watch"):
        assert "./city.toml:/etc/roadheat/city.toml:ro" in services[name]["volumes"]
        assert services[name]["read_only"] is True
    assert (FOLDER / services["roadheat"]["build"]["context"]).resolve() == ROOT
    assert (ROOT / services["roadheat"]["build"]["dockerfile"]).exists()
