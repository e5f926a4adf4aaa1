"""Renewals of keys on the bench."""

from __future__ import annotations

from click.testing import CliRunner

from hil_tests.bench.bench import Bench
from supervisor.cli import main


def pki(bench: Bench, *arguments: str) -> str:
    """What `roadheat pki` says of the bench's city; it must succeed."""
    done = CliRunner().invoke(main, ["pki", *arguments, "--config", str(bench.config.path)])
    assert done.exit_code == 0, done.output
    return done.output
