// @ts-check
// The alarms that stand: what, where, and what to do.

import { dayClock } from "./format.js";
import { html } from "./html.js";
import { current, has, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { model } from "./model.js";
import { name } from "./zone.js";

/** A road goes by its name; boards, supplies and parts of the service by their id. */
function subject(id) {
  const zone = model.zones.get(id);
  return zone ? name(zone, current()) : id;
}

function Alarm({ alarm }) {
  const [what, ...todo] = has(`alarm.${alarm.code}`) ? t(`alarm.${alarm.code}`).split("|") : [alarm.code];
  return html`<li class="alarm" data-alarm=${alarm.code}>
    <h3>${alarm.subject && html`<b>${subject(alarm.subject)}</b> · `}${what}</h3>
    <p class="hint">${t("alarms.since", { time: dayClock(alarm.raised_utc_s) })}</p>
    <ul>${todo.map((step) => html`<li>${step}</li>`)}</ul>
    <p class="hint" lang="en">${alarm.text}</p>
  </li>`;
}

export function Alarms() {
  return html`<main class="alarms">
    <h2><${Icon} name="bell" size=${22} /> ${t("alarms.title")} <b>${model.alarms.length}</b></h2>
    <ul>${model.alarms.map((alarm) => html`<${Alarm} key=${`${alarm.code} ${alarm.subject}`} alarm=${alarm} />`)}</ul>
    ${!model.alarms.length && html`<p class="none">${t("alarms.none")}</p>`}
  </main>`;
}
