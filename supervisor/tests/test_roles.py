"""Roles of `roadheat serve`: what is refused, and that a single process knows nothing of NATS."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from supervisor.cli import main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--role", "boss"], "'boss' is not one of"),
        (["--role", "core", "--district", "gwanak"], "--nats: it is missing"),
        (["--role", "gateway", "--nats", "nats://127.0.0.1:4222"], "--district: it is missing"),
        (["--nats", "nats://127.0.0.1:4222"], "--nats: it is of the roles core and gateway, this is all"),
        (["--district", "gwanak"], "--district: it is of the roles core and gateway"),
        (
            ["--role", "core", "--nats", "nats://127.0.0.1", "--district", "gwanak", "--listen", "127.0.0.1:1"],
            "--listen: it is of the role gateway, this is core",
        ),
        (["--role", "core", "--nats", "nats://10.0.0.7:4222", "--district", "gwanak"], "no user is given"),
        (["--role", "gateway", "--nats", "nats://a:b@10.0.0.7:4222", "--district", "gwanak"], "not encrypted"),
        (["--role", "gateway", "--nats", "nats://127.0.0.1", "--district", "Gwanak.1"], "is no id of a district"),
        (
            ["--role", "gateway", "--nats", "nats://127.0.0.1", "--district", "gwanak", "--lockstep", "/tmp/s"],
            "--lockstep: roles run in real time",
        ),
        (
            ["--role", "gateway", "--nats", "nats://127.0.0.1:1", "--district", "gwanak", "--listen", "8443"],
            "'8443' is not host:port",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_a_role_is_refused_with_place_and_remedy(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(main, ["serve", *arguments], env={"COLUMNS": "300", "ROADHEAT_NATS": None})
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_a_single_process_imports_nothing_of_roles_beyond_it() -> None:
    found = (
        "import sys, supervisor.cli, supervisor.app; print([m for m in sys.modules if 'nats' in m or 'cluster' in m])"
    )
    done = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
