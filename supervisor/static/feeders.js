// @ts-check
// What each supply carries now, against its contract and its breaker.

import { kilowatts } from "./format.js";
import { html } from "./html.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.js";
import { model } from "./model.js";

const NEAR = 0.9; // part of the contract from which a supply is marked: one more road would exceed it

/** Supplies with the power of their roads; a road without contact counts as not known and not as nothing. */
function loads() {
  const zones = [...model.zones.values()];
  return (model.session?.feeders ?? []).map((feeder) => {
    const own = zones.filter((zone) => zone.feeder === feeder.id);
    const heard = own.filter((zone) => zone.online && zone.power_w !== null);
    const power_w = heard.reduce((sum, zone) => sum + zone.power_w, 0);
    return { ...feeder, power_w, unheard: own.length - heard.length, near: power_w > NEAR * feeder.contract_w };
  });
}

const width = (part) => `${Math.min(Math.max(part, 0), 1) * 1000}`;

/** Drawn in a viewBox of 1000: the page's content policy forbids styles in elements. */
function Meter({ load }) {
  const full_w = Math.max(load.breaker_w, load.contract_w, 1) * 1.04;
  const at = (watts) => width(watts / full_w);
  return html`<svg class="meter" viewBox="0 0 1000 18" preserveAspectRatio="none" aria-hidden="true">
    <rect class="ground" y="4" width="1000" height="10" /><rect class="now" y="4" width=${at(load.power_w)} height="10" />
    <rect class="contract" x=${at(load.contract_w)} width="6" height="18" /><rect class="breaker" x=${at(load.breaker_w)} width="8" height="18" />
  </svg>`;
}

export function Feeders() {
  const all = loads();
  if (!all.length) return null;
  const sum = (key) => kilowatts(all.reduce((total, load) => total + load[key], 0));
  return html`<section class="feeders" aria-labelledby="feeders-title">
    <div class="section-head"><${Icon} name="heating" size=${22} /><h2 id="feeders-title">${t("feeders.title", { now: sum("power_w"), contract: sum("contract_w") })}</h2><p>${t("feeders.key")}</p></div>
    <ul>${all.map((load) => html`<li key=${load.id} class=${load.near ? "near" : ""}>
      <p class="feeder-name">${load.id}${load.near && html` <${Icon} name="limit" size=${18} /><span class="hidden">${t("feeders.near")}</span>`}</p>
      <p><b>${kilowatts(load.power_w)}</b> <span aria-hidden="true">/</span> <span class="hidden">${t("feeders.of")}</span> ${kilowatts(load.contract_w)} kW${load.unheard > 0 && html` <small>${t("feeders.unheard", { n: load.unheard })}</small>`}</p>
      <${Meter} load=${load} />
      <span class="hidden">${t("feeders.breaker", { kw: kilowatts(load.breaker_w) })}</span>
    </li>`)}</ul>
  </section>`;
}
