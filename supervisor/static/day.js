// @ts-check
// A road's day before and after now: the chart, what is under the finger in words, and the same as a table.

import { get } from "./api.js";
import { celsius, clock, kilowatts, near, number } from "./format.js";
import { html } from "./html.js";
import { has, t } from "./i18n.js";
import { model } from "./model.js";
import { useEffect, useRef, useState } from "./vendor/preact-hooks.mjs";

const EACH_MS = 60_000;
const FALLS_MM_H = 0.05; // less is not shown
const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -4, PageDown: 4 };

/** The day of a road, fetched when its page opens, every minute, and with a newer plan. */
function useDay(zone) {
  const [day, setDay] = useState(null);
  useEffect(() => {
    let wanted = true;
    const load = () =>
      get(`/api/v1/zones/${encodeURIComponent(zone.id)}/day`)
        .then((found) => wanted && setDay(found))
        .catch(() => {}); // what is shown stays; the head says how old it is
    load();
    const timer = setInterval(load, EACH_MS);
    return () => ((wanted = false), clearInterval(timer));
  }, [zone.id, zone.plan?.issued_utc_s]);
  return day;
}

/** What people and faults did at a time: "집중 가동 · Kim". */
function happened(day, from_s, until_s) {
  const during = day.bars.filter((bar) => bar.from_utc_s < until_s && (bar.until_utc_s ?? day.now_utc_s) >= from_s);
  return during.map((bar) => {
    if (bar.kind === "command") return `${t(`mode.${bar.word}`)} · ${bar.user}`;
    if (bar.kind === "work") return `${t(`work.button.${bar.word}`)} · ${bar.user}`;
    return has(`alarm.${bar.word}`) ? t(`alarm.${bar.word}`).split("|")[0] : bar.text;
  });
}

/** Precipitation in words, or nothing. */
function falls(rain, snow) {
  const total = (rain ?? 0) + (snow ?? 0);
  if (total < FALLS_MM_H) return "";
  return t((snow ?? 0) >= total / 2 ? "day.snow" : "day.rain", { mm: number(total) });
}

/** One quarter of an hour as a line. */
function line(day, index) {
  const at = day.from_utc_s + index * day.step_s;
  const measured = day.surface_c[index];
  const degrees = measured ?? day.planned_c[index];
  return [
    near(at, day.now_utc_s),
    degrees === null ? t("day.unknown") : t(measured === null ? "day.planned" : "day.measured", { degrees: celsius(degrees) }),
    day.unheated_c[index] !== null && t("day.unheated", { degrees: celsius(day.unheated_c[index]) }),
    day.power_w[index] !== null && `${kilowatts(day.power_w[index])} kW`,
    falls(day.rain_mm_h[index], day.snow_mm_h[index]),
    ...happened(day, at, at + day.step_s),
  ].filter(Boolean).join(" · ");
}

const mean = (values) => {
  const found = values.filter((value) => value !== null);
  return found.length ? found.reduce((sum, value) => sum + value, 0) / found.length : null;
};

/** The same by the hour, for keyboard and screen reader. */
function Table({ day }) {
  const each = 3600 / day.step_s;
  const first = (each - (Math.round(day.from_utc_s / day.step_s) % each)) % each; // whole hours
  const rows = [];
  for (let index = first; index + each <= day.surface_c.length; index += each) {
    const at = day.from_utc_s + index * day.step_s;
    const of = (name) => mean(day[name].slice(index, index + each));
    const [low, high] = [of("low_c"), of("high_c")];
    rows.push(html`<tr key=${at}>
      <th scope="row">${near(at, day.now_utc_s)}</th>
      <td>${celsius(of("surface_c") ?? of("planned_c"))}</td>
      <td>${low === null ? "" : `${celsius(low)} … ${celsius(high)}`}</td>
      <td>${of("unheated_c") === null ? "" : celsius(of("unheated_c"))}</td>
      <td>${kilowatts(of("power_w"))}</td>
      <td>${falls(of("rain_mm_h"), of("snow_mm_h"))}</td>
      <td>${happened(day, at, at + 3600).join(", ")}</td>
    </tr>`);
  }
  const heads = ["time", "surface", "band", "unheated", "power", "falls", "events"];
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${t("day.table")}><table>
    <thead><tr>${heads.map((word) => html`<th scope="col" key=${word}>${t(`day.head.${word}`)}</th>`)}</tr></thead>
    <tbody>${rows}</tbody>
  </table></div>`;
}

const KEY_WORDS = ["surface", "band", "unheated", "falls", "power", "command", "alarm"];

export function Day({ zone }) {
  const day = useDay(zone);
  const box = useRef(null);
  const chart = useRef(/** @type {{ show(index: number): void, end(): void } | null} */ (null));
  const [at, setAt] = useState(/** @type {number | null} */ (null));
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (!day) return;
    let wanted = true;
    import("./chart.js")
      .then(({ draw }) => {
        if (wanted && box.current) chart.current = draw(box.current, day, setAt);
      })
      .catch(() => setOpen(true)); // no signal for the library: the table says the same
    return () => {
      wanted = false;
      chart.current?.end();
      chart.current = null;
    };
  }, [day, model.link === "live"]);
  if (!day) return html`<section class="day"><h3>${t("day.title")}</h3><p class="hint">${t("people.loading")}</p></section>`;
  const now = Math.min(Math.floor((day.now_utc_s - day.from_utc_s) / day.step_s), day.surface_c.length - 1);
  const move = (event) => {
    const index = event.key === "Home" ? 0 : event.key === "End" ? day.surface_c.length - 1 : event.key in KEYS ? (at ?? now) + KEYS[event.key] : null;
    if (index === null) return;
    event.preventDefault();
    chart.current?.show(Math.min(Math.max(index, 0), day.surface_c.length - 1));
  };
  return html`<section class="day" aria-labelledby="day-title">
    <h3 id="day-title">${t("day.title")} <small>${day.unheated_c[now] !== null && t("day.unheated-now", { degrees: celsius(day.unheated_c[now + 1] ?? day.unheated_c[now]) })}</small></h3>
    <p class="read-out" aria-live="polite">${line(day, at ?? now)}</p>
    <div class="chart" ref=${box} tabindex="0" role="application" aria-roledescription=${t("day.chart")} aria-label=${t("day.chart-label", { from: clock(day.from_utc_s) })} onKeyDown=${move}></div>
    <p class="keys">${KEY_WORDS.map((word) => html`<span class=${`day-key key-${word}`} key=${word}>${t(`day.key.${word}`)}</span>`)}</p>
    <details open=${open} onToggle=${(event) => setOpen(event.currentTarget.open)}><summary>${t("day.table")}</summary>${open && html`<${Table} day=${day} />`}</details>
  </section>`;
}
