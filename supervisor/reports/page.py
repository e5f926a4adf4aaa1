"""A report as one HTML file without scripts, in Korean or English."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Final

from supervisor.reports.data import Report, StormRow, ZoneRow
from supervisor.reports.html import local, money, section, table
from supervisor.reports.storm_page import storm_section
from supervisor.reports.svg import Bar, bars

LANGUAGES: Final = ("ko", "en")
SEASON_H: Final = 100 * 24  # a period as long as this is compared with published figures of a season
WIDTH_M: Final = 5.0  # of the published road
_TEXTS = Path(__file__).with_name("i18n")
_STYLE = """
body{font:15px/1.5 system-ui,"Noto Sans KR",sans-serif;color:#1b2430;max-width:960px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}p.sub{color:#5a6675;margin:.2rem 0 1rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:600;color:#5a6675;border-bottom:2px solid #d5dbe3;padding:.3rem .6rem}
td{border-bottom:1px solid #e8ecf1;padding:.3rem .6rem}
td.n,td:first-child,.many td{white-space:nowrap}td.n,th.n{text-align:right}
table.many{font-size:.8rem}.many td,.many th{padding:.3rem .22rem}
th{word-break:keep-all}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:.8rem}
.figures div{border:1px solid #d5dbe3;border-radius:8px;padding:.6rem .8rem}.figures b{display:block;font-size:1.25rem}
.figures span{color:#5a6675;font-size:.85rem}svg{width:100%;height:auto}.axis{font-size:12px;fill:#5a6675}
.grid{stroke:#e8ecf1}.bar{fill:#d9622b}.snow{fill:#3f7fbf}.hit{fill:transparent}.over{color:#b3261e;font-weight:600}
.planned{stroke:#1b2430;stroke-width:2;stroke-dasharray:4 3}
@media print{body{margin:0;max-width:none}section{break-inside:avoid}section.storm{break-before:page}}
"""


def write_page(report: Report, language: str) -> str:
    """The page. `language`: one of LANGUAGES."""
    text: dict[str, str] = json.loads((_TEXTS / f"{language}.json").read_text(encoding="utf-8"))
    parts = [
        _figures(report, text),
        "" if _is_of_a_storm(report) else section(text["days"], _days(report, text)),
        section(text["storms"], _storms(report, text)),
        _served(report, text, language),
        section(text["feeders"], _feeders(report, text)),
        section(text["zones"], _zones(report, text, language)),
        section(text["overrides"], _overrides(report, text)),
    ]
    storms = [storm_section(report, course, text) for course in report.courses]
    parts[1:1] = storms if _is_of_a_storm(report) else []
    parts += [] if _is_of_a_storm(report) else storms
    if report.notes:
        parts.append(section(text["notes"], f"<p>{'<br>'.join(escape(note) for note in report.notes)}</p>"))
    period = f"{local(report, report.from_utc_s)} – {local(report, report.to_utc_s)}, {report.timezone}"
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{text['title']}: {escape(report.site)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{text['title']}</h1><p class=sub>{escape(report.site)} · {text['period']} {escape(period)}</p>"
        f"{''.join(parts)}</body></html>\n"
    )


def _is_of_a_storm(report: Report) -> bool:
    """Whether its period is one storm: its course stands first and takes the place of the days."""
    return len(report.courses) == 1 and report.courses[0].from_utc_s == report.from_utc_s


def _figures(report: Report, text: dict[str, str]) -> str:
    costs = [cost for cost in (report.energy_cost, report.base_cost) if cost is not None]
    per_area = report.kwh / report.area_m2 if report.area_m2 else 0.0
    found = [
        (text["energy"], f"{report.kwh:,.0f} kWh"),
        (text["perArea"], f"{per_area:,.2f} kWh/m²"),
        (text["energyCost"], money(report.energy_cost, report.currency)),
        (text["baseCost"], money(report.base_cost, report.currency)),
        (text["total"], money(sum(costs) if costs else None, report.currency)),
        (text["area"], f"{report.area_m2:,.0f} m²"),
        (text["covered"], f"{report.covered:.1%}"),
    ]
    if report.co2_kg is not None:
        source = f" ({escape(report.co2_source)})" if report.co2_source else ""
        found.append((text["co2"] + source, f"{report.co2_kg:,.0f} kg"))
    boxes = "".join(f"<div><span>{name}</span><b>{value}</b></div>" for name, value in found)
    long = (report.to_utc_s - report.from_utc_s) / 3600 >= SEASON_H
    return f"<div class=figures>{boxes}</div>" + (_plausible(report, text) if long else "")


def _plausible(report: Report, text: dict[str, str]) -> str:
    """The season by 100 m of road beside a published one: a figure ten times off is a wrong area or meter."""
    part = 100 * WIDTH_M / report.area_m2 if report.area_m2 else 0.0
    costs = [
        money(None if cost is None else cost * part, report.currency) for cost in (report.energy_cost, report.base_cost)
    ]
    ours = text["perHundred"].format(kwh=f"{report.kwh * part:,.0f}", energy=costs[0], base=costs[1])
    return f"<p class=sub>{text['published']}<br>{ours}</p>"


def _days(report: Report, text: dict[str, str]) -> str:
    rows = [
        Bar(
            day.day[5:], day.kwh, day.snow_mm or 0.0,
            f"{day.day}: {day.kwh:,.1f} kWh" + (f", {day.snow_mm:.1f} mm" if day.snow_mm else ""),
        )
        for day in report.days
    ]  # fmt: skip
    return bars(rows, text["days"], "kWh", text["snow"])


def _storms(report: Report, text: dict[str, str]) -> str:
    if not report.storms:
        return f"<p>{text['noWeather' if all(day.snow_mm is None for day in report.days) else 'noStorms']}</p>"
    heads = [text[name] for name in ("onset", "end", "hours", "water", "depth", "airMin", "rainFrom")]
    heads += ["kWh", escape(report.currency), text["peak"], f"{text['frozen']}, {text['ofTime']}"]
    rows = (_storm_cells(report, storm, text) for storm in report.storms)
    return f"{table(heads, rows, 2, 'many')}<p class=sub>{text['stormNote']}</p>"


def _storm_cells(report: Report, storm: StormRow, text: dict[str, str]) -> list[str]:
    depth = f"{storm.depth_cm:.1f}" + ("" if storm.depth_measured else f" ({text['estimated']})")
    return [
        local(report, storm.onset_utc_s), local(report, storm.end_utc_s)[5:],
        f"{(storm.end_utc_s - storm.onset_utc_s) / 3600:.0f}", f"{storm.water_mm:.1f}", depth, f"{storm.air_min_c:.1f}",
        "" if storm.rain_from_utc_s is None else local(report, storm.rain_from_utc_s)[11:],
        f"{storm.kwh:,.0f}", "" if storm.energy_cost is None else f"{storm.energy_cost:,.0f}", f"{storm.peak_kw:,.0f}",
        f"{storm.frozen_zone_h / storm.zone_h:.0%}" if storm.zone_h else "–",
    ]  # fmt: skip


def _served(report: Report, text: dict[str, str], language: str) -> str:
    """Minutes with snow or ice, and until roads were clear against the ordinance's limit; nothing without storms."""
    limits = {storm.served.limit_min for storm in report.storms if storm.served}
    if not limits:
        return ""
    names = {row.zone: (row.name_ko if language == "ko" else "") or row.name or row.zone for row in report.zones}
    heads = [text[name] for name in ("onset", "iceMin", "oldRule", "difference", "medianClear", "lastClear", "later")]
    rows, reasons = [], []
    for storm in report.storms:
        one = storm.served
        if one is None or one.ice_min is None:
            reasons.append(f"{local(report, storm.onset_utc_s)}: {one.why if one else text['unknown']}")
            continue
        better = one.energy_part is not None and one.ice_min <= (one.baseline_ice_min or 0.0)
        late = ", ".join(escape(names.get(zone, zone)) for zone in one.late)
        rows.append([
            local(report, storm.onset_utc_s), f"{one.ice_min:,.0f}", f"{one.baseline_ice_min or 0.0:,.0f}",
            f"{one.energy_part:+.0%}" if better else "–", _minutes(one.median_min, text),
            _minutes(one.longest_min, text),
            f"<span class=over>{len(one.late)}</span>: {late}" if one.late else "0",
        ])  # fmt: skip
    notes = [text["servedNote"].format(limit=max(limits)), *(escape(reason) for reason in reasons)]
    made = table(heads, rows) if rows else ""
    return section(text["served"], f"{made}<p class=sub>{'<br>'.join(notes)}</p>")


def _minutes(value: float | None, text: dict[str, str]) -> str:
    return text["notInADay"] if value is None else f"{value:.0f}"


def _feeders(report: Report, text: dict[str, str]) -> str:
    heads = [text[name] for name in ("feeder", "contract", "peak", "share", "when", "energyCost", "baseCost")]
    rows = []
    for one in report.feeders:
        over = one.peak_kw > one.contract_kw
        share = f"<span{' class=over' if over else ''}>{one.peak_kw / one.contract_kw:.0%}</span>"
        when = "" if one.peak_utc_s is None else local(report, one.peak_utc_s)
        costs = [money(cost, report.currency) for cost in (one.energy_cost, one.base_cost)]
        rows.append([escape(one.feeder), f"{one.contract_kw:,.0f}", f"{one.peak_kw:,.1f}", share, when, *costs])
    return table(heads, rows)


def _zones(report: Report, text: dict[str, str], language: str) -> str:
    heads = [text["zone"], "kWh", "kWh/m²", text["peak"], text["onHours"], escape(report.currency), text["surfaceMin"]]

    def name(row: ZoneRow) -> str:
        return escape(f"{row.zone} {(row.name_ko if language == 'ko' else '') or row.name}".strip())

    rows = [
        [
            name(row), f"{row.kwh:,.1f}", f"{row.kwh_m2:,.2f}", f"{row.peak_kw:,.1f}", f"{row.on_h:,.1f}",
            "" if row.energy_cost is None else f"{row.energy_cost:,.0f}",
            "" if row.surface_min_c is None else f"{row.surface_min_c:.1f}",
        ]
        for row in report.zones
    ]  # fmt: skip
    silent = [f"{name(row)} {1 - row.covered:.1%}" for row in report.zones if row.covered < 0.99]
    return table(heads, rows) + (f"<p class=sub>{text['gaps']} {', '.join(silent)}</p>" if silent else "")


def _overrides(report: Report, text: dict[str, str]) -> str:
    if not report.overrides:
        return f"<p>{text['noOverrides']}</p>"
    heads = [text[name] for name in ("mode", "reason", "role", "count")]
    said = {"on": text["modeOn"], "off": text["modeOff"], "boost": text["modeBoost"], "crew": text["roleCrew"],
            "engineer": text["roleEngineer"], "admin": text["roleAdmin"], "token": text["roleToken"],
            "": text["roleUnknown"]}  # fmt: skip
    rows = (
        [said[one.mode], escape(one.reason), escape(said.get(one.role, one.role)), str(one.count)]
        for one in report.overrides
    )
    return table(heads, rows, 3)
