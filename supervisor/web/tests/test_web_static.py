"""The app's files: every word translated, every code known, nothing inline, vendored files as published."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from supervisor.domain.override import LIVE_STATES, OverrideMode
from supervisor.domain.plan import PlanLabel
from supervisor.planner.explain import CODES as WHY_CODES
from supervisor.road import Surface
from supervisor.web import files
from supervisor.web.problems import CODES
from supervisor.wire.messages import Flag, Winner

LANGUAGES = ("en", "ko")
STATE_WORDS = [surface.word for surface in Surface]
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in files.STATIC.glob("*.js")}


def words(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((files.STATIC / "i18n" / f"{language}.json").read_text(encoding="utf-8"))
    return found


def test_both_languages_have_the_same_keys_and_values_to_fill_in() -> None:
    english, korean = words("en"), words("ko")
    assert list(english) == list(korean)  # the same order too, so that translators can go line by line
    for key, text in english.items():
        assert set(re.findall(r"{(\w+)}", korean[key])) <= set(re.findall(r"{(\w+)}", text)), key
        assert text.strip(), key
        assert korean[key].strip(), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_of_the_service_has_words(language: str) -> None:
    needed = {f"why.{code}" for code in WHY_CODES}
    needed |= {f"problem.{code}" for code in CODES}
    needed |= {f"state.{word}" for word in STATE_WORDS}
    needed |= {f"step.{state.value}" for state in LIVE_STATES}
    needed |= {f"mode.{mode.value}" for mode in OverrideMode} | {f"mode-hint.{mode.value}" for mode in OverrideMode}
    needed |= {f"plan.label.{label.value}" for label in PlanLabel}
    flags = [(flag.name or "").lower().replace("_", "-") for flag in Flag]
    needed |= {f"flag.{name}" for name in flags} | {f"flag-help.{name}" for name in flags}
    assert needed - set(words(language)) == set()


def test_every_key_in_the_scripts_has_words_and_every_word_is_used() -> None:
    text = "\n".join(SCRIPTS.values()) + (files.STATIC.parent / "web" / "login.py").read_text(encoding="utf-8")
    text += (files.STATIC.parent / "web" / "guard.py").read_text(encoding="utf-8")
    have = set(words("en"))
    literal = set(re.findall(r"""(?:\bt|\bsay)\(\s*"([\w.-]+)\"""", text))
    assert literal - have == set()
    families = set(re.findall(r"`([a-z][\w-]*(?:\.[a-z]+)*\.)\$\{", text)) | {"login."}
    used = {key for key in have if key in text or any(key.startswith(family) for family in families)}
    assert have - used == set()


def test_the_app_reads_flags_and_deciders_as_the_wire_has_them() -> None:
    flags = dict(re.findall(r'\[(\d+), "([a-z-]+)"\]', SCRIPTS["zone.js"]))
    assert {int(bit): name for bit, name in flags.items()} == {
        flag.value: (flag.name or "").lower().replace("_", "-") for flag in Flag
    }
    who = dict(re.findall(r'(\d): "([a-z]+)"', SCRIPTS["zone.js"]))
    assert {int(row): name for row, name in who.items()} == {winner.value: winner.name.lower() for winner in Winner}


def test_surface_words_are_those_of_the_road_model() -> None:
    [table] = re.findall(r"const KINDS = {(.*?)}", SCRIPTS["zone.js"], re.DOTALL)
    assert set(re.findall(r"(\w+): \"", table)) == set(STATE_WORDS)


def test_nothing_is_inline_and_every_file_named_exists() -> None:
    known = files.load()
    for page in files.STATIC.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text), page.name
        assert set(re.findall(r'"/static/([^"]+)"', text)) <= set(known)
    for name, script in SCRIPTS.items():
        imports = re.findall(r'from "\./([^"]+)"', script)
        assert set(imports) <= set(known), name
        assert "innerHTML" not in script.replace("no innerHTML", "")


def test_vendored_files_are_those_named() -> None:
    vendor = files.STATIC / "vendor"
    table = re.findall(r"^\| `([\w.-]+)` .*\| `([0-9a-f]{64})` \|$", (vendor / "README.md").read_text(), re.MULTILINE)
    assert {name for name, _ in table} == {path.name for path in vendor.iterdir() if path.suffix in (".mjs", ".css")}
    for name, digest in table:
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest, name
    assert {path.name for path in vendor.glob("LICENSE.*")} == {"LICENSE.preact", "LICENSE.htm", "LICENSE.uplot"}


def test_only_files_for_browsers_are_served(tmp_path: Path) -> None:
    (tmp_path / "app.js").write_text("x" * 1000)
    (tmp_path / "secret.toml").write_text("no")
    loaded = files.load(tmp_path)
    assert set(loaded) == {"app.js"}
    assert loaded["app.js"].packed is not None
    assert len(loaded["app.js"].packed) < 100
    assert not any(name.endswith((".md", "LICENSE.htm")) for name in files.load())
