// @ts-check
// What the crew did on the road itself: ploughed, salted. Recorded, it counts in the estimate and in the plan.

import { clock, celsius, number } from "./format.js";
import { html } from "./html.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.js";
import { say } from "./model.js";
import { busyWords, useCommand } from "./send.js";
import { useState } from "./vendor/preact-hooks.mjs";

const KINDS = ["ploughed", "salted"];
const ICONS = { ploughed: "plough", salted: "salt" };
const AGENTS = ["calcium-chloride", "sodium-chloride"];
const AMOUNTS = [null, 10, 20, 40]; // g/m²; null: not known
const TAKE_BACK_S = 3600; // as the server has it

/** "염화칼슘 뿌림 20 g/m²": what was done, without who and when. */
export function workWords(work) {
  const word = work.kind === "ploughed" ? t("work.ploughed") : t(`work.salted.${work.agent}`);
  return work.amount_g_m2 === null ? word : `${word} ${number(work.amount_g_m2, 0)} g/m²`;
}

/** In a tile: sign and hour of what was done, the newest first. */
export const DoneMarks = ({ zone }) =>
  html`${zone.works.map((work) => html`<span class="done-mark" key=${work.id}><${Icon} name=${ICONS[work.kind]} size=${18} /><span class="hidden">${workWords(work)}</span> ${clock(work.utc_s)}</span>`)}`;

function Choice({ group, value, label, chosen, onChoose }) {
  return html`<label class="choice"><input type="radio" name=${group} value=${String(value)} checked=${chosen === value} onChange=${() => onChoose(value)} /><span>${label}</span></label>`;
}

function Report({ kind, zones, onDone, onBack }) {
  const [agent, setAgent] = useState(AGENTS[0]);
  const [amount, setAmount] = useState(/** @type {number | null} */ (null));
  const [busy, run] = useCommand();
  const send = (event) => {
    event.preventDefault();
    const spread = kind === "salted" ? { agent, amount_g_m2: amount } : {};
    run("POST", "/api/v1/works", { zones, kind, ...spread }, () => {
      say(`work.recorded.${kind}`, {}, "good");
      onDone();
    });
  };
  return html`<form class="command work-form" onSubmit=${send}>
    ${kind === "salted" && html`<fieldset><legend>${t("work.agent")}</legend>
        <div class="choices row">${AGENTS.map((each) => html`<${Choice} group="agent" value=${each} label=${t(`work.agent.${each}`)} chosen=${agent} onChoose=${setAgent} />`)}</div></fieldset>
      <fieldset><legend>${t("work.amount")}</legend>
        <div class="choices row">${AMOUNTS.map((each) => html`<${Choice} group="amount" value=${each} label=${each === null ? t("work.amount-unknown") : `${each} g/m²`} chosen=${amount} onChoose=${setAmount} />`)}</div></fieldset>`}
    <p class="hint">${t(`work.effect.${kind}`)}</p>
    <div class="pair">
      <button type="button" class="big" onClick=${onBack}>${t("override.back")}</button>
      <button type="submit" class="big primary work-send" disabled=${Boolean(busy)}>${busy ? busyWords(busy) : t(`work.send.${kind}`)}</button>
    </div>
  </form>`;
}

/** One work, with a button that takes it back while that is possible. */
function Done({ work, now_s, mayReport }) {
  const [busy, run] = useCommand();
  const back = () => run("DELETE", `/api/v1/works/${work.id}`, null, () => say("work.taken-back", {}, "good"));
  return html`<li class="work-done">
    <${Icon} name=${ICONS[work.kind]} />
    <span class="who"><b>${workWords(work)}</b><small>${clock(work.utc_s)} · ${work.user}</small></span>
    ${mayReport && now_s - work.utc_s < TAKE_BACK_S && html`<button type="button" class="big small" disabled=${Boolean(busy)} onClick=${back}>${busy ? busyWords(busy) : t("work.take-back")}</button>`}
  </li>`;
}

/** The two buttons, for one road or for many. */
export function WorkButtons({ zones }) {
  const [open, setOpen] = useState("");
  const close = () => setOpen("");
  return open
    ? html`<${Report} key=${open} kind=${open} zones=${zones} onDone=${close} onBack=${close} />`
    : html`<div class="pair">${KINDS.map((kind) => html`<button type="button" class=${`big work-${kind}`} disabled=${!zones.length} onClick=${() => setOpen(kind)}><${Icon} name=${ICONS[kind]} /> ${t(`work.button.${kind}`)}</button>`)}</div>`;
}

/** On a road's page: what was done, and the two buttons. */
export function Works({ zone, now_s, mayReport, buttons }) {
  if (!(mayReport && buttons) && !zone.works.length) return null;
  return html`<section class="works" aria-labelledby="works-title">
    <h3 id="works-title">${t("work.title")} <small>${t("work.counts")}</small></h3>
    ${zone.freezing_c !== null && html`<p class="hint">${t("work.freezes", { degrees: celsius(zone.freezing_c) })}</p>`}
    <ul>${zone.works.map((work) => html`<${Done} key=${work.id} work=${work} now_s=${now_s} mayReport=${mayReport} />`)}</ul>
    ${mayReport && buttons && html`<${WorkButtons} zones=${[zone.id]} />`}
  </section>`;
}
