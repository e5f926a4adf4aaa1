"""A renewal of authority and keys, killed (SIGKILL) at each change of a file: what was in force, or the next, whole."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from supervisor.cli import main
from supervisor.config import Config
from supervisor.tests.test_service import config
from supervisor.wire.keys import load_key, load_keys, next_path, promote
from supervisor.wire.pki import NEXT, PREVIOUS, ensure_pki, renew_server, switch
from supervisor.wire.renewal_files import authority, begin, forget_previous

__all__ = ["config"]  # a fixture

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir"}
STEPS_MAX = 200


def killed_before(step: int, folder: Path, work: Callable[[], object]) -> bool:
    """Do `work` in a process of its own that is killed before its `step`th change below `folder`; False: it ended."""
    child = os.fork()
    if not child:
        left = [step]

        def watch(event: str, given: tuple[Any, ...]) -> None:
            writes = event == "open" and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR)
            if (writes or event in CHANGES) and not isinstance(given[0], int):
                # Names below a folder that is being removed come without it.
                left[0] -= str(os.fsdecode(given[0])).startswith(str(folder)) or event in ("os.remove", "os.rmdir")
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def each_step(folder: Path, work: Callable[[], object], check: Callable[[], None]) -> int:
    """Kill `work` at every step, each time on the folder as it is now, and `check` what is left. Returns the steps."""
    before = folder.with_name(f"{folder.name}-before")
    shutil.copytree(folder, before)
    for step in range(1, STEPS_MAX):
        killed = killed_before(step, folder, work)
        check()
        if not killed:
            shutil.rmtree(before)
            return step - 1
        shutil.rmtree(folder)
        shutil.copytree(before, folder)
    raise AssertionError("it never ends")


@pytest.fixture
def folder(config: Config) -> Path:
    ensure_pki(config.pki_dir, config.boards.server_name)
    return config.pki_dir


def run(config: Config, *arguments: str) -> int:
    return CliRunner().invoke(main, ["pki", *arguments, "--config", str(config.path)]).exit_code


def test_the_command_leaves_the_old_authority_alone_and_can_be_given_again(config: Config, folder: Path) -> None:
    now, name = authority(folder), config.boards.server_name

    def check() -> None:
        ensure_pki(folder, name)  # the service starts
        assert authority(folder) == now
        code = run(config, "rotate")
        made = authority(folder / NEXT)
        assert made
        assert made != now
        assert code in (0, 2), "2: the first one was finished"
        assert run(config, "status") == 0

    assert each_step(folder, lambda: begin(folder, name), check) > 5


def test_the_switch_is_the_old_or_the_new_and_ends_at_the_next_start(config: Config, folder: Path) -> None:
    name = config.boards.server_name
    begin(folder, name)
    old, new = authority(folder), authority(folder / NEXT)

    def check() -> None:
        ensure_pki(folder, name)
        in_force = authority(folder)
        assert in_force in (old, new)
        if in_force == new:
            assert authority(folder / PREVIOUS) == old
            assert not authority(folder / NEXT)
        else:
            assert authority(folder / NEXT) == new

    assert each_step(folder, lambda: switch(folder), check) > 5


def test_what_was_half_forgotten_is_no_authority_of_a_later_renewal(config: Config, folder: Path) -> None:
    """Boards are told to forget the authority in `previous`: an older one there would never be asked of any of them."""
    name = config.boards.server_name
    begin(folder, name)
    switch(folder)

    def check() -> None:
        if authority(folder / PREVIOUS):
            forget_previous(folder)
        second = authority(folder)
        begin(folder, name)
        switch(folder)
        assert authority(folder / PREVIOUS) == second

    assert each_step(folder, lambda: forget_previous(folder), check) > 2


def test_a_new_server_certificate_is_whole_after_the_next_start(config: Config, folder: Path) -> None:
    name, now = config.boards.server_name, authority(folder)

    def check() -> None:
        ensure_pki(folder, name)
        assert authority(folder) == now

    assert each_step(folder, lambda: renew_server(folder, name), check) > 2


def test_no_board_is_without_a_key_that_it_may_have(config: Config, folder: Path) -> None:
    path = config.board_key_path(config.board[0].id)
    ensure_keys = [config.board_key_path(board.id) for board in config.board]
    for key in ensure_keys:
        key.parent.mkdir(parents=True, exist_ok=True)
        key.write_text("11" * 32)
    old = load_key(path)

    def offered() -> None:
        assert load_keys(path)[0] == old
        assert run(config, "rotate", "--keys") == 0
        assert all(len(load_keys(key)) == 2 for key in ensure_keys)

    each_step(path.parent, lambda: run(config, "rotate", "--keys"), offered)
    new = load_key(next_path(path))

    def used() -> None:
        promote(path, new)  # the board comes again
        assert load_keys(path) == [new]

    each_step(path.parent, lambda: promote(path, new), used)
