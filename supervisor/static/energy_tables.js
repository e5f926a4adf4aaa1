// @ts-check
// The energy page's tables, each with the same as rows of a CSV file. Narrow screens show a row as a block.

import { dayClock, money, monthDay, monthName, near, number, percent } from "./format.js";
import { html } from "./html.js";
import { current, t } from "./i18n.js";
import { model } from "./model.js";
import { name } from "./zone.js";

const COVERED_LOW = 0.98; // below, the energy of a gap may be in another storm's row

export const roadName = (id) => (model.zones.has(id) ? name(model.zones.get(id), current()) : id);

/** "12/24", "12/24–25", "11/30–12/1". */
export function stormName(storm) {
  const [[month, day], [last_month, last_day]] = [monthDay(storm.onset_utc_s), monthDay(storm.end_utc_s)];
  if (month !== last_month) return `${month}/${day}–${last_month}/${last_day}`;
  return day === last_day ? `${month}/${day}` : `${month}/${day}–${last_day}`;
}

const hoursOf = (storm) => (storm.end_utc_s - storm.onset_utc_s) / 3600;
const share = (spent) => (spent.kwh ? spent.by_hand_kwh / spent.kwh : 0);

/** A bar as long as its part of the longest. */
const Bar = ({ part }) => html`<svg class="energy-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect width=${Math.max(0, Math.min(1, part)) * 100} height="10" rx="1" /></svg>`;

/** Cells are [class, content]; the first is the row's head. `heads` are texts, "" for the bar's column. */
function Rows({ heads, rows }) {
  return html`<div class="energy-scroll" tabindex="0"><table class="energy-table">
    <thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
    <tbody>${rows.map(({ key, tone = "", cells }) => html`<tr key=${key} class=${tone}>${cells.map((cell, n) => (n ? html`<td data-head=${heads[n]}>${cell}</td>` : html`<th scope="row">${cell}</th>`))}</tr>`)}</tbody>
  </table></div>`;
}

const strong = (text) => html`<b>${text}</b>`;
const covered = (part) => html`<span class=${part < COVERED_LOW ? "caution" : ""}>${percent(part, 1)}</span>`;
const top = (rows, key) => Math.max(...rows.map(key), 1e-9);

function difference(one) {
  if (!one || one.energy_part === null) return "–";
  if (one.ice_min > one.baseline_ice_min) return "–";
  return html`<b class=${one.energy_part <= 0 ? "good" : "caution"}>${one.energy_part > 0 ? "+" : ""}${number(100 * one.energy_part, 0)} %</b>`;
}

function Storms({ found, chosen, onChoose }) {
  const { energy, working } = found;
  const rows = energy.storms;
  const most = top([...rows, ...(energy.between ? [{ spent: energy.between }] : [])], (row) => row.spent.kwh);
  const of = (storm) => found.served.find((one) => one.onset_utc_s === storm.onset_utc_s);
  const minutes = (one, key) => (one ? (one[key] === null ? "–" : t("energy.minutes", { n: number(one[key], 0) })) : working ? "…" : "–");
  const lines = rows.map((storm) => {
    const one = of(storm);
    const words = [storm.ongoing && t("energy.ongoing"), storm.rain && t("energy.rain")].filter(Boolean).join(" · ");
    return {
      key: storm.onset_utc_s, tone: `${storm.onset_utc_s === chosen ? "chosen" : ""} ${storm.ongoing ? "ongoing" : ""}`,
      cells: [
        html`<button type="button" class="energy-choose" aria-pressed=${String(storm.onset_utc_s === chosen)} onClick=${() => onChoose(storm.onset_utc_s)}>${stormName(storm)} <small>${words}</small></button>`,
        `${storm.depth_measured ? "" : `${t("energy.estimated")} `}${number(storm.depth_cm, 1)} cm · ${t("energy.hours-short", { n: number(hoursOf(storm), 0) })}`,
        strong(number(storm.spent.kwh, 0)), html`<${Bar} part=${storm.spent.kwh / most} />`, strong(money(storm.spent.energy_cost, energy.currency)), number(storm.spent.peak_kw, 0),
        strong(minutes(one, "ice_min")), minutes(one, "baseline_ice_min"), difference(one), percent(share(storm.spent)), covered(storm.spent.covered),
      ],
    };
  });
  const rest = energy.between;
  if (rest) lines.push({ key: 0, tone: "", cells: [html`${t("energy.between")} <small>${t("energy.between-what")}</small>`, "", strong(number(rest.kwh, 0)), html`<${Bar} part=${rest.kwh / most} />`, strong(money(rest.energy_cost, energy.currency)), number(rest.peak_kw, 0), "", "", "", percent(share(rest)), covered(rest.covered)] });
  if (!rows.length) return html`<p class="hint">${t("energy.no-storms")}</p>`;
  const heads = ["date", "fell", "kwh", "", "energy-cost", "peak", "ice", "baseline", "difference", "hand", "data"].map((head) => head && t(`energy.head.${head}`));
  return html`<${Rows} heads=${heads} rows=${lines} />`;
}

function stormsCsv(found) {
  const { energy } = found;
  const iso = (utc_s) => new Date(utc_s * 1000).toISOString();
  const heads = ["onset_utc", "end_utc", "depth_cm", "depth_measured", "water_mm", "kwh", `energy_cost_${energy.currency}`, "peak_kw", "by_hand_kwh", "heated_h", "covered", "ice_min", "baseline_ice_min", "difference_to_baseline", "last_road_clear_min", "roads_late"];
  return [heads, ...energy.storms.map((storm) => {
    const one = found.served.find((each) => each.onset_utc_s === storm.onset_utc_s);
    const { spent } = storm;
    return [iso(storm.onset_utc_s), iso(storm.end_utc_s), storm.depth_cm, String(storm.depth_measured), storm.water_mm, spent.kwh, spent.energy_cost, spent.peak_kw, spent.by_hand_kwh, spent.heated_h, spent.covered, one?.ice_min, one?.baseline_ice_min, one?.energy_part, one?.longest_min, one?.late.join(" ")];
  })];
}

function Months({ found }) {
  const { months, currency, contract_kw } = found.energy;
  const most = top(months, (month) => month.spent.kwh);
  const rows = months.map((month) => ({
    key: month.month,
    cells: [
      monthName(month.month), strong(number(month.spent.kwh, 0)), html`<${Bar} part=${month.spent.kwh / most} />`, money(month.spent.energy_cost, currency), money(month.base_cost, currency),
      strong(money(month.spent.energy_cost === null ? null : month.spent.energy_cost + (month.base_cost ?? 0), currency)), number(month.spent.peak_kw, 0),
      html`<span class=${month.billed_kw > contract_kw ? "caution" : ""}>${number(month.billed_kw, 0)} / ${number(contract_kw, 0)}</span>`,
      number(month.spent.heated_h, 0), percent(share(month.spent)), covered(month.spent.covered),
    ],
  }));
  const heads = ["month", "kwh", "", "energy-cost", "base", "together", "peak", "billed", "heated", "hand", "data"].map((head) => head && t(`energy.head.${head}`));
  return html`<${Rows} heads=${heads} rows=${[...rows].reverse()} />`;
}

const monthsCsv = ({ energy }) => [
  ["month", "kwh", `energy_cost_${energy.currency}`, `base_cost_${energy.currency}`, "peak_kw", "billed_kw", "heated_h", "by_hand_kwh", "covered"],
  ...energy.months.map(({ month, spent, base_cost, billed_kw }) => [month, spent.kwh, spent.energy_cost, base_cost, spent.peak_kw, billed_kw, spent.heated_h, spent.by_hand_kwh, spent.covered]),
];

function Roads({ found }) {
  const { zones, currency } = found.energy;
  const most = top(zones, (zone) => zone.kwh_m2 ?? 0);
  const rows = zones.map((zone) => ({
    key: zone.zone,
    cells: [roadName(zone.zone), strong(number(zone.kwh_m2, 1)), html`<${Bar} part=${(zone.kwh_m2 ?? 0) / most} />`, strong(number(zone.kwh, 0)), money(zone.energy_cost, currency), number(zone.peak_kw, 0), number(zone.heated_h, 0), covered(zone.covered)],
  }));
  const heads = ["road", "per-area", "", "kwh", "energy-cost", "peak", "heated", "data"].map((head) => head && t(`energy.head.${head}`));
  return html`<${Rows} heads=${heads} rows=${rows} />`;
}

const roadsCsv = ({ energy }) => [
  ["road", "name", "kwh", "kwh_m2", `energy_cost_${energy.currency}`, "peak_kw", "heated_h", "covered"],
  ...energy.zones.map((zone) => [zone.zone, roadName(zone.zone), zone.kwh, zone.kwh_m2, zone.energy_cost, zone.peak_kw, zone.heated_h, zone.covered]),
];

function Supplies({ found }) {
  const { feeders, currency } = found.energy;
  const now_s = model.clock.now_s();
  const most = top(feeders, (feeder) => feeder.kwh);
  const rows = feeders.map((feeder) => ({
    key: feeder.feeder,
    cells: [
      feeder.feeder, strong(number(feeder.kwh, 0)), html`<${Bar} part=${feeder.kwh / most} />`, money(feeder.energy_cost, currency), money(feeder.base_cost, currency),
      html`${number(feeder.peak_kw, 0)} ${feeder.peak_utc_s !== null && html`<small>${near(feeder.peak_utc_s, now_s)}</small>`}`,
      html`<b class=${feeder.billed_kw > feeder.contract_kw ? "caution" : ""}>${number(feeder.billed_kw, 0)}</b>`, number(feeder.contract_kw, 0),
    ],
  }));
  const heads = ["supply", "kwh", "", "energy-cost", "base", "peak", "billed-now", "contract"].map((head) => head && t(`energy.head.${head}`));
  return html`<${Rows} heads=${heads} rows=${rows} />`;
}

const suppliesCsv = ({ energy }) => [
  ["supply", "kwh", `energy_cost_${energy.currency}`, `base_cost_${energy.currency}`, "peak_kw", "peak", "billed_kw", "contract_kw"],
  ...energy.feeders.map((one) => [one.feeder, one.kwh, one.energy_cost, one.base_cost, one.peak_kw, one.peak_utc_s === null ? "" : dayClock(one.peak_utc_s), one.billed_kw, one.contract_kw]),
];

export const TABLES = {
  storms: { Table: Storms, csv: stormsCsv },
  months: { Table: Months, csv: monthsCsv },
  roads: { Table: Roads, csv: roadsCsv },
  supplies: { Table: Supplies, csv: suppliesCsv },
};
