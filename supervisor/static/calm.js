// @ts-check
// A quiet night in one sentence and a line: no road will freeze, or when the next one may.

import { get } from "./api.js";
import { celsius, clock, hour, near } from "./format.js";
import { html } from "./html.js";
import { current, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { reason } from "./words.js";
import { name, reasons } from "./zone.js";
import { useEffect, useState } from "./vendor/preact-hooks.mjs";

const EACH_MS = 600_000;
const AHEAD_S = 24 * 3600;
const [WIDE, HIGH, EDGE] = [320, 96, 10];
const TICKS = [0.25, 0.5, 0.75]; // of the day ahead

/** The road that is coldest now, and its day ahead. */
function useColdest(zones) {
  const heard = zones.filter((zone) => zone.online && zone.surface_c !== null);
  const coldest = heard.sort((a, b) => a.surface_c - b.surface_c)[0] ?? null;
  const [day, setDay] = useState(/** @type {any} */ (null));
  useEffect(() => {
    if (!coldest) return undefined;
    let wanted = true;
    const load = () => get(`/api/v1/zones/${encodeURIComponent(coldest.id)}/day`).then((found) => wanted && setDay(found), () => {});
    load();
    const timer = setInterval(load, EACH_MS);
    return () => ((wanted = false), clearInterval(timer));
  }, [coldest?.id]);
  return [coldest, day];
}

/** Planned surface of the day ahead; nothing where it is not known. */
function Line({ zone, day, now_s }) {
  const first = Math.max(0, Math.ceil((now_s - day.from_utc_s) / day.step_s));
  const values = day.planned_c.slice(first, first + AHEAD_S / day.step_s);
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return null;
  const [low, high] = [Math.min(0, ...known), Math.max(1, ...known)];
  const x = (n) => EDGE + ((WIDE - 2 * EDGE) * n) / (values.length - 1);
  const y = (value) => HIGH - EDGE - ((HIGH - 2 * EDGE) * (value - low)) / (high - low);
  const points = values.map((value, n) => (value === null ? "" : `${x(n).toFixed(1)},${y(value).toFixed(1)}`)).filter(Boolean).join(" ");
  const least = Math.min(...known);
  const words = t("calm.coldest", { road: name(zone, current()), degrees: celsius(least) });
  const ticks = [[0, t("calm.now")], ...TICKS.map((part) => [part, t("calm.hour", { h: hour(now_s + part * AHEAD_S) })])];
  return html`<figure class="calm-line">
    <svg viewBox=${`0 0 ${WIDE} ${HIGH}`} role="img" aria-label=${words}><path class="zero" d=${`M${EDGE} ${y(0)}H${WIDE - EDGE}`} /><polyline points=${points} /></svg>
    <p aria-hidden="true">${ticks.map(([part, word]) => html`<span style=${`left:${(100 * x(part * (values.length - 1))) / WIDE}%`}>${word}</span>`)}</p>
    <figcaption>${words}</figcaption>
  </figure>`;
}

export function Calm({ zones, now_s, onOpen }) {
  const [coldest, day] = useColdest(zones);
  const ahead = zones.flatMap((zone) => reasons(zone).filter((why) => why.hazard_utc_s > now_s && why.hazard_utc_s < now_s + AHEAD_S).map((why) => ({ zone, why })));
  const next = ahead.sort((a, b) => a.why.hazard_utc_s - b.why.hazard_utc_s)[0];
  const issued = zones.reduce((latest, zone) => Math.max(latest, zone.plan?.issued_utc_s ?? 0), 0);
  if (!issued) return null; // without a plan nobody can say so
  const concerned = new Set(ahead.map(({ zone }) => zone.id)).size;
  return html`<section class="calm-box" aria-labelledby="calm-title">
    <div class="calm"><span class="square large"><${Icon} name="circle" size=${40} /></span>
      <div><h2 id="calm-title">${t(next ? "calm.none-now" : "calm.none")}</h2><p>${t("calm.by", { time: near(issued, now_s) })}</p></div></div>
    ${day && coldest && html`<${Line} zone=${coldest} day=${day} now_s=${now_s} />`}
  </section>
  ${next && html`<button type="button" class="card fine calm-next" onClick=${() => onOpen(next.zone.id)}>
    <span class="square"><${Icon} name="plan" size=${26} /></span>
    <span><b>${t("calm.next", { time: near(next.why.hazard_utc_s, now_s) })}</b><p>${reason(next.why)}${concerned > 1 ? ` · ${t("calm.roads", { n: concerned })}` : ""}</p></span>
  </button>`}`;
}
