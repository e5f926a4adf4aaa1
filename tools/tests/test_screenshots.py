"""Pictures of the documentation: each is shown somewhere, and each shot is one that a browser test takes."""

from __future__ import annotations

import re

from tools.screenshots import FILES, IMG, ROOT, TESTS, wanted


def test_each_picture_is_there_and_shown() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
    for name in wanted():
        assert (IMG / name).is_file(), name
        assert f"img/{name}" in pages, name


def test_each_shot_is_taken_by_a_test() -> None:
    kept = "".join((TESTS / name).read_text(encoding="utf-8") for name in FILES)
    names = [re.sub(r"\{[^}]*\}", ".+", name) for name in re.findall(r'keep\(page, f?"([^"]*)"\)', kept)]
    for shot in wanted().values():
        assert any(re.fullmatch(name, shot.removesuffix(".png")) for name in names), shot
