"""`roadheat audit …`: an unaltered log, an altered one, a cut one, and its entries for other systems."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from pathlib import Path

from click.testing import CliRunner

from supervisor.cli import main
from supervisor.config import Config
from supervisor.control.tests.test_audit_watch import Server
from supervisor.tests.test_people_cli import config, open_store  # noqa: F401


def audit(config: Config, *arguments: str) -> tuple[int, str, str]:  # noqa: F811
    result = CliRunner().invoke(main, ["audit", *arguments, "--config", str(config.path)], env={"COLUMNS": "200"})
    return result.exit_code, result.stdout, result.stderr


async def fill(config: Config) -> None:  # noqa: F811
    store = open_store(config)
    for user, detail in (("김하나", "1 z01 on 60 min: 결빙"), ("Lee", "=cmd|' /C calc'!A0"), ("Lee", "\x1b[31mred")):
        await store.audit.append(user, "override", detail)
    await store.close()


async def test_what_was_noted_elsewhere_shows_a_cut_or_rewritten_log(config: Config) -> None:  # noqa: F811
    await fill(config)
    status, noted, said = await asyncio.to_thread(audit, config, "verify")
    assert (status, said) == (0, "3 entries, unaltered\n")
    assert re.fullmatch(r"3:[0-9a-f]{64}\n", noted)
    store = open_store(config)
    await store.audit.append("Lee", "cancel", "1 z01")
    assert (await asyncio.to_thread(audit, config, "verify", "--expect", noted.strip()))[0] == 0
    for trigger in ("audit_keeps", "audit_stands"):
        await store.write(lambda db, trigger=trigger: db.execute(f"DROP TRIGGER {trigger}"))
    await store.write(lambda db: db.execute("DELETE FROM audit WHERE id >= 3"))
    assert (await asyncio.to_thread(audit, config, "verify"))[0] == 0  # the chain alone cannot show it
    status, _, said = await asyncio.to_thread(audit, config, "verify", "--expect", noted.strip())
    assert (status, "entry 3 is missing" in said) == (2, True)
    await store.write(lambda db: db.execute("UPDATE audit SET user = 'Park' WHERE id = 1"))
    status, _, said = await asyncio.to_thread(audit, config, "verify")
    assert (status, "entry 1: the audit log has been altered" in said) == (2, True)
    assert (await asyncio.to_thread(audit, config, "verify", "--expect", "three"))[0] == 2
    await store.close()


async def test_entries_are_written_for_programs_and_spreadsheets(config: Config, tmp_path: Path) -> None:  # noqa: F811
    await fill(config)
    status, lines, _ = await asyncio.to_thread(audit, config, "export")
    first, *_ = [json.loads(line) for line in lines.splitlines()]
    assert (status, first["id"], first["user"], first["detail"]) == (0, 1, "김하나", "1 z01 on 60 min: 결빙")
    assert (await asyncio.to_thread(audit, config, "export", "--format", "csv", "--output", str(tmp_path / "a.csv")))[
        0
    ] == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text(encoding="utf-8"))))
    assert [row["user"] for row in rows] == ["김하나", "Lee", "Lee"]
    assert rows[1]["detail"] == "'=cmd|' /C calc'!A0"  # no formula for a spreadsheet
    assert "\x1b" not in rows[2]["detail"]
    syslog = (await asyncio.to_thread(audit, config, "export", "--format", "syslog"))[1]
    assert len(re.findall(r"^<86>1 ", syslog, re.MULTILINE)) == 3
    assert (await asyncio.to_thread(audit, config, "export", "--from", "2020-01-01", "--to", "2020-01-31"))[1] == ""
    assert (await asyncio.to_thread(audit, config, "export", "--from", "tomorrow"))[0] == 2
    assert (await asyncio.to_thread(audit, config, "export", "--send", "http://x"))[0] == 2


async def test_entries_are_sent_once_on_demand(config: Config) -> None:  # noqa: F811
    await fill(config)
    server = Server()
    port = await server.start()
    status, _, said = await asyncio.to_thread(audit, config, "export", "--send", f"tcp://127.0.0.1:{port}")
    assert (status, said) == (0, "3 entries sent\n")
    async with asyncio.timeout(5):
        while len(server.messages) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await server.stop()
    status, _, said = await asyncio.to_thread(audit, config, "export", "--send", f"tcp://127.0.0.1:{port}")
    assert (status, "not sent after 0 entries" in said) == (2, True)
