// @ts-check
// Why a zone is not heated, and what to do about it: shown in place of controls without effect.

import { celsius, clock } from "./format.js";
import { html } from "./html.js";
import { has, t } from "./i18n.js";
import { useCommand, busyWords } from "./send.js";
import { Square, lyingWords } from "./tile.js";
import { WorkButtons } from "./work.js";
import { stopWords } from "./words.js";
import { useState } from "./vendor/preact-hooks.mjs";

/** A person reports that the cable is repaired; asked twice, because the road then counts as heatable. */
function CableMended({ zone }) {
  const [sure, setSure] = useState(false);
  const [busy, run] = useCommand();
  const clear = () => run("POST", `/api/v1/zones/${encodeURIComponent(zone.id)}/broken-cable/clear`, null, () => setSure(false));
  if (busy) return html`<button type="button" class="big" disabled>${busyWords(busy)}</button>`;
  return sure
    ? html`<div class="pair">
        <button type="button" class="big" onClick=${() => setSure(false)}>${t("override.back")}</button>
        <button type="button" class="big outlined" onClick=${clear}>${t("zone.cable-mended-sure")}</button>
      </div>`
    : html`<div class="pair"><button type="button" class="big" onClick=${() => setSure(true)}>${t("zone.cable-mended")}</button></div>`;
}

export function Stop({ zone, now_s, mayCommand }) {
  const steps = has(`todo.${zone.not_heating}`) ? t(`todo.${zone.not_heating}`).split("|") : [t("zone.heat-unknown-help")];
  const known = zone.online && zone.surface_c !== null;
  const facts = [zone.since_utc_s !== null && t("stopped.since", { time: clock(zone.since_utc_s) }), lyingWords(zone), known && t("stopped.surface", { degrees: celsius(zone.surface_c) })];
  return html`<section class="stop" role="alert">
    <div class="stop-head"><${Square} zone=${zone} now_s=${now_s} large /><div><h3>${stopWords(zone)}</h3><p>${facts.filter(Boolean).join(" · ")}</p></div></div>
    <ol class="todo">${steps.map((step) => html`<li>${step}</li>`)}</ol>
    ${zone.not_heating === "cable-broken" && mayCommand && html`<${CableMended} zone=${zone} />`}
    ${mayCommand && html`<${WorkButtons} zones=${[zone.id]} />`}
  </section>`;
}
