// @ts-check
// The main screen: every zone, the most dangerous first.

import { age, celsius, clock, countdown, kilowatts, number } from "./format.js";
import { html } from "./html.js";
import { current, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { model } from "./model.js";
import { doingWords } from "./words.js";
import { FILTERS, commanded, heating, kind, name, pulsing, sorted, troubled, unhelped } from "./zone.js";
import { useEffect, useRef, useState } from "./vendor/preact-hooks.mjs";

const HOLD_MS = 2_500; // after a touch the order stands still, so that no card slips from under a thumb

/** The state as colour, icon and word together. */
export function StateTile({ zone }) {
  const word = kind(zone) === "unknown" ? "unknown" : zone.state ?? "unknown";
  return html`<span class=${`tile ${kind(zone)}`}>
    <${Icon} name=${kind(zone)} size=${30} />
    <span class="tile-word">${t(`state.${word}`)}</span>
  </span>`;
}

/** The running command: mode and what is left of it. */
export function OverrideChip({ override, now_s }) {
  return html`<span class="chip override">
    <${Icon} name=${override.mode} size=${18} />
    <b>${t(`mode.${override.mode}`)}</b>
    <span class="time">${countdown(override.expires_utc_s - now_s)}</span>
    ${override.failed_step ? html`<span class="step failed">${t("step.failed")}</span>` : override.state !== "measured" && html`<span class="step">${t(`step.${override.state}`)}</span>`}
    ${!override.recorded && html`<span class="step failed">${t("override.not-recorded")}</span>`}
  </span>`;
}

/** Power now; between two pulses, how much of the time it heats; without contact, the time of the last one. */
function Heat({ zone, now_s }) {
  if (!zone.online) {
    const words = zone.updated_utc_s ? t("card.last-heard", { time: clock(zone.updated_utc_s), age: age(now_s - zone.updated_utc_s) }) : t("card.never-heard");
    return html`<span class="fact"><${Icon} name="clock" size=${18} /> ${words}</span>`;
  }
  const hot = heating(zone);
  const part = pulsing(zone);
  const words = hot ? t("card.heating", { kw: kilowatts(zone.power_w) }) : part ? t("card.pulsing", { percent: number(part, 0) }) : t("card.not-heating");
  return html`<span class=${hot || part ? "fact hot" : "fact"}><${Icon} name=${hot || part ? "heating" : "idle"} size=${18} /> ${words}</span>`;
}

function Card({ zone, now_s, onOpen }) {
  const [does, next] = doingWords(zone, now_s);
  return html`<li>
    <button type="button" class=${`card ${kind(zone)} ${zone.online ? "" : "offline"} ${unhelped(zone) && kind(zone) !== "dry" ? "unhelped" : ""}`} onClick=${() => onOpen(zone.id)} data-zone=${zone.id}>
      <${StateTile} zone=${zone} />
      <span class="body">
        <span class="head">
          <span class="name">${name(zone, current())}</span>
          ${zone.surface_c === null
            ? html`<span class="no-degrees">${t("card.no-temperature")}</span>`
            : html`<span class="degrees">${celsius(zone.surface_c)}<span class="hidden">${t("unit.celsius")}</span></span>`}
        </span>
        <span class="facts">
          ${!zone.blocked && html`<${Heat} zone=${zone} now_s=${now_s} />`}
          ${(zone.snow_mm ?? 0) >= 0.1 && html`<span class="fact">${t(zone.online ? "card.lying" : "card.lying-estimated", { mm: number(zone.snow_mm) })}</span>`}
        </span>
        ${commanded(zone, now_s) && html`<${OverrideChip} override=${zone.override} now_s=${now_s} />`}
        <span class=${troubled(zone) || unhelped(zone) ? "does bad" : "does"}>
          ${(troubled(zone) || unhelped(zone)) && html`<${Icon} name=${zone.dangers.length ? "bolt" : zone.online ? "trouble" : "offline"} size=${18} />`}
          <span>${does}${next && html`<span class="next">${next}</span>`}</span>
        </span>
      </span>
    </button>
  </li>`;
}

/** Order by danger, but never while the screen is touched. */
function useSteadyOrder(zones) {
  const touched = useRef(0);
  const held = useRef([]);
  useEffect(() => {
    const note = () => (touched.current = performance.now());
    addEventListener("pointerdown", note, { passive: true });
    addEventListener("scroll", note, { passive: true });
    return () => {
      removeEventListener("pointerdown", note);
      removeEventListener("scroll", note);
    };
  }, []);
  const fresh = sorted(zones, current());
  const quiet = performance.now() - touched.current > HOLD_MS;
  if (quiet || held.current.length !== fresh.length) held.current = fresh.map((zone) => zone.id);
  const at = new Map(held.current.map((id, index) => [id, index]));
  return fresh.sort((a, b) => at.get(a.id) - at.get(b.id));
}

export function ZoneList({ onOpen }) {
  const [filter, setFilter] = useState("all");
  const now_s = model.clock.now_s();
  const zones = useSteadyOrder([...model.zones.values()]);
  const count = (word) => zones.filter((zone) => FILTERS[word](zone, now_s)).length;
  const shown = zones.filter((zone) => FILTERS[filter](zone, now_s));
  const total_w = zones.reduce((sum, zone) => sum + (zone.online ? zone.power_w ?? 0 : 0), 0);
  return html`<main>
    <div class="filters" role="group" aria-label=${t("filter.label")}>
      ${Object.keys(FILTERS).map(
        (word) => html`<button type="button" class=${`filter ${word} ${count(word) ? "some" : ""}`} aria-pressed=${filter === word} onClick=${() => setFilter(word)}>
          ${t(`filter.${word}`)} <b>${count(word)}</b>
        </button>`,
      )}
    </div>
    <p class="total">${t("list.total", { kw: kilowatts(total_w) })}</p>
    <ul class="cards" aria-label=${t("list.label")}>
      ${shown.map((zone) => html`<${Card} key=${zone.id} zone=${zone} now_s=${now_s} onOpen=${onOpen} />`)}
    </ul>
    ${!shown.length && html`<p class="none">${model.zones.size ? t("list.none") : t("list.waiting")}</p>`}
  </main>`;
}
