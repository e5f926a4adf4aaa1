"""A storm's part of a report: what was forecast, planned and done, what it cost, and how roads were served."""

from __future__ import annotations

from html import escape

from supervisor.domain.plan import SLOT_S
from supervisor.reports.data import Report, StormRow
from supervisor.reports.html import local, money, section, table
from supervisor.reports.served import Served
from supervisor.reports.storm import StormCourse
from supervisor.reports.svg import Bar, bars

HOUR_SLOTS = 3600 // SLOT_S


def storm_section(report: Report, course: StormCourse, text: dict[str, str]) -> str:
    """The drawing by hours and a line each, on a page of its own where it is printed."""
    storm = next(one for one in report.storms if one.onset_utc_s == course.onset_utc_s)
    title = text["course"].format(time=local(report, course.onset_utc_s))
    content = bars(_hours(report, course, text), text["hourly"], "kWh", text["snow"]) + _lines(
        report, course, storm, text
    )
    return section(title, content).replace("<section>", "<section class=storm>", 1)


def _hours(report: Report, course: StormCourse, text: dict[str, str]) -> list[Bar]:
    rows = []
    for first in range(0, len(course.kw), HOUR_SLOTS):
        part = slice(first, first + HOUR_SLOTS)
        kwh, snow_mm = (sum(values[part]) / HOUR_SLOTS for values in (course.kw, course.snow_mm_h))
        planned = [kw for kw in course.planned_kw[part] if kw is not None]
        at = local(report, course.from_utc_s + first * SLOT_S)
        said = f"{at}: {kwh:,.1f} kWh" + (f", {snow_mm:.1f} mm" if snow_mm else "")
        plan_kwh = sum(planned) / HOUR_SLOTS if len(planned) == HOUR_SLOTS else None
        rows.append(Bar(at[11:], kwh, snow_mm, said, plan_kwh))
    return rows


def _lines(report: Report, course: StormCourse, storm: StormRow, text: dict[str, str]) -> str:
    said = []
    if course.hazard_utc_s is not None:
        part = "" if course.probability is None else f" ({course.probability:.0%})"
        said.append(text["foreseen"].format(time=local(report, course.hazard_utc_s)) + part)
    if course.stages:
        most = max(course.stages, key=lambda one: one.depth_cm)
        said.append(text["foreseenDepth"].format(cm=f"{most.depth_cm:.1f}", time=local(report, most.utc_s)))
    planned = text["unknown"] if course.planned_kwh is None else f"{course.planned_kwh:,.0f} kWh"
    began, ended = local(report, storm.onset_utc_s), local(report, storm.end_utc_s)
    rows = [
        [text["forecast"], " · ".join(escape(one) for one in said) or text["unknown"]],
        [text["was"], f"{began} – {ended}, {storm.depth_cm:.1f} cm, {storm.water_mm:.1f} mm"],
        [text["planned"], planned],
        [text["done"], f"{course.kwh:,.0f} kWh, {storm.peak_kw:,.0f} / {course.contract_kw:,.0f} kW"],
        [text["cost"], money(storm.energy_cost, report.currency)],
        [text["served"], _served(storm.served, text)],
    ]
    return table(("", ""), rows, 2) + f"<p class=sub>{text['plannedNote']}</p>"


def _served(served: Served | None, text: dict[str, str]) -> str:
    if served is None or served.ice_min is None:
        return escape(served.why) if served and served.why else text["unknown"]
    clear = text["notInADay"] if served.longest_min is None else text["minutes"].format(n=f"{served.longest_min:.0f}")
    said = text["servedLine"].format(
        ice=f"{served.ice_min:,.0f}", old=f"{served.baseline_ice_min or 0.0:,.0f}", clear=clear, limit=served.limit_min
    )
    return f"<span class=over>{said}</span>" if served.late else said
