// @ts-check
// The shift: what happened while one was away, and what the next shift should know.

import { attempt } from "./attempt.js";
import { command, commandKey, get } from "./api.js";
import { near, number, sum } from "./format.js";
import { entryWords, Entry, subject } from "./history.js";
import { html } from "./html.js";
import { current, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { useModal } from "./modal.js";
import { mayCommand, model, say } from "./model.js";
import { away } from "./presence.js";
import { Freshness, Notice } from "./status.js";
import { lyingWords } from "./tile.js";
import { workWords } from "./work.js";
import { fallsWords, stopWords } from "./words.js";
import { commanded, name, sorted } from "./zone.js";
import { useEffect, useState } from "./vendor/preact-hooks.mjs";

const SHIFT_S = 8 * 3600;
const SHOWN = 12; // lines of what happened; the rest is in the history
const TEXT_MAX = 1_000; // as the server has it

/** What the next shift should know, as the district stands now: [key, title, text]. */
function openMatters(now_s) {
  const zones = sorted([...model.zones.values()], current());
  const lines = [];
  for (const zone of zones) {
    const title = name(zone, current());
    const done = zone.works.map(workWords).join(", ");
    if (zone.section === "danger" || zone.blocked) lines.push([`zone ${zone.id}`, title, [stopWords(zone), lyingWords(zone), done].filter(Boolean).join(" · ")]);
    else if (zone.override && commanded(zone, now_s)) lines.push([`command ${zone.id}`, title, t("shift.command", { mode: t(`mode.${zone.override.mode}`), user: zone.override.user, time: near(zone.override.expires_utc_s, now_s) })]);
    else if (done) lines.push([`work ${zone.id}`, title, done]);
  }
  for (const alarm of model.alarms) {
    if (alarm.assigned_to || alarm.acknowledged_by) lines.push([`alarm ${alarm.code} ${alarm.subject}`, `${subject(alarm.subject)} ${entryWords({ kind: "alarm", what: "raised", word: alarm.code, until_utc_s: null }, now_s)}`.trim(), [t("shift.takes-care", { user: alarm.assigned_to || alarm.acknowledged_by }), alarm.comment].filter(Boolean).join(" · ")]);
  }
  const { stage } = model;
  if (stage?.snow_cm_h) lines.push(["forecast", t("shift.forecast"), fallsWords(stage)]);
  return lines;
}

function Figure({ label, value, small, tone }) {
  return html`<div class="figure"><dt>${label}</dt><dd class=${tone}>${value}</dd><dd class="figure-small">${small}</dd></div>`;
}

/** Figures and lines of the time away. */
function WhileAway({ from_s, found, past }) {
  const now_s = model.clock.now_s();
  const me = model.session?.user;
  const entries = past.entries;
  const count = (kind, what) => entries.filter((one) => one.kind === kind && one.what === what).length;
  const others = entries.filter((one) => one.kind === "command" && one.what === "made" && one.user !== me);
  const replaced = entries.filter((one) => one.kind === "command" && one.what === "ended" && one.user === me && others.some((other) => other.subject === one.subject && other.utc_s === one.utc_s)).length;
  const lines = entries.filter((one) => one.what !== "ended" && !(one.kind === "sign-in")).slice(0, SHOWN);
  return html`<section aria-labelledby="away-title">
    <h3 id="away-title" class="between">${t("shift.away")} <small>${near(from_s, now_s)} – ${near(found.until_utc_s, now_s)}</small></h3>
    <dl class="figures three-figures">
      <${Figure} label=${t("shift.alarms")} value=${count("alarm", "raised")} small=${t("shift.cleared", { n: count("alarm", "cleared") })} tone="danger" />
      <${Figure} label=${t("shift.commands")} value=${count("command", "made")} small=${replaced ? t("shift.mine-replaced", { n: replaced }) : ""} tone="hand" />
      <${Figure} label=${t("shift.energy")} value=${number(found.used.wh / 1000, 0)} small=${`kWh${found.used.cost === null ? "" : ` · ${sum(found.used.cost, found.used.currency)}`}`} tone="" />
    </dl>
    <ul class="pasts">${lines.map((entry) => html`<${Entry} entry=${entry} now_s=${now_s} withRoad />`)}</ul>
    ${!lines.length && html`<p class="hint">${t("history.none")}</p>`}
  </section>`;
}

function Note({ note, now_s, mayTake, onTake }) {
  return html`<li class="note">
    <p><b>${note.user}</b> · ${near(note.utc_s, now_s)}</p>
    ${note.items.length > 0 && html`<ul>${note.items.map((line) => html`<li>${line}</li>`)}</ul>`}
    ${note.text && html`<p class="note-text">${note.text}</p>`}
    ${note.taken_by
      ? html`<p class="hint"><${Icon} name="check" size=${18} /> ${t("shift.taken", { user: note.taken_by, time: near(note.taken_utc_s, now_s) })}</p>`
      : mayTake && html`<button type="button" class="big take" onClick=${onTake}>${t("shift.take")}</button>`}
  </li>`;
}

function HandOver({ onSent }) {
  const now_s = model.clock.now_s();
  const lines = openMatters(now_s);
  const [left, setLeft] = useState(/** @type {string[]} */ ([])); // keys that are not handed over
  const [text, setText] = useState("");
  const [missing, setMissing] = useState(false);
  const items = lines.filter(([key]) => !left.includes(key)).map(([, title, words]) => `${title}: ${words}`);
  const flip = (key) => setLeft(left.includes(key) ? left.filter((each) => each !== key) : [...left, key]);
  const send = async (event) => {
    event.preventDefault();
    if (!items.length && !text.trim()) return setMissing(true);
    const made = await attempt(() => command("POST", "/api/v1/handovers", { text: text.trim(), items }, commandKey()));
    if (!made) return;
    setText("");
    say("shift.sent", {}, "good");
    onSent();
  };
  return html`<form class="command hand-over" onSubmit=${send} novalidate>
    <h3 class="between">${t("shift.next")} <small>${t("shift.filled")}</small></h3>
    ${lines.map(([key, title, words]) => html`<label class="tick" key=${key}><input type="checkbox" checked=${!left.includes(key)} onChange=${() => flip(key)} /><span class="box"><${Icon} name="check" size=${20} /></span><span class="who"><b>${title}</b><small>${words}</small></span></label>`)}
    ${!lines.length && html`<p class="hint">${t("shift.nothing-open")}</p>`}
    <label class="text"><span>${t("shift.words")}</span><textarea rows="3" maxlength=${TEXT_MAX} value=${text} onInput=${(event) => setText(event.target.value)}></textarea></label>
    ${missing && !items.length && !text.trim() && html`<p class="missing" role="alert">${t("shift.missing")}</p>`}
    <div class="pair"><button type="submit" class="big primary hand-over-send">${t("shift.send")}</button></div>
  </form>`;
}

export function ShiftPage({ onClose }) {
  const dialog = useModal();
  const [from_s] = useState(() => Math.round(away.from_s ?? model.clock.now_s() - SHIFT_S));
  const [found, setFound] = useState(/** @type {any} */ (null));
  const [past, setPast] = useState(/** @type {any} */ (null));
  const load = () =>
    attempt(async () => {
      const [shift, entries] = await Promise.all([get(`/api/v1/shift?from=${from_s}`), get(`/api/v1/history?from=${from_s}`)]);
      setFound(shift);
      setPast(entries);
    }, "notice.not-loaded");
  useEffect(() => {
    load();
  }, []);
  const now_s = model.clock.now_s();
  const crew = mayCommand();
  const take = (note) => attempt(() => command("POST", `/api/v1/handovers/${note.id}/take`, null, commandKey())).then(load);
  return html`<dialog ref=${dialog} class="panel shift" aria-labelledby="shift-title" onCancel=${(event) => (event.preventDefault(), onClose())}>
    <header>
      <button type="button" class="round" onClick=${onClose} aria-label=${t("panel.back")}><${Icon} name="back" /></button>
      <h2 id="shift-title">${t("shift.title")}</h2>
      <${Freshness} />
    </header>
    <div class="panel-body">
      ${!found || !past ? html`<p class="hint">${t("people.loading")}</p>` : html`
        ${found.notes.some((note) => !note.taken_by) && html`<ul class="notes">${found.notes.filter((note) => !note.taken_by).map((note) => html`<${Note} note=${note} now_s=${now_s} mayTake=${crew} onTake=${() => take(note)} />`)}</ul>`}
        <${WhileAway} from_s=${from_s} found=${found} past=${past} />
        ${crew && html`<${HandOver} onSent=${load} />`}
        ${found.notes.some((note) => note.taken_by) && html`<section><h3>${t("shift.earlier")}</h3><ul class="notes">${found.notes.filter((note) => note.taken_by).map((note) => html`<${Note} note=${note} now_s=${now_s} />`)}</ul></section>`}`}
    </div>
    <${Notice} />
  </dialog>`;
}
