"""The report as one self-contained page."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from hil_tests.demo.plots import PLAN, REACTIVE, pictures
from hil_tests.demo.story import Measure, Story

_STYLE = f"""
body{{font:15px/1.5 system-ui,sans-serif;max-width:1180px;margin:2rem auto;padding:0 1rem;color:#1a1d21}}
h1{{font-size:1.6rem;margin:0 0 .2rem}} h2{{font-size:1.15rem;margin:2.2rem 0 .4rem}} .note{{color:#555;margin:.2rem 0}}
figure{{margin:0;overflow-x:auto}} svg{{width:100%;min-width:44rem;height:auto}} .wide{{overflow-x:auto}}
table{{border-collapse:collapse;margin:.6rem 0;font-variant-numeric:tabular-nums}}
th,td{{padding:.25rem .7rem;text-align:right;border-bottom:1px solid #e2e5e9;white-space:nowrap}}
th:first-child,td:first-child,.words th,.words td{{text-align:left}} thead th{{border-bottom:0;font-weight:600}}
tr.sub th{{border-bottom:1px solid #9aa1a9;font-weight:400}} tr.sum td{{font-weight:600;border-top:1px solid #9aa1a9}}
.plan{{color:{PLAN}}} .reactive{{color:{REACTIVE}}} .bad{{color:#b00020;font-weight:600}}
.cards{{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0}}
.card{{border:1px solid #e2e5e9;border-radius:.5rem;padding:.6rem 1rem;flex:1 1 16rem}}
.card b{{font-size:1.5rem;font-weight:600}} .card span{{color:#555}} .card small{{color:#555;display:block}}
"""
_INTRODUCTION = (
    "<p class=note><b class=plan>Plan</b>: the supervisor and the boards' firmware. <b class=reactive>Reactive</b>: "
    "the same roads under the same weather, heated at ≤2 °C and wet, with no limit to the load.</p>"
)
_SIDES = "<th class=plan>plan</th><th class=reactive>reactive</th>"


def _cells(row: Iterable[str]) -> str:
    return "".join(f"<td>{html.escape(cell)}</td>" for cell in row)


def _card(measure: Measure) -> str:
    return (
        f"<div class=card><span>{html.escape(measure.name)}</span><br><b class=plan>{measure.plan:,.0f}</b> "
        f"{html.escape(measure.change)}<small>reactive: {measure.reactive:,.0f}</small></div>"
    )


def _roads(story: Story) -> str:
    groups = "".join(f"<th colspan=2>{html.escape(group)}</th>" for group in story.groups())
    *roads, total = story.roads()
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in roads)
    return (
        f"<div class=wide><table><thead><tr><th>road</th>{groups}</tr><tr class=sub><th></th>{_SIDES * 3}</tr></thead>"
        f"{body}<tr class=sum>{_cells(total)}</tr></table></div>"
    )


def _feeders(story: Story) -> str:
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in story.feeders())
    return (
        "<div class=wide><table><thead><tr><th>feeder</th><th colspan=3>15-min mean, kW</th>"
        "<th colspan=3>any instant, kW</th></tr>"
        f"<tr class=sub><th></th><th>contract</th>{_SIDES}<th>breaker</th>{_SIDES}</tr></thead>{body}</table></div>"
    )


def _list(lines: Sequence[str], kind: str = "") -> str:
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<ul class='{kind}'>{items}</ul>" if items else ""


def _commands(story: Story) -> str:
    if not story.overrides:
        return ""
    rows = "".join(
        "<tr>"
        + _cells(
            (
                *(one.zone, one.mode.upper(), one.user),
                *(f"{story.local(at):%a %d %H:%M}" for at in (one.created_utc_s, one.expires_utc_s)),
                *(one.reason, one.state),
            )
        )
        + "</tr>"
        for one in story.overrides
    )
    names = ("road", "override", "by", "from", "expires", "reason", "state at the end")
    heads = "".join(f"<th>{name}</th>" for name in names)
    return (
        "<h2>What people did</h2><div class=wide><table class=words>"
        f"<thead><tr class=sub>{heads}</tr></thead>{rows}</table></div>"
    )


def write_html(story: Story, path: Path, *, with_pictures: bool = True) -> None:
    """Cards for the district, the roads, what people did, then the pictures, which need matplotlib.

    The file is written only when all is drawn: an earlier one stays where a picture fails.
    """
    sections = dict(pictures(story)) if with_pictures else {}
    drawn = "".join(f"<h2>{html.escape(name)}</h2><figure>{svg}</figure>" for name, svg in sections.items())
    path.write_text(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{html.escape(story.heading)}</title><style>{_STYLE}</style><h1>{html.escape(story.heading)}</h1>"
        f"<p class=note>{html.escape(story.period)}</p>{_INTRODUCTION}"
        f"<div class=cards>{''.join(map(_card, story.district()))}</div>{_list(story.violations, 'bad')}"
        f"<h2>The roads</h2>{_roads(story)}{_commands(story)}{drawn}"
        f"<h2>The feeders</h2>{_feeders(story)}<h2>How far to trust this</h2>{_list(story.facts())}</html>",
        encoding="utf-8",
    )
