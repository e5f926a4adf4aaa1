// @ts-check
// The alarms that stand: what nobody has seen yet, what somebody takes care of, and the sheet that says so.

import { clock, dayClock } from "./format.js";
import { html } from "./html.js";
import { current, has, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { useModal } from "./modal.js";
import { model, say } from "./model.js";
import { busyWords, useCommand } from "./send.js";
import { shelved, unseen } from "./unseen.js";
import { name } from "./zone.js";
import { useState } from "./vendor/preact-hooks.mjs";

const DONE = ["called", "on-way", "plough", "seen"];
const SHELVE_MIN = [30, 60, 240];
const SEVERITIES = ["critical", "major", "minor"];
const COMMANDERS = ["crew", "engineer", "admin"];
const ICONS = {
  "earth-fault": "bolt", "thermal-cut-out": "bolt", "contactor-welded": "bolt", "electric-danger": "bolt", "cable-broken": "cut", "sensor-implausible": "probe",
  "board-absent": "offline", latched: "lock",
};

/** A road goes by its name; boards, supplies and parts of the service by their id. */
function subject(id) {
  const zone = model.zones.get(id);
  return zone ? name(zone, current()) : id;
}

const words = (alarm) => (has(`alarm.${alarm.code}`) ? t(`alarm.${alarm.code}`).split("|") : [alarm.code]);

/** What has been done, and who takes care; or the other buttons: for how long it is put off. */
function Sheet({ alarm, onClose }) {
  const dialog = useModal();
  const [done, setDone] = useState("seen");
  const [note, setNote] = useState("");
  const [busy, run] = useCommand();
  const about = { code: alarm.code, subject: alarm.subject };
  const comment = [t(`alarms.did.${done}`), note.trim()].filter(Boolean).join(": ");
  const acknowledge = () =>
    run("POST", "/api/v1/alarms/acknowledge", { ...about, comment }, () => {
      say("notice.alarm-seen", {}, "good");
      onClose();
    });
  const shelve = (minutes) =>
    run("POST", "/api/v1/alarms/shelve", { ...about, minutes, reason: comment }, () => {
      say("notice.alarm-shelved", {}, "good");
      onClose();
    });
  return html`<dialog ref=${dialog} class="sheet calm-sheet" aria-labelledby="alarm-title" onCancel=${onClose} onClose=${onClose}>
    <h2 id="alarm-title">${subject(alarm.subject)} ${words(alarm)[0]}</h2>
    <p class="hint">${t("alarms.seen-means")}</p>
    <fieldset>
      <legend>${t("alarms.done")}</legend>
      <div class="choices two">${DONE.map((each) => html`<label class=${`choice done-${each}`}>
        <input type="radio" name="done" value=${each} checked=${done === each} onChange=${() => setDone(each)} /><span>${t(`alarms.did.${each}`)}</span>
      </label>`)}</div>
    </fieldset>
    <label class="text"><span>${t("alarms.note")}</span>
      <input type="text" maxlength="150" value=${note} onInput=${(event) => setNote(event.target.value)} autocomplete="off" />
    </label>
    <div class="choices row" role="group" aria-label=${t("alarms.shelve")}>
      ${SHELVE_MIN.map((minutes) => html`<button type="button" class="big shelve" disabled=${Boolean(busy)} onClick=${() => shelve(minutes)}>${t("alarms.shelve-for", { minutes })}</button>`)}
    </div>
    <div class="pair">
      <button type="button" class="big" onClick=${onClose}>${t("override.back")}</button>
      <button type="button" class="big primary seen" disabled=${Boolean(busy)} onClick=${acknowledge}>${busy ? busyWords(busy) : t("alarms.acknowledge-as", { user: model.session?.user ?? "" })}</button>
    </div>
  </dialog>`;
}

function Alarm({ alarm, now_s, onOpen, mayAct }) {
  const [what, ...todo] = words(alarm);
  const fresh = unseen(alarm, now_s);
  return html`<li class=${`alarm ${fresh ? `fresh ${alarm.severity}` : ""}`} data-alarm=${alarm.code}>
    <div class="alarm-head">
      <span class=${`square ${fresh && alarm.severity === "critical" ? "lying" : ""}`}><${Icon} name=${ICONS[alarm.code] ?? "bell"} size=${28} /></span>
      <div>
        <h3>${alarm.subject && html`${subject(alarm.subject)} · `}${what}</h3>
        <p class="hint">${t("alarms.since", { time: dayClock(alarm.raised_utc_s) })}</p>
        ${alarm.acknowledged_by && html`<p class="by">${t("alarms.by", { user: alarm.assigned_to || alarm.acknowledged_by, time: clock(alarm.acknowledged_utc_s) })}${alarm.comment && ` · ${alarm.comment}`}</p>`}
        ${shelved(alarm, now_s) && html`<p class="by">${t("alarms.shelved-until", { user: alarm.assigned_to, time: clock(alarm.shelved_until_utc_s) })}</p>`}
      </div>
      ${mayAct && html`<button type="button" class=${`big ${fresh ? "primary" : ""}`} onClick=${() => onOpen(alarm)}>${t(fresh ? "alarms.acknowledge" : "alarms.change")}</button>`}
    </div>
    <ul>${todo.map((step) => html`<li>${step}</li>`)}</ul>
    <p class="hint" lang="en">${alarm.text}</p>
  </li>`;
}

export function Alarms() {
  const [open, setOpen] = useState(null);
  const now_s = model.clock.now_s();
  const mayAct = COMMANDERS.includes(model.session?.role ?? "");
  const fresh = model.alarms.filter((alarm) => unseen(alarm, now_s)).sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
  const seen = model.alarms.filter((alarm) => !unseen(alarm, now_s));
  const list = (alarms) => html`<ul>
    ${alarms.map((alarm) => html`<${Alarm} key=${`${alarm.code} ${alarm.subject}`} alarm=${alarm} now_s=${now_s} onOpen=${setOpen} mayAct=${mayAct} />`)}
  </ul>`;
  const standing = open && model.alarms.find((alarm) => alarm.code === open.code && alarm.subject === open.subject);
  return html`<main class="alarms">
    ${fresh.length > 0 && html`<h2><${Icon} name="bell" size=${22} /> ${t("alarms.unseen")} <b>${fresh.length}</b></h2>${list(fresh)}`}
    ${seen.length > 0 && html`<h2><${Icon} name="check" size=${22} /> ${t("alarms.seen")} ${seen.length} <small>${t("alarms.seen-hint")}</small></h2>${list(seen)}`}
    ${!model.alarms.length && html`<p class="none">${t("alarms.none")}</p>`}
    ${standing && html`<${Sheet} key=${`${standing.code} ${standing.subject}`} alarm=${standing} onClose=${() => setOpen(null)} />`}
  </main>`;
}
