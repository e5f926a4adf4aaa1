"""`roadheat pki …` without boards: what it says, and what it refuses."""

from __future__ import annotations

from click.testing import CliRunner

from supervisor.cli import main
from supervisor.config import Config
from supervisor.tests.test_service import config
from supervisor.wire.keys import next_path
from supervisor.wire.pki import NEXT, ensure_pki
from supervisor.wire.renewal_files import hurried

__all__ = ["config"]  # a fixture


def _run(config: Config, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["pki", *arguments, "--config", str(config.path)], env={"COLUMNS": "400"})
    return done.exit_code, " ".join(done.output.split())


def test_status_names_what_every_board_waits_for(config: Config) -> None:
    assert _run(config, "status")[1].count("no authority yet") == 1
    ensure_pki(config.pki_dir, config.boards.server_name)
    assert "nothing is under way" in _run(config, "status")[1]
    assert _run(config, "rotate")[0] == 0
    code, said = _run(config, "status")
    assert code == 0
    assert f"waits for {len(config.board)} of {len(config.board)} boards" in said
    assert "not heard yet" in said


def test_one_renewal_at_a_time(config: Config) -> None:
    _run(config, "rotate")
    code, said = _run(config, "rotate")
    assert (code, "under way" in said) == (2, True)


def test_now_needs_a_renewal(config: Config) -> None:
    assert _run(config, "rotate", "--now")[0] == 2
    _run(config, "rotate")
    assert _run(config, "rotate", "--now")[0] == 0
    assert hurried(config.pki_dir)


def test_options_that_contradict_each_other(config: Config) -> None:
    for arguments in (("--server", "--keys"), ("b01",), ("--server", "b01"), ("--now", "--keys")):
        code, said = _run(config, "rotate", *arguments)
        assert (code, "one thing at a time" in said) == (2, True)
    assert not (config.pki_dir / NEXT).exists()


def test_keys_of_named_boards(config: Config) -> None:
    code, said = _run(config, "rotate", "--keys", "b01", "b99")
    assert (code, "unknown board `b99`" in said) == (2, True)
    first = config.board[0].id
    path = next_path(config.board_key_path(first))
    assert not path.exists()
    _run(config, "rotate", "--keys", first)
    made = path.read_text()
    assert "waits for it already" in _run(config, "rotate", "--keys", first)[1]
    assert path.read_text() == made
