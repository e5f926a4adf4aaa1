// @ts-check
// What a command would do, before it is sent. It is asked for while the person still chooses, and never waited for.

import { ask } from "./api.js";
import { clock, minutes, money, number } from "./format.js";
import { html } from "./html.js";
import { current, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { model } from "./model.js";
import { name } from "./zone.js";
import { useEffect, useState } from "./vendor/preact-hooks.mjs";

const SETTLE_MS = 250; // a person who taps through the times asks once
const PATIENCE_MS = 2_000; // afterwards nobody waits for it any more

/**
 * The preview of a command: [found, state]; state is "none", "waiting", "late" or "known".
 * @param {string} path of the preview
 * @param {object | null} body null: nothing is chosen yet
 */
export function usePreview(path, body) {
  const [found, setFound] = useState(/** @type {any} */ (null));
  const [state, setState] = useState("none");
  const key = body ? `${path} ${JSON.stringify(body)}` : "";
  useEffect(() => {
    setFound(null);
    setState(body ? "waiting" : "none");
    if (!body) return undefined;
    let wanted = true;
    const late = setTimeout(() => setState("late"), PATIENCE_MS);
    const timer = setTimeout(async () => {
      const answer = await ask(path, body).catch(() => null);
      clearTimeout(late);
      if (!wanted) return;
      setFound(answer);
      setState(answer ? "known" : "late");
    }, SETTLE_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
      clearTimeout(late);
    };
  }, [key]);
  return [found, state];
}

const zoneName = (id) => (model.zones.has(id) ? name(model.zones.get(id), current()) : id);
const signed = (value, decimals = 0) => `${value > 0 ? "+" : ""}${number(value, decimals)}`;
const more = (value, currency) => `${Math.round(value) > 0 ? "+" : Math.round(value) < 0 ? "−" : ""}${money(Math.abs(value), currency)}`;
const total = (rows, key) => rows.reduce((sum, row) => sum + row[key], 0);

/** Whose command ends with this one. */
function Replaced({ zones }) {
  const others = zones.filter((one) => one.replaces && one.replaces.user !== model.session?.user);
  return others.map((one) => html`<p class="replaces"><${Icon} name="person" size=${20} />
    <span>${t(`preview.replaces.${one.replaces.mode}`, { user: one.replaces.user, time: clock(one.replaces.expires_utc_s), road: zones.length > 1 ? zoneName(one.zone) : "" })}</span></p>`);
}

function Lasts({ label, value, most, tone }) {
  return html`<div class="lasts"><span>${label}</span><i><i class=${tone} style=${`width:${most ? (100 * value) / most : 0}%`}></i></i><b>${minutes(value)}</b></div>`;
}

/** Minutes that snow, ice or frost stays: under the plan and under the command. */
export function Icy({ zones, mode }) {
  const planned = total(zones, "icy_min_planned");
  const then = total(zones, "icy_min");
  const most = Math.max(planned, then);
  const less = planned - then;
  const words = less === 0 ? t("preview.icy-same") : t(less > 0 ? "preview.icy-less" : "preview.icy-more", { time: minutes(Math.abs(less)) });
  return html`<div class="preview-row" data-testid="preview-icy">
    <p><span>${t("preview.icy")}</span><b class=${less > 0 ? "good" : less < 0 ? "bad" : ""}>${words}</b></p>
    ${most > 0 && html`<${Lasts} label=${t("preview.planned")} value=${planned} most=${most} tone=${less > 0 ? "bad" : "good"} />
      <${Lasts} label=${t(`preview.then.${mode}`)} value=${then} most=${most} tone=${less < 0 ? "bad" : "good"} />`}
  </div>`;
}

/** Peak of a feeder: planned, under the command, against contract and breaker. */
function Peak({ feeder }) {
  const full = Math.max(feeder.breaker_kw, feeder.peak_kw) * 1.02;
  const at = (kw) => `${(100 * kw) / full}%`;
  const over = feeder.peak_kw - feeder.contract_kw;
  return html`<div class="preview-row">
    <p><span>${t("preview.peak", { feeder: feeder.feeder })}</span><b>${number(feeder.peak_kw_planned, 0)} → ${number(feeder.peak_kw, 0)} kW</b></p>
    <div class="peak" role="img" aria-label=${t("preview.peak-of", { contract: number(feeder.contract_kw, 0), breaker: number(feeder.breaker_kw, 0) })}>
      <i class="more" style=${`width:${at(feeder.peak_kw)}`}></i>
      <i class="planned" style=${`width:${at(Math.min(feeder.peak_kw_planned, feeder.peak_kw))}`}></i>
      <i class="contract" style=${`left:${at(feeder.contract_kw)}`}></i><i class="breaker" style=${`left:${at(feeder.breaker_kw)}`}></i>
    </div>
    ${over > 0.5 && html`<p class="caution">${t("preview.over-contract", { kw: number(over, 0) })}</p>`}
  </div>`;
}

/** The whole preview, or that there is none. */
export function Preview({ found, state, mode }) {
  if (state === "none") return null;
  if (!found) return html`<p class="hint" role="status">${t(state === "late" ? "preview.late" : "preview.waiting")}</p>`;
  return html`<section class="preview" aria-label=${t("preview.title")}>
    <${Replaced} zones=${found.zones} />
    <div class="preview-box">
      <${Icy} zones=${found.zones} mode=${mode} />
      <div class="preview-row"><p><span>${t("preview.energy")}</span><b>${signed(found.kwh_more)} kWh</b></p></div>
      ${found.currency && html`<div class="preview-row">
        <p><span>${t("preview.cost")}</span><b>${more(found.energy_cost_more, found.currency)}</b></p>
        ${found.base_cost_more >= 1
          ? html`<p class="caution"><span>${t("preview.base-more")}</span><b>${more(found.base_cost_more, found.currency)}</b></p>`
          : html`<p class="hint">${t("preview.base-same")}</p>`}
      </div>`}
      ${found.feeders.map((feeder) => html`<${Peak} feeder=${feeder} />`)}
      ${found.shed.map((one) => html`<p class="caution">${t("preview.shed", { road: zoneName(one.zone), time: minutes(one.minutes) })}</p>`)}
    </div>
  </section>`;
}

/**
 * The second question before a dangerous OFF. `ask` when the form is sent: it carries out, or asks first. OFF waits for
 * the preview, two seconds at most: it may say that OFF is dangerous.
 * @param {string} mode
 * @param {string} state of the preview
 * @param {boolean} dangerous
 * @param {() => void} carryOut
 */
export function useSecondQuestion(mode, state, dangerous, carryOut) {
  const [asked, setAsked] = useState(false);
  const [held, setHeld] = useState(false);
  const keep = () => setAsked(false);
  const sure = () => {
    setAsked(false);
    carryOut();
  };
  const decide = () => (dangerous ? setAsked(true) : sure());
  useEffect(() => {
    setAsked(false); // another command than the one that was asked about
    setHeld(false);
  }, [mode]);
  useEffect(() => {
    if (!held || state === "waiting") return;
    setHeld(false);
    decide();
  }, [held, state]);
  const ask = () => (mode === "off" && state === "waiting" ? setHeld(true) : decide());
  return { asked, held, ask, keep, sure };
}

/** "Off although it snows?" The safe answer is the large one. */
export function Twice({ found, minutes: held, onKeep, onSure }) {
  const one = found?.zones.length === 1 ? found.zones[0] : null;
  const said = [
    found?.snows_until_utc_s && t("twice.until", { time: clock(found.snows_until_utc_s) }),
    one && one.lying_cm >= 0.1 && t("twice.lies", { cm: number(one.lying_cm, one.lying_cm < 3 ? 1 : 0) }),
    one && t("twice.cold", { degrees: number(one.surface_min_c, 0) }),
  ];
  return html`<div class="twice" role="alertdialog" aria-labelledby="twice-title">
    <h3 id="twice-title"><${Icon} name="trouble" size=${30} /> ${t(found?.snows_until_utc_s ? "twice.snowing" : "twice.lying")}</h3>
    <p>${said.filter(Boolean).join(" ")}</p>
    ${found && html`<div class="preview-box"><${Icy} zones=${found.zones} mode="off" /></div>`}
    <button type="button" class="big primary" autofocus onClick=${onKeep}>${t("twice.keep")}</button>
    <button type="button" class="big outlined" onClick=${onSure}><${Icon} name="off" size=${22} /> ${t("twice.sure", { time: minutes(held) })}</button>
  </div>`;
}
