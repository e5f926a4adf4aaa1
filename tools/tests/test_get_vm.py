"""The VM is found or the reason is told; the cache notices damage; apt's own sources are followed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import apt_closure, get_vm


@pytest.mark.vm
def test_vm_runs_and_has_what_boards_need() -> None:
    run = subprocess.run([get_vm.vm_path(), "-c", get_vm._PROBE], capture_output=True, text=True, check=True)
    assert tuple(int(part) for part in run.stdout.split()) >= get_vm.OLDEST


def test_says_every_source_that_failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MICROPYTHON", "/bin/false")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(get_vm, "cache_dir", lambda: tmp_path / "cache")
    monkeypatch.setattr(get_vm, "_from_wheel", lambda work: (_ for _ in ()).throw(get_vm.VmError("no wheel")))
    with pytest.raises(get_vm.VmError) as caught:
        get_vm.vm_path.__wrapped__()
    text = str(caught.value)
    for source in ("$MICROPYTHON: /bin/false", "PATH: none", "no apt-get", "no wheel", "set MICROPYTHON"):
        assert source in text


def test_a_suite_that_the_mirror_refuses_leaves_the_next(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def build(suite: str, architecture: str | None, work: Path) -> None:
        asked.append((suite, architecture))
        if suite == "trixie":
            raise apt_closure.AptError("File has unexpected size. Mirror sync in progress?")
        (work / "micropython").write_text(suite)

    monkeypatch.setattr(get_vm, "cache_dir", lambda: tmp_path)
    monkeypatch.setattr(get_vm, "_probe", lambda program: program)
    monkeypatch.setattr(get_vm, "_from_debian", build)
    assert get_vm.vm_path.__wrapped__(32).read_text() == "forky"
    assert asked == [("trixie", "i386"), ("forky", "i386")]


def test_damage_in_the_cache_is_fetched_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(get_vm, "cache_dir", lambda: tmp_path)
    monkeypatch.setattr(get_vm, "_probe", lambda program: program)
    built = []

    def build(work: Path) -> None:
        built.append(work)
        (work / "micropython").write_text("program")

    first = get_vm._cached("x", build)
    assert get_vm._cached("x", build) == first
    assert len(built) == 1
    first.write_text("bit flip")
    assert get_vm._cached("x", build).read_text() == "program"
    assert len(built) == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.list", "deb [signed-by=/k.gpg arch=amd64] mirror:/debian old main contrib\n"),
        (
            "sources.list.d/a.sources",
            "# note\nTypes: deb deb-src\nURIs: mirror:/debian\nSuites: old old-updates\n"
            "# x\nComponents: main\nSigned-By: /k.gpg\n",
        ),
    ],
)
def test_source_is_the_systems_own_with_another_suite(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text)
    monkeypatch.setattr(apt_closure, "_SOURCES", tmp_path)
    monkeypatch.setattr(apt_closure, "_release", lambda: {"ID": "debian", "VERSION_CODENAME": "old"})
    assert apt_closure._source("new") == (
        "Types: deb\nURIs: mirror:/debian\nSuites: new\nComponents: main\nSigned-By: /k.gpg\n"
    )
