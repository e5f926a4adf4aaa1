// @ts-check
// The alarms that stand: what nobody has seen yet, what somebody takes care of, and the sheet that says so.

import { attempt } from "./attempt.js";
import { get } from "./api.js";
import { clock, minutes, near } from "./format.js";
import { Entry } from "./history.js";
import { html } from "./html.js";
import { current, has, t } from "./i18n.js";
import { ALARM_ICONS, Icon } from "./icons.js";
import { useModal } from "./modal.js";
import { mayCommand, model, say } from "./model.js";
import { busyWords, useCommand } from "./send.js";
import { Notice } from "./status.js";
import { lyingWords } from "./tile.js";
import { shelved, unseen } from "./unseen.js";
import { name } from "./zone.js";
import { useEffect, useState } from "./vendor/preact-hooks.mjs";

const DONE = ["called", "on-way", "plough", "seen"];
const SHELVE_MIN = [30, 60, 240];
const SHOWS = ["unseen", "seen", "cleared"];
const CLEARED_S = 86_400; // a day
const SEVERITIES = ["critical", "major", "minor"];

/** A road goes by its name; boards, supplies and parts of the service by their id. */
function subject(id) {
  const zone = model.zones.get(id);
  return zone ? name(zone, current()) : id;
}

const words = (alarm) => (has(`alarm.${alarm.code}`) ? t(`alarm.${alarm.code}`).split("|") : [alarm.code]);

/** What has been done and who takes care; or, to put it off, for how long. */
function Sheet({ alarm, what, onClose }) {
  const dialog = useModal();
  const [done, setDone] = useState("seen");
  const [note, setNote] = useState("");
  const [other, setOther] = useState(what === "assign");
  const [who, setWho] = useState("");
  const [busy, run] = useCommand();
  const me = model.session?.user ?? "";
  const about = { code: alarm.code, subject: alarm.subject };
  const comment = [what !== "shelve" && t(`alarms.did.${done}`), note.trim()].filter(Boolean).join(": ");
  const acknowledge = () =>
    run("POST", "/api/v1/alarms/acknowledge", { ...about, comment, assigned_to: other ? who.trim() : "" }, () => {
      say("notice.alarm-seen", {}, "good");
      onClose();
    });
  const shelve = (length) =>
    run("POST", "/api/v1/alarms/shelve", { ...about, minutes: length, reason: comment || t("alarms.shelve") }, () => {
      say("notice.alarm-shelved", {}, "good");
      onClose();
    });
  const todo = words(alarm).slice(1);
  const back = html`<button type="button" class="big" onClick=${onClose}>${t("override.back")}</button>`;
  return html`<dialog ref=${dialog} class="sheet calm-sheet" aria-labelledby="alarm-title" onCancel=${onClose} onClose=${onClose}>
    <h2 id="alarm-title">${subject(alarm.subject)} ${words(alarm)[0]}</h2>
    <ul class="todo-list">${todo.map((step) => html`<li>${step}</li>`)}</ul>
    <p class="hint">${t(what === "shelve" ? "alarms.shelve-means" : "alarms.seen-means")}</p>
    ${what !== "shelve" && html`<fieldset>
      <legend>${t("alarms.done")}</legend>
      <div class="choices two">${DONE.map((each) => html`<label class=${`choice done-${each}`}>
        <input type="radio" name="done" value=${each} checked=${done === each} onChange=${() => setDone(each)} /><span>${t(`alarms.did.${each}`)}</span>
      </label>`)}</div>
    </fieldset>`}
    <label class="text"><span>${t("alarms.note")}</span>
      <input type="text" maxlength="150" value=${note} onInput=${(event) => setNote(event.target.value)} autocomplete="off" />
    </label>
    ${what === "shelve"
      ? html`<div class="choices row" role="group" aria-label=${t("alarms.shelve")}>
          ${SHELVE_MIN.map((length) => html`<button type="button" class="big primary shelve" disabled=${Boolean(busy)} onClick=${() => shelve(length)}>${minutes(length)}</button>`)}
        </div>${back}`
      : html`<fieldset>
          <legend>${t("alarms.care")}</legend>
          <div class="choices two">
            <label class="choice care-me"><input type="radio" name="care" checked=${!other} onChange=${() => setOther(false)} /><span>${t("alarms.care-me", { user: me })}</span></label>
            <label class="choice care-other"><input type="radio" name="care" checked=${other} onChange=${() => setOther(true)} /><span>${t("alarms.care-other")}</span></label>
          </div>
          ${other && html`<label class="text"><span>${t("alarms.care-name")}</span><input type="text" class="care-name" maxlength="40" value=${who} onInput=${(event) => setWho(event.target.value)} autocomplete="off" /></label>`}
        </fieldset>
        <div class="pair">${back}
          <button type="button" class="big primary seen" disabled=${Boolean(busy) || (other && !who.trim())} onClick=${acknowledge}>${busy ? busyWords(busy) : t("alarms.acknowledge-as", { user: me })}</button>
        </div>`}
    <${Notice} />
  </dialog>`;
}

/** The most urgent one has all that can be done with it; the others a button each. */
function Alarm({ alarm, now_s, first, onOpen, mayAct }) {
  const [what, ...todo] = words(alarm);
  const fresh = unseen(alarm, now_s);
  const critical = fresh && alarm.severity === "critical";
  const zone = model.zones.get(alarm.subject);
  const facts = [t("alarms.since", { time: near(alarm.raised_utc_s, now_s) }), t("alarms.lasts", { time: minutes(Math.max(1, Math.round((now_s - alarm.raised_utc_s) / 60))) }), zone && zone.section === "danger" && lyingWords(zone)];
  const act = (word, tone = "") => html`<button type="button" class=${`big ${tone} alarm-${word}`} onClick=${() => onOpen({ alarm, what: word })}>${t(fresh || word !== "acknowledge" ? `alarms.${word}` : "alarms.change")}</button>`;
  return html`<li class=${`alarm ${fresh ? `fresh ${alarm.severity}` : ""}`} data-alarm=${alarm.code}>
    <div class="alarm-head">
      <span class=${`square ${critical ? (ALARM_ICONS[alarm.code] === "offline" ? "unseen" : "lying") : fresh ? "look" : ""}`}><${Icon} name=${ALARM_ICONS[alarm.code] ?? "bell"} size=${28} /></span>
      <div>
        <h3>${alarm.subject && html`${subject(alarm.subject)} `}${what}</h3>
        <p class="hint">${facts.filter(Boolean).join(" · ")}</p>
        ${alarm.acknowledged_by && html`<p class="by">${t("alarms.by", { user: alarm.assigned_to || alarm.acknowledged_by, time: clock(alarm.acknowledged_utc_s) })}${alarm.comment && ` · ${alarm.comment}`}</p>`}
        ${shelved(alarm, now_s) && html`<p class="by">${t("alarms.shelved-until", { user: alarm.assigned_to, time: clock(alarm.shelved_until_utc_s) })}</p>`}
        <p class="hint detail" lang="en">${alarm.text}</p>
      </div>
      ${mayAct && !first && act("acknowledge", fresh ? "primary" : "")}
    </div>
    ${first && html`<ul class="todo-list">${todo.map((step) => html`<li>${step}</li>`)}</ul>`}
    ${mayAct && first && html`<div class="alarm-do">${act("acknowledge", "primary")}${act("assign")}${act("shelve")}</div>`}
  </li>`;
}

/** Those of the last day that are over. */
function useCleared() {
  const [found, setFound] = useState(/** @type {any[] | null} */ (null));
  useEffect(() => {
    let wanted = true;
    const from = Math.round(model.clock.now_s() - CLEARED_S);
    attempt(() => get(`/api/v1/history?from=${from}&kind=alarm`).then((answer) => wanted && setFound(answer.entries.filter((entry) => entry.what === "cleared"))), "notice.not-loaded");
    return () => (wanted = false);
  }, [model.alarms.length]);
  return found;
}

export function Alarms() {
  const [open, setOpen] = useState(/** @type {any} */ (null));
  const [show, setShow] = useState("unseen");
  const cleared = useCleared();
  const now_s = model.clock.now_s();
  const mayAct = mayCommand();
  const fresh = model.alarms.filter((alarm) => unseen(alarm, now_s)).sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
  const seen = model.alarms.filter((alarm) => !unseen(alarm, now_s));
  const counts = { unseen: fresh.length, seen: seen.length, cleared: cleared?.length ?? "" };
  const list = (alarms, urgent = false) => html`<ul>
    ${alarms.map((alarm, at) => html`<${Alarm} key=${`${alarm.code} ${alarm.subject}`} alarm=${alarm} now_s=${now_s} first=${urgent && at === 0} onOpen=${setOpen} mayAct=${mayAct} />`)}
  </ul>`;
  const standing = open && model.alarms.find((alarm) => alarm.code === open.alarm.code && alarm.subject === open.alarm.subject);
  return html`<main class="alarms">
    <h2 class="hidden">${t("nav.alarms")}</h2>
    <div class="chips" role="group" aria-label=${t("alarms.filter")}>${SHOWS.map((each) => html`<button type="button" class=${`chip show-${each}`} aria-pressed=${String(show === each)} onClick=${() => setShow(each)}>${show === each && html`<${Icon} name="check" size=${18} />`}${t(`alarms.${each}`)} ${counts[each]}</button>`)}</div>
    ${show === "unseen" && fresh.length > 0 && list(fresh, true)}
    ${show === "unseen" && !fresh.length && html`<p class="none">${t(seen.length ? "alarms.none-unseen" : "alarms.none")}</p>`}
    ${show !== "cleared" && seen.length > 0 && html`<h2><${Icon} name="check" size=${22} /> ${t("alarms.seen")} ${seen.length} <small>${t("alarms.seen-hint")}</small></h2>${list(seen)}`}
    ${show === "seen" && !seen.length && html`<p class="none">${t("alarms.none-seen")}</p>`}
    ${show === "cleared" && (cleared?.length ? html`<ul class="pasts">${cleared.map((entry) => html`<${Entry} entry=${entry} now_s=${now_s} withRoad />`)}</ul>` : html`<p class="none">${t(cleared ? "alarms.none-cleared" : "people.loading")}</p>`)}
    ${standing && html`<${Sheet} key=${`${standing.code} ${standing.subject}`} alarm=${standing} what=${open.what} onClose=${() => setOpen(null)} />`}
  </main>`;
}
