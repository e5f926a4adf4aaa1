"""What the demo needs is checked before the storm, and figures are written whatever becomes of the pictures."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from hil_tests.demo.cli import demo
from hil_tests.demo.play import _MARK, _write
from hil_tests.demo.tests.test_demo_report import story
from supervisor import terminal
from tools.get_vm import VmError


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The folder of an earlier demo, which a refused one must not touch."""
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / _MARK).touch()
    (folder / "report.json").write_text("{}")
    return folder


def test_without_matplotlib_it_is_refused_before_the_storm(earlier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("hil_tests.demo.play.live_through", lambda *_, **__: pytest.fail("the storm began"))
    result = CliRunner().invoke(demo, ["--report", str(earlier)])
    assert result.exit_code == 2
    assert "roadheat[report]" in result.output
    assert "--no-pictures" in result.output
    assert (earlier / "report.json").exists()


def test_without_a_vm_it_is_refused_before_the_storm(earlier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise VmError("no MicroPython VM", remedy="Set MICROPYTHON")

    monkeypatch.setattr("hil_tests.demo.play.vm_path", none)
    monkeypatch.setattr("hil_tests.demo.play.live_through", lambda *_, **__: pytest.fail("the storm began"))
    result = CliRunner().invoke(demo, ["--report", str(earlier), "--no-pictures"])
    assert result.exit_code == 2
    assert "Set MICROPYTHON" in result.output
    assert (earlier / "report.json").exists()


def test_a_place_for_the_figures_that_is_not_there_is_refused_before_the_storm(tmp_path: Path) -> None:
    result = CliRunner().invoke(demo, ["--json", str(tmp_path / "no" / "out.json"), "--report", str(tmp_path / "r")])
    assert result.exit_code == 2
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("gone", ["matplotlib", "matplotlib.figure"])
def test_figures_are_written_when_pictures_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], gone: str
) -> None:
    monkeypatch.setitem(sys.modules, gone, None)
    console = terminal.console(width=100)
    console.file = io.StringIO()
    _write(story(), tmp_path, tmp_path / "figures.json", True, console)
    assert "Design storm" in console.file.getvalue()
    for name in ("report.json", "figures.json"):
        assert json.loads((tmp_path / name).read_text())["seed"] == 1
    page = (tmp_path / "report.html").read_text()
    assert "Design storm" in page
    assert "<svg" not in page
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("pictures of the report: not drawn (")


def test_pictures_can_be_left_out(tmp_path: Path) -> None:
    console = terminal.console(width=100)
    console.file = io.StringIO()
    _write(story(), tmp_path, None, False, console)
    assert "<svg" not in (tmp_path / "report.html").read_text()
    _write(story(), tmp_path, None, True, console)
    assert "<svg" in (tmp_path / "report.html").read_text()
