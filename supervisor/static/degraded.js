// @ts-check
// Below the head: what the service goes on with in a lesser form, one line each, which opens to what to do.

import { dayClock, number } from "./format.js";
import { html } from "./html.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.js";
import { model } from "./model.js";
import { useState } from "./vendor/preact-hooks.mjs";

const SHOWN = 2; // more would push the roads off a phone's screen

/** The details as the reader's language writes them. */
function words(detail) {
  const write = ([key, value]) => {
    if (typeof value !== "number") return [key, value];
    return [key, key.endsWith("_utc_s") ? dayClock(value) : number(value, 0)];
  };
  return Object.fromEntries(Object.entries(detail).map(write));
}

function Line({ line }) {
  const [what, ...todo] = t(`degraded.${line.code}`, words(line.detail)).split("|");
  return html`<details class="lesser" data-degraded=${line.code}>
    <summary><${Icon} name="info" size=${20} /><span>${what}</span><${Icon} name="more" size=${20} /></summary>
    <ul>${todo.map((step) => html`<li>${step}</li>`)}</ul>
    <p class="hint">${t("degraded.since", { time: dayClock(line.since_utc_s) })}</p>
  </details>`;
}

export function Degraded() {
  const [all, setAll] = useState(false);
  const lines = model.degraded;
  if (!lines.length) return null;
  const shown = all ? lines : lines.slice(0, SHOWN);
  return html`<section class="degraded" aria-label=${t("degraded.label")}>
    ${shown.map((line) => html`<${Line} key=${line.code} line=${line} />`)}
    ${lines.length > SHOWN && html`<button type="button" class="degraded-more" aria-expanded=${all} onClick=${() => setAll(!all)}>
      ${all ? t("degraded.fewer") : t("degraded.more", { n: lines.length - SHOWN })}
    </button>`}
  </section>`;
}
