// @ts-check
// The energy page's drawings: a storm by quarters of an hour, months with their base charge, roads by area.

import { attempt } from "./attempt.js";
import { get } from "./api.js";
import { roadName, stormName } from "./energy_tables.js";
import { clock, dayClock, hour, monthName, number, percent, sum } from "./format.js";
import { html } from "./html.js";
import { t } from "./i18n.js";
import { useEffect, useState } from "./vendor/preact-hooks.mjs";

const [WIDE, HIGH, LEFT, TOP, FOOT] = [900, 290, 52, 28, 262];
const TOPS = 6; // roads of the short list
const STEPS = [1, 2, 2.5, 5, 10];

/** A round number not below `value`: the axis's end. */
function roof(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return power * (STEPS.find((step) => step * power >= value) ?? 10);
}

/** Stretches of one price: [price, first slot, past the last]. */
function bands(price) {
  const starts = price.flatMap((one, n) => (n && one === price[n - 1] ? [] : [n]));
  return starts.map((first, n) => [price[first], first, starts[n + 1] ?? price.length]);
}

function Prices({ course, x }) {
  if (!course.price) return null;
  const all = [...new Set(course.price)].sort((a, b) => a - b);
  const tone = (price) => `price-${all.length < 2 ? 0 : Math.round((2 * all.indexOf(price)) / (all.length - 1))}`;
  return bands(course.price).map(([price, first, past]) => {
    const wide = x(past) - x(first);
    return html`<g><rect class=${tone(price)} x=${x(first) + 1} y="2" width=${Math.max(1, wide - 2)} height="18" rx="3" />
      ${wide > 64 && html`<text class="mark price" x=${x(first) + wide / 2} y="15" text-anchor="middle">${number(price, 0)} ${course.currency === "KRW" ? t("energy.won") : course.currency}</text>`}</g>`;
  });
}

function Plot({ course, name }) {
  const top = roof(Math.max(...course.kw, ...course.planned_kw.map((kw) => kw ?? 0), 1));
  const n = course.kw.length;
  const x = (slot) => LEFT + ((WIDE - LEFT - 8) * slot) / n;
  const y = (kw) => FOOT - ((FOOT - TOP - 18) * Math.min(kw, top)) / top;
  const area = course.kw.map((kw, slot) => `V${y(kw).toFixed(0)}H${x(slot + 1).toFixed(1)}`).join("");
  let pen = "M";
  const planned = course.planned_kw.map((kw, slot) => {
    if (kw === null) return (pen = "M"), "";
    const part = `${pen}${x(slot).toFixed(1)} ${y(kw).toFixed(0)}L${x(slot + 1).toFixed(1)} ${y(kw).toFixed(0)}`;
    pen = "L";
    return part;
  }).join("");
  const snow = Math.max(...course.snow_mm_h, 0.1);
  const every = n > 240 ? 12 : 6;
  const ticks = course.kw.map((_, slot) => [slot, course.from_utc_s + slot * course.step_s]).filter(([, at]) => at % 3600 === 0 && hour(at) % every === 0);
  return html`<svg class="energy-plot" viewBox=${`0 0 ${WIDE} ${HIGH}`} role="img" aria-label=${t("energy.plot", { storm: name, kwh: number(course.kwh, 0), top: number(Math.max(...course.kw), 0) })}>
    <${Prices} course=${course} x=${x} />
    ${[0, top / 2, top].map((kw) => html`<path class="grid" d=${`M${LEFT} ${y(kw)}H${WIDE - 8}`} /><text x=${LEFT - 8} y=${y(kw) + 4} text-anchor="end">${number(kw, 0)}</text>`)}
    <path class="done" d=${`M${LEFT} ${FOOT}${area}V${FOOT}Z`} />
    ${course.snow_mm_h.map((mm, slot) => mm > 0 && html`<rect class="snow" x=${x(slot)} y=${TOP - 4} width=${x(1) - x(0) + 0.4} height=${(34 * mm) / snow} />`)}
    <path class="planned" d=${planned} />
    ${course.contract_kw <= top && html`<path class="contract" d=${`M${LEFT} ${y(course.contract_kw)}H${WIDE - 8}`} /><text class="mark" x=${WIDE - 10} y=${y(course.contract_kw) - 6} text-anchor="end">${t("energy.contract-line", { kw: number(course.contract_kw, 0) })}</text>`}
    ${ticks.map(([slot, at]) => html`<text class=${hour(at) ? "" : "mark"} x=${x(slot)} y=${FOOT + 20} text-anchor="middle">${String(hour(at)).padStart(2, "0")}</text>`)}
  </svg>`;
}

/** The same by hours, for those who read it. */
function Hours({ course }) {
  const per = 3600 / course.step_s;
  const mean = (list, from) => {
    const known = list.slice(from, from + per).filter((one) => one !== null);
    return known.length ? known.reduce((total, one) => total + one, 0) / known.length : null;
  };
  const starts = course.kw.map((_, slot) => slot).filter((slot) => slot % per === 0);
  return html`<details><summary>${t("day.table")}</summary><div class="energy-scroll" tabindex="0"><table class="energy-table">
    <thead><tr>${["time", "done", "planned", "snow"].map((head) => html`<th scope="col">${t(`energy.head.${head}`)}</th>`)}</tr></thead>
    <tbody>${starts.map((slot) => html`<tr><th scope="row">${dayClock(course.from_utc_s + slot * course.step_s)}</th><td>${number(mean(course.kw, slot), 0)}</td><td>${number(mean(course.planned_kw, slot), 0)}</td><td>${number(mean(course.snow_mm_h, slot), 1)}</td></tr>`)}</tbody>
  </table></div></details>`;
}

/** Forecast, planned, done, cost, served: each a line. */
function Account({ course, storm, served, currency }) {
  const highest = course.stages.reduce((most, one) => (!most || one.depth_cm > most.depth_cm ? one : most), /** @type {any} */ (null));
  const forecast = [
    course.hazard_utc_s !== null && t("energy.foreseen", { time: dayClock(course.hazard_utc_s), part: percent(course.probability) }),
    highest && t("energy.foreseen-depth", { cm: number(highest.depth_cm, 1), stage: t(`stage.${highest.stage}`), time: dayClock(highest.utc_s) }),
  ].filter(Boolean);
  const clear = served && (served.median_min !== null || served.longest_min !== null || served.ice_min !== null);
  return html`<dl class="energy-account">
    <dt>${t("energy.account.forecast")}</dt><dd>${forecast.length ? forecast.join(" · ") : t("energy.not-known")}</dd>
    <dt>${t("energy.account.was")}</dt><dd>${t("energy.was", { from: dayClock(storm.onset_utc_s), to: clock(storm.end_utc_s), cm: number(storm.depth_cm, 1), mm: number(storm.water_mm, 1) })}</dd>
    <dt>${t("energy.account.planned")}</dt><dd>${course.planned_kwh === null ? t("energy.not-known") : t("energy.planned", { kwh: number(course.planned_kwh, 0) })}</dd>
    <dt>${t("energy.account.done")}</dt><dd>${number(course.kwh, 0)} kWh · ${sum(storm.spent.energy_cost, currency)}</dd>
    <dt>${t("energy.account.clear")}</dt><dd class=${served?.late.length ? "caution" : ""}>${!clear ? served?.why || t("energy.not-known") : t("energy.clear", {
      last: served.longest_min === null ? t("energy.not-in-a-day") : t("energy.minutes", { n: number(served.longest_min, 0) }), limit: served.limit_min, late: served.late.length })}${served?.late.length > 0 && ` (${served.late.map(roadName).join(", ")})`}</dd>
  </dl>`;
}

export function Storm({ onset, energy, served }) {
  const [course, setCourse] = useState(/** @type {any} */ (null));
  useEffect(() => {
    let wanted = true;
    attempt(() => get(`/api/v1/energy/storms/${onset}`).then((found) => wanted && setCourse(found)));
    return () => (wanted = false);
  }, [onset]);
  const storm = energy.storms.find((one) => one.onset_utc_s === onset);
  return html`<section class="energy-card energy-storm" aria-labelledby="energy-storm">
    <h3 id="energy-storm">${stormName(storm)} <small>${t("energy.storm-key")}</small></h3>
    ${course ? html`<${Plot} course=${course} name=${stormName(storm)} /><${Account} course=${course} storm=${storm} served=${served} currency=${energy.currency} /><${Hours} course=${course} />` : html`<p class="hint">${t("people.loading")}</p>`}
  </section>`;
}

/** Energy filled, base charge above it dashed. */
export function Months({ energy }) {
  const months = energy.months.slice(-7);
  if (!energy.currency || !months.length) return null;
  const both = (month) => (month.spent.energy_cost ?? 0) + (month.base_cost ?? 0);
  const top = roof(Math.max(...months.map(both), 1));
  const [wide, left, foot] = [436, 70, 250];
  const y = (cost) => foot - ((foot - 34) * cost) / top;
  const step = (wide - left) / months.length;
  const bar = Math.min(64, step * 0.62);
  const said = months.map((month) => `${monthName(month.month)} ${sum(both(month), energy.currency)}`).join(", ");
  return html`<section class="energy-card energy-months" aria-labelledby="energy-months">
    <h3 id="energy-months">${t("energy.months")} <small>${t("energy.months-key")}</small></h3>
    <svg class="energy-plot" viewBox="0 0 436 290" role="img" aria-label=${said}>
      ${[0, top / 2, top].map((cost) => html`<path class="grid" d=${`M${left} ${y(cost)}H${wide}`} /><text x=${left - 8} y=${y(cost) + 4} text-anchor="end">${cost ? sum(cost, energy.currency) : "0"}</text>`)}
      ${months.map((month, n) => {
        const x = left + step * n + (step - bar) / 2;
        const used = month.spent.energy_cost ?? 0;
        return html`<rect class="done" x=${x} y=${y(used)} width=${bar} height=${foot - y(used)} />
          ${month.base_cost > 0 && html`<rect class="base" x=${x + 1} y=${y(both(month))} width=${bar - 2} height=${y(used) - y(both(month))} />`}
          <text class="mark" x=${x + bar / 2} y=${y(both(month)) - 8} text-anchor="middle">${sum(both(month), energy.currency)}</text>
          <text class="mark" x=${x + bar / 2} y=${foot + 24} text-anchor="middle">${monthName(month.month)}</text>`;
      })}
    </svg>
  </section>`;
}

export function Top({ energy }) {
  const zones = energy.zones.filter((zone) => zone.kwh_m2 > 0).slice(0, TOPS);
  if (!zones.length) return null;
  return html`<section class="energy-card energy-top" aria-labelledby="energy-top">
    <h3 id="energy-top">${t("energy.top")} <small>kWh/m²</small></h3>
    <ul>${zones.map((zone) => html`<li><span>${roadName(zone.zone)}</span><b>${number(zone.kwh_m2, 1)}</b>
      <svg class="energy-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="ground" width="100" height="8" /><rect width=${(100 * zone.kwh_m2) / zones[0].kwh_m2} height="8" /></svg></li>`)}</ul>
  </section>`;
}
