"""What is missing is said in one line each; nothing is changed without root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import get_servers
from tools.get_servers import NEEDS, Need, advice, missing
from tools.servers import ServerError, find_program, free_port, running_influxd


def test_each_need_says_what_is_skipped_and_how_to_get_it() -> None:
    for need in NEEDS:
        line = advice(need)
        assert need.name in line
        assert need.skipped in line
        assert f"apt-get install {need.packages[0]}" in line
        assert "\n" not in line


def test_only_what_is_absent_is_missing() -> None:
    here = Need("here", ("a",), "nothing", lambda: True)
    gone = Need("gone", ("b",), "something", lambda: False)
    assert missing([here, gone]) == [gone]


def test_without_root_it_only_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Blind to what is installed and not root: a line for each, status 0, apt-get is not called."""
    monkeypatch.setattr(get_servers, "missing", lambda: list(NEEDS))
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    monkeypatch.setattr(get_servers, "install", lambda needs: pytest.fail("it tried to install"))
    assert get_servers.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" is missing")[0] for line in lines] == [need.name for need in NEEDS]


@pytest.mark.parametrize(
    ("forbidden", "installs"), [("1", False), ("yes", False), ("0", True), ("", True), (None, True)]
)
def test_root_can_forbid_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], forbidden: str | None, installs: bool
) -> None:
    """Blind to what is installed, and root: with ROADHEAT_NO_APT a line for each need, and apt-get is not called."""
    called: list[list[Need]] = []
    monkeypatch.setattr(get_servers, "missing", lambda: list(NEEDS))
    monkeypatch.setattr(get_servers, "install", lambda needs: called.append(list(needs)) or "")
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(shutil, "which", lambda name, path=None: f"/usr/bin/{name}")
    monkeypatch.delenv("ROADHEAT_NO_APT", raising=False)
    if forbidden is not None:
        monkeypatch.setenv("ROADHEAT_NO_APT", forbidden)
    assert get_servers.main() == 0
    assert bool(called) == installs
    said = capsys.readouterr().out
    assert said.count("Installing") == (1 if installs else 0)
    assert all(advice(need) in said for need in NEEDS)


def test_it_says_what_it_installs_before_it_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ROADHEAT_NO_APT", raising=False)
    monkeypatch.setattr(get_servers, "missing", lambda: list(NEEDS))
    monkeypatch.setattr(get_servers, "can_install", lambda: True)
    before: list[str] = []
    monkeypatch.setattr(get_servers, "install", lambda needs: before.append(capsys.readouterr().out) or "")
    get_servers.main()
    (line,) = before[0].splitlines()
    assert "ROADHEAT_NO_APT=1 prevents it" in line
    assert "as root" in line
    for need in NEEDS:
        assert all(package in line for package in need.packages)


@pytest.mark.parametrize(("no_skips", "status"), [("", pytest.ExitCode.OK), ("1", pytest.ExitCode.TESTS_FAILED)])
def test_tests_that_need_a_server_are_skipped_and_say_so(
    tmp_path: Path, no_skips: str, status: pytest.ExitCode
) -> None:
    """The project's own conftest: the reason is shown, and the run fails where nothing may be skipped."""
    shutil.copy(Path(__file__).resolve().parents[2] / "conftest.py", tmp_path)
    test = "import pytest\ndef test_it(): pytest.skip('InfluxDB 1.6 is not installed')"
    (tmp_path / "test_server.py").write_text(test)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -ra")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=os.environ | {"ROADHEAT_NO_SKIPS": no_skips},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    assert "InfluxDB 1.6 is not installed" in done.stdout
    assert ("nothing may be skipped" in done.stdout) == bool(no_skips)


@pytest.mark.parametrize(("second", "complaint"), [("", ""), ("no such package", "a list is torn")])
def test_a_list_that_cannot_be_had_does_not_keep_packages_away(
    monkeypatch: pytest.MonkeyPatch, second: str, complaint: str
) -> None:
    answers = {"install": ["no lists yet", second], "update": ["a list is torn"]}
    monkeypatch.setattr(get_servers, "_run", lambda command, environment: answers[command[1]].pop(0))
    assert get_servers.install(NEEDS) == complaint
    assert answers == {"install": [], "update": []}


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    if find_program("influxd") is None:
        pytest.skip("InfluxDB 1.6 is not installed: as root on Debian, python -m tools.get_servers")
    (tmp_path / "meta").write_text("a file where a folder must be")
    with pytest.raises(ServerError, match="does not start"), running_influxd(tmp_path):
        pass


def test_free_ports_are_free() -> None:
    assert len({free_port() for _ in range(20)}) > 10
