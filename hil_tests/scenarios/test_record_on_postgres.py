"""Real firmware on emulated boards, and the record on PostgreSQL: the energy is what the cables drew."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from hil_tests.bench.bench import Bench
from hil_tests.bench.city import write_city
from hil_tests.scenarios.test_energy_record import METER_SHARE, METER_WH, MINUTE_S, START_UTC_S
from supervisor.config import load
from supervisor.store import database, place_of
from supervisor.weather.design_storm import design_storm
from tools.postgres_server import PostgresServer
from tools.record_places import own_database


@pytest.mark.vm
@pytest.mark.postgres
def test_postgresql_holds_what_the_cables_drew(postgres: PostgresServer, tmp_path: Path) -> None:
    storm = design_storm(START_UTC_S - 6 * 3600, 30, 1)
    path = write_city(tmp_path / "city", storm, boards=2, contract_share=1.0)
    place = own_database(postgres)
    with path.open("a", encoding="utf-8") as file:
        file.write(f'\n[database]\naddress = "{place.address}"\ndistrict = "{place.district}"\n')
    with Bench(path, weather=storm, start_utc_s=START_UTC_S) as bench:
        bench.write_flash()
        bench.start_supervisor()
        bench.advance(4 * MINUTE_S)
        for zone in bench.zones:
            bench.crew.override(zone, "on", 45)
        bench.advance(5 * MINUTE_S)
        bench.boards["b02"].cut_link()
        bench.advance(5 * MINUTE_S)
        bench.boards["b02"].restore_link()
        bench.advance(6 * MINUTE_S)
        for zone in bench.zones:
            bench.crew.override(zone, "off", 30)
        bench.advance(5 * MINUTE_S)
        assert bench.violations == []
        drawn_wh = {zone.id: zone.truth.energy_wh for zone in bench.zones.values()}
    with closing(database.connect_read_only(place_of(load(path)))) as db:
        totals = dict(db.execute("SELECT zone, total_wh FROM zone_total").fetchall())
    assert totals.keys() == drawn_wh.keys()
    for zone_id, wh in drawn_wh.items():
        assert wh > 3_000, f"{zone_id} has not heated"
        assert totals[zone_id] == pytest.approx(wh, rel=METER_SHARE, abs=METER_WH)
