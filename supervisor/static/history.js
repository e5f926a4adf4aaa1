// @ts-check
// What happened, on one road or on all: commands, alarms, works, dangers, plan reasons; filtered, and as a CSV file.

import { get } from "./api.js";
import { Audit } from "./audit.js";
import { attempt } from "./attempt.js";
import { save } from "./csv.js";
import { dayClock, near } from "./format.js";
import { html } from "./html.js";
import { current, has, t } from "./i18n.js";
import { ALARM_ICONS, Icon } from "./icons.js";
import { useModal } from "./modal.js";
import { model } from "./model.js";
import { Notice } from "./status.js";
import { reason } from "./words.js";
import { name } from "./zone.js";
import { useEffect, useState } from "./vendor/preact-hooks.mjs";

const KINDS = ["command", "alarm", "work", "danger", "stage", "plan", "sign-in"];
const ICONS = { command: "person", alarm: "trouble", work: "plough", danger: "bolt", stage: "snow", plan: "plan", "sign-in": "key" };
const TONES = { command: "hand", alarm: "danger", danger: "danger", work: "fine" };
const DAYS = [1, 7, 31];
const PLAN_DAYS = 2; // of all roads, as the server has it
const DAY_S = 86_400;

const path = (params) => `/api/v1/history?${new URLSearchParams(params)}`;

export function subject(id) {
  const zone = model.zones.get(id);
  return zone ? name(zone, current()) : id;
}

/** What happened, without who and where: "집중 가동 05:20까지". */
export function entryWords(entry, now_s) {
  const until = entry.until_utc_s === null ? "" : near(entry.until_utc_s, now_s);
  const word =
    entry.kind === "command" ? t(`mode.${entry.word}`)
    : entry.kind === "alarm" ? (has(`alarm.${entry.word}`) ? t(`alarm.${entry.word}`).split("|")[0] : entry.word)
    : entry.kind === "work" ? (entry.word === "ploughed" ? t("work.ploughed") : t(`work.salted.${entry.word}`))
    : entry.kind === "stage" ? t(`stage.${entry.word}`)
    : entry.kind === "plan" ? reason({ code: entry.word, start_s: entry.utc_s, end_s: entry.until_utc_s })
    : "";
  return t(`history.${entry.kind}.${entry.what}`, { word, until });
}

const icon = (entry) =>
  entry.kind === "alarm" ? (ALARM_ICONS[entry.word] ?? ICONS.alarm)
  : entry.kind === "work" && entry.word !== "ploughed" ? "salt"
  : ICONS[entry.kind];

/** One line of the history. */
export function Entry({ entry, now_s, withRoad }) {
  const who = entry.kind === "alarm" && entry.what === "raised" ? "" : entry.user;
  return html`<li class="past">
    <time>${near(entry.utc_s, now_s)}</time>
    <span class=${`past-icon ${TONES[entry.kind] ?? ""}`}><${Icon} name=${icon(entry)} size=${20} /></span>
    <span class="who">${withRoad && entry.subject && html`<b>${subject(entry.subject)}</b> `}${entryWords(entry, now_s)}${who && html` · <b>${who}</b>`}
      ${entry.text && html`<small lang=${entry.kind === "alarm" && entry.what === "raised" ? "en" : null}>${entry.kind === "command" ? `“${entry.text}”` : entry.text}</small>`}</span>
  </li>`;
}

/** The entries as rows of a file, in words and in the district's time. */
function table(entries, now_s) {
  const heads = ["time", "utc", "kind", "road", "what", "user", "text"].map((head) => t(`history.csv.${head}`));
  const rows = entries.map((entry) => [
    dayClock(entry.utc_s), new Date(entry.utc_s * 1000).toISOString(), t(`history.kind.${entry.kind}`), subject(entry.subject), entryWords(entry, now_s), entry.user, entry.text,
  ]);
  return [heads, ...rows];
}

/** On a road's page: the newest three, and a button for all. */
export function Brief({ zone, onAll }) {
  const [found, setFound] = useState(/** @type {any} */ (null));
  useEffect(() => {
    let wanted = true;
    get(path({ zone: zone.id }))
      .then((answer) => wanted && setFound(answer))
      .catch(() => {}); // the rest of the page stands
    return () => (wanted = false);
  }, [zone.id, zone.override?.id, zone.not_heating, zone.works.length]);
  const now_s = model.clock.now_s();
  return html`<section class="brief" aria-labelledby="brief-title">
    <h3 id="brief-title">${t("history.title")} <button type="button" class="big small history-all" onClick=${onAll}>${t("history.all")}</button></h3>
    <ul>${found?.entries.slice(0, 3).map((entry) => html`<${Entry} entry=${entry} now_s=${now_s} />`)}</ul>
    ${found && !found.entries.length && html`<p class="hint">${t("history.none")}</p>`}
  </section>`;
}

function Filter({ label, value, onChange, children }) {
  return html`<label class="text"><span>${label}</span><select value=${value} onChange=${(event) => onChange(event.target.value)}>${children}</select></label>`;
}

export function HistoryPage({ zone = "", onClose }) {
  const dialog = useModal();
  const [road, setRoad] = useState(zone);
  const [kind, setKind] = useState("");
  const [days, setDays] = useState(1);
  const [found, setFound] = useState(/** @type {any} */ (null));
  const [audit, setAudit] = useState(false);
  const admin = model.session?.role === "admin";
  useEffect(() => {
    let wanted = true;
    setFound(null);
    const reach = kind === "plan" && !road ? Math.min(days, PLAN_DAYS) : days;
    const from = Math.round(model.clock.now_s() - reach * DAY_S);
    attempt(() => get(path({ from, ...(road && { zone: road }), ...(kind && { kind }) })).then((answer) => wanted && setFound(answer)), "notice.not-loaded");
    return () => (wanted = false);
  }, [road, kind, days]);
  const now_s = model.clock.now_s();
  const kinds = KINDS.filter((each) => each !== "sign-in" || (admin && !road));
  const roads = [...model.zones.values()].sort((a, b) => name(a, current()).localeCompare(name(b, current()), current(), { numeric: true }));
  const back = (event) => (event.preventDefault(), onClose());
  return html`<dialog ref=${dialog} class="panel history" aria-labelledby="history-title" onCancel=${back}>
    <header>
      <button type="button" class="round" onClick=${onClose} aria-label=${t("panel.back")}><${Icon} name="back" /></button>
      <h2 id="history-title">${t("history.title")}</h2>
    </header>
    <div class="panel-body">
      ${admin && !zone && html`<div class="pair"><button type="button" class="big audit-open" aria-pressed=${String(audit)} onClick=${() => setAudit(!audit)}>${t(audit ? "audit.close" : "audit.open")}</button></div>`}
      ${audit ? html`<${Audit} />` : html`
        <div class="filters">
          <${Filter} label=${t("history.road")} value=${road} onChange=${setRoad}><option value="">${t("history.every-road")}</option>${roads.map((each) => html`<option value=${each.id}>${name(each, current())}</option>`)}<//>
          <${Filter} label=${t("history.what")} value=${kind} onChange=${setKind}><option value="">${t("history.everything")}</option>${kinds.map((each) => html`<option value=${each}>${t(`history.kind.${each}`)}</option>`)}<//>
          <${Filter} label=${t("history.period")} value=${days} onChange=${(value) => setDays(Number(value))}>${DAYS.map((each) => html`<option value=${each}>${t("history.days", { n: each })}</option>`)}<//>
        </div>
        ${kind === "plan" && !road && days > PLAN_DAYS && html`<p class="hint">${t("history.plan-short", { n: PLAN_DAYS })}</p>`}
        ${!found && html`<p class="hint">${t("people.loading")}</p>`}
        ${found && !found.entries.length && html`<p class="hint">${t("history.none")}</p>`}
        ${found && !found.complete && html`<p class="warn">${t("history.incomplete", { n: found.entries.length })}</p>`}
        <ul class="pasts">${found?.entries.map((entry) => html`<${Entry} entry=${entry} now_s=${now_s} withRoad=${!road} />`)}</ul>
        ${found?.entries.length > 0 && html`<div class="pair"><button type="button" class="big csv" onClick=${() => save(table(found.entries, now_s), "roadheat-history.csv")}>${t("history.csv")}</button></div>`}`}
    </div>
    <${Notice} />
  </dialog>`;
}
