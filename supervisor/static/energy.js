// @ts-check
// Energy and cost of a winter: by storm, month, road and supply; what it bought, beside the rule of today's cabinets.

import { attempt } from "./attempt.js";
import { get } from "./api.js";
import { save } from "./csv.js";
import { Months, Storm, Top } from "./energy_charts.js";
import { TABLES } from "./energy_tables.js";
import { monthName, number, percent, sum } from "./format.js";
import { html } from "./html.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.js";
import { useModal } from "./modal.js";
import { model } from "./model.js";
import { Notice } from "./status.js";
import { useEffect, useState } from "./vendor/preact-hooks.mjs";

const AGAIN_MS = 3_000; // while storms are still being replayed
const VIEWS = /** @type {const} */ (["storms", "months", "roads", "supplies"]);

/** Its styles, which the start does not need. */
export const ready = new Promise((done, failed) => {
  const link = document.createElement("link");
  Object.assign(link, { rel: "stylesheet", href: "/static/energy.css", onload: done, onerror: failed });
  document.head.append(link);
});

/** The season, asked for again until all of its storms are known. */
function useSeason(season) {
  const [found, setFound] = useState(/** @type {any} */ (null));
  useEffect(() => {
    let wanted = true;
    let timer = 0;
    const load = async () => {
      const answer = await attempt(() => get(`/api/v1/energy${season ? `?season=${season}` : ""}`), "notice.not-loaded");
      if (!wanted || !answer) return;
      setFound(answer);
      if (answer.working) timer = window.setTimeout(load, AGAIN_MS);
    };
    load();
    return () => ((wanted = false), clearTimeout(timer));
  }, [season]);
  return found;
}

function Figure({ label, value, unit, tone = "", children }) {
  return html`<div><dt>${label}</dt><dd class=${tone}>${value} <small>${unit}</small></dd><dd class="below">${children}</dd></div>`;
}

/** Means over the storms that are known, each road and storm counting once. */
function served(found) {
  const known = found.served.filter((one) => one.ice_min !== null);
  if (!known.length) return null;
  const mean = (key) => known.reduce((total, one) => total + one[key], 0) / known.length;
  const compared = known.filter((one) => one.energy_part !== null);
  const kwh = new Map(found.energy.storms.map((storm) => [storm.onset_utc_s, storm.spent.kwh]));
  const baseline = (one) => kwh.get(one.onset_utc_s) / (1 + one.energy_part);
  const theirs = compared.reduce((total, one) => total + baseline(one), 0);
  const ours = compared.reduce((total, one) => total + kwh.get(one.onset_utc_s), 0);
  return { ice_min: mean("ice_min"), baseline_ice_min: mean("baseline_ice_min"), part: theirs > 0 ? ours / theirs - 1 : null };
}

function Figures({ found }) {
  const { energy } = found;
  const { total, currency } = energy;
  const ice = served(found);
  const cost = total.energy_cost === null ? null : total.energy_cost + (energy.base_cost ?? 0);
  const newest = energy.months.at(-1);
  const billed = newest?.billed_kw ?? 0;
  const better = ice && ice.ice_min <= ice.baseline_ice_min;
  return html`<dl class="energy-figures">
    <${Figure} label=${t("energy.winter")} value=${number(total.kwh / 1000, 1)} unit="MWh">${cost === null ? t("energy.no-cost") : t("energy.with-base", { cost: sum(cost, currency) })}<//>
    <${Figure} label=${t("energy.ice")} value=${ice ? number(ice.ice_min, 0) : "–"} unit=${t("energy.ice-unit")} tone=${better ? "good" : ""}>${ice ? t("energy.ice-rule", { n: number(ice.baseline_ice_min, 0) }) : found.working ? t("energy.working") : t("energy.not-known")}<//>
    <${Figure} label=${t("energy.against")} value=${ice && better && ice.part !== null ? number(100 * ice.part, 1) : "–"} unit=${ice && better && ice.part !== null ? "%" : ""} tone=${ice && better && ice.part !== null && ice.part <= 0 ? "good" : ""}>${t("energy.rule")}<//>
    <${Figure} label=${t("energy.billed", { month: newest ? monthName(newest.month) : "" })} value=${number(billed, 0)} unit="kW" tone=${billed > energy.contract_kw ? "caution" : ""}>${t("energy.contract", { kw: number(energy.contract_kw, 0), base: sum(newest?.base_cost ?? null, currency) })}<//>
    <${Figure} label=${t("energy.area")} value=${number(energy.area_m2 ? total.kwh / energy.area_m2 : null, 1)} unit="kWh">${t("energy.roads", { n: model.zones.size, area: number(energy.area_m2, 0) })}<//>
    <${Figure} label=${t("energy.heated")} value=${number(total.heated_h, 0)} unit=${t("energy.hours")}>${t("energy.by-hand", { part: percent(total.kwh ? total.by_hand_kwh / total.kwh : 0) })}<//>
  </dl>`;
}

export function EnergyPage({ onClose }) {
  const dialog = useModal();
  const [season, setSeason] = useState("");
  const [view, setView] = useState(/** @type {typeof VIEWS[number]} */ ("storms"));
  const [storm, setStorm] = useState(0);
  const found = useSeason(season);
  const energy = found?.energy;
  const onset = energy?.storms.some((one) => one.onset_utc_s === storm) ? storm : energy?.storms[0]?.onset_utc_s;
  const { Table, csv } = TABLES[view];
  const seasons = energy ? [...new Set([energy.season, ...energy.seasons])].sort().reverse() : [];
  return html`<dialog ref=${dialog} class="panel energy" aria-labelledby="energy-title" onCancel=${(event) => (event.preventDefault(), onClose())}>
    <header>
      <button type="button" class="round" onClick=${onClose} aria-label=${t("panel.back")}><${Icon} name="back" /></button>
      <h2 id="energy-title">${t("energy.title")}</h2>
      ${energy && html`<label class="energy-season"><span class="hidden">${t("energy.season")}</span><select value=${energy.season} onChange=${(event) => setSeason(event.target.value)}>${seasons.map((each) => html`<option value=${each}>${t("energy.season-name", { season: each.replace("-", "–") })}</option>`)}</select></label>`}
      ${energy && html`<button type="button" class="big small csv" onClick=${() => save(csv(found), `roadheat-energy-${energy.season}-${view}.csv`)}>CSV</button>`}
    </header>
    <div class="panel-body">
      ${!found ? html`<p class="hint">${t("people.loading")}</p>` : html`
        ${energy.notes.length > 0 && html`<p class="warn" lang="en">${energy.notes.join("; ")}</p>`}
        <${Figures} found=${found} />
        <section class="energy-rows" aria-labelledby="energy-view">
          <div class="energy-chips" role="group" aria-label=${t("energy.view")}>${VIEWS.map((each) => html`<button type="button" class=${`energy-chip view-${each}`} aria-pressed=${String(view === each)} onClick=${() => setView(each)}>${view === each && html`<${Icon} name="check" size=${18} />`}${t(`energy.view.${each}`)}</button>`)}</div>
          <h3 id="energy-view" class="hidden">${t(`energy.view.${view}`)}</h3>
          <p class="hint">${t(`energy.hint.${view}`)}</p>
          <${Table} found=${found} chosen=${onset} onChoose=${setStorm} />
        </section>
        <div class="energy-charts">
          ${onset && html`<${Storm} key=${onset} onset=${onset} energy=${energy} served=${found.served.find((one) => one.onset_utc_s === onset)} />`}
          <${Months} energy=${energy} />
          <${Top} energy=${energy} />
        </div>
        <p class="hint">${t("energy.before-tax")}</p>`}
    </div>
    <${Notice} />
  </dialog>`;
}
