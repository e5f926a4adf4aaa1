// @ts-check
// Who is on duty, and what is being worked on: times during which nobody is notified of a road's alarms.

import { attempt } from "./attempt.js";
import { command, commandKey, get } from "./api.js";
import { dayClock, districtSeconds, near } from "./format.js";
import { html } from "./html.js";
import { current, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { useModal } from "./modal.js";
import { model, say } from "./model.js";
import { Notice } from "./status.js";
import { name } from "./zone.js";
import { useEffect, useState } from "./vendor/preact-hooks.mjs";

const HOURS = [1, 2, 4, 8, 24];
const may = (...roles) => roles.includes(model.session?.role ?? "");

const place = (subject) => {
  const zone = model.zones.get(subject);
  return !subject ? t("duty.everything") : zone ? name(zone, current()) : subject;
};

/** A row with what ends it. */
function Row({ icon, title, small, onEnd, label }) {
  return html`<li class="person"><div class="row">
    <span class="mark"><${Icon} name=${icon} /></span>
    <span class="who"><b>${title}</b><small>${small}</small></span>
    ${onEnd && html`<button type="button" class="big small end" onClick=${onEnd} aria-label=${`${label}: ${title}`}>${label}</button>`}
  </div></li>`;
}

function Works({ windows, act }) {
  const [subject, setSubject] = useState("");
  const [hours, setHours] = useState(2);
  const [reason, setReason] = useState("");
  const now_s = model.clock.now_s();
  const standing = windows.filter((one) => one.until_utc_s > now_s);
  const add = (event) => {
    event.preventDefault();
    const until_utc_s = Math.round(now_s + hours * 3600);
    act(() => command("POST", "/api/v1/maintenance", { subject, reason: reason.trim(), until_utc_s }, commandKey()), "duty.work-added");
    setReason("");
  };
  const zones = [...model.zones.values()];
  const wide = may("engineer", "admin"); // all roads at once
  return html`<section>
    <h3>${t("duty.work")}</h3>
    <p class="hint">${t("duty.work-hint")}</p>
    <ul class="people">${standing.map((one) => html`<${Row} key=${one.id} icon="lock" title=${`${place(one.subject)} · ${one.reason}`}
      small=${t("duty.until-by", { time: near(one.until_utc_s, now_s), user: one.made_by })} label=${t("duty.end")}
      onEnd=${may("crew", "engineer", "admin") && (() => act(() => command("DELETE", `/api/v1/maintenance/${one.id}`, null, commandKey()), "duty.work-ended"))} />`)}</ul>
    ${may("crew", "engineer", "admin") && html`<form class="command" onSubmit=${add}>
      <label class="text"><span>${t("duty.where")}</span>
        <select required=${!wide} value=${subject} onChange=${(event) => setSubject(event.target.value)}>
          <option value="" disabled=${!wide}>${t(wide ? "duty.everything" : "duty.choose")}</option>
          ${zones.map((zone) => html`<option value=${zone.id}>${name(zone, current())}</option>`)}
        </select></label>
      <label class="text"><span>${t("duty.reason")}</span>
        <input type="text" required maxlength="200" value=${reason} onInput=${(event) => setReason(event.target.value)} /></label>
      <label class="text"><span>${t("duty.hours")}</span>
        <select value=${hours} onChange=${(event) => setHours(Number(event.target.value))}>
          ${HOURS.map((each) => html`<option value=${each}>${t("duty.hours-n", { count: each })}</option>`)}
        </select></label>
      <div class="send"><button type="submit" class="big primary">${t("duty.add-work")}</button></div>
    </form>`}
  </section>`;
}

function Roster({ roster, act }) {
  const now_s = model.clock.now_s();
  const [person, setPerson] = useState("");
  const [from, setFrom] = useState("");
  const [until, setUntil] = useState("");
  const add = (event) => {
    event.preventDefault();
    const shift = { person: person.trim(), from_utc_s: districtSeconds(from), until_utc_s: districtSeconds(until) };
    act(() => command("POST", "/api/v1/roster", { shifts: [shift] }, commandKey()), "duty.shift-added");
  };
  const shifts = roster.shifts.filter((one) => one.until_utc_s > now_s);
  return html`<section>
    <h3>${t("duty.roster")}</h3>
    ${roster.hole_from_utc_s !== null && html`<p class="warn">${t("duty.hole", { from: near(roster.hole_from_utc_s, now_s), until: near(roster.hole_until_utc_s, now_s) })}</p>`}
    ${!shifts.length && html`<p class="hint">${t("duty.empty")}</p>`}
    <ul class="people">${shifts.map((one) => html`<${Row} key=${one.id} icon="person" title=${one.person}
      small=${`${dayClock(one.from_utc_s)} – ${dayClock(one.until_utc_s)}${one.from_utc_s <= now_s ? ` · ${t("duty.now")}` : ""}`} label=${t("duty.remove")}
      onEnd=${may("engineer", "admin") && (() => act(() => command("DELETE", `/api/v1/roster/${one.id}`, null, commandKey()), "duty.shift-removed"))} />`)}</ul>
    ${may("engineer", "admin") && html`<form class="command" onSubmit=${add}>
      <label class="text"><span>${t("duty.person")}</span><input type="text" required maxlength="40" value=${person} onInput=${(event) => setPerson(event.target.value)} /></label>
      <label class="text"><span>${t("duty.from")}</span><input type="datetime-local" required value=${from} onInput=${(event) => setFrom(event.target.value)} /></label>
      <label class="text"><span>${t("duty.until")}</span><input type="datetime-local" required value=${until} onInput=${(event) => setUntil(event.target.value)} /></label>
      <div class="send"><button type="submit" class="big primary">${t("duty.add-shift")}</button></div>
    </form>`}
  </section>`;
}

export function Duty({ onClose }) {
  const dialog = useModal();
  const [roster, setRoster] = useState(null);
  const [windows, setWindows] = useState([]);
  const load = () =>
    attempt(async () => {
      setRoster(await get("/api/v1/roster"));
      setWindows(await get("/api/v1/maintenance"));
    }, "notice.not-loaded");
  useEffect(() => {
    load();
  }, []);
  const act = async (work, key) => {
    if (await attempt(work)) say(key, {}, "good");
    await load();
  };
  return html`<dialog ref=${dialog} class="panel duty" aria-labelledby="duty-title" onCancel=${onClose} onClose=${onClose}>
    <header>
      <button type="button" class="round" onClick=${onClose} aria-label=${t("panel.back")}><${Icon} name="back" /></button>
      <h2 id="duty-title">${t("duty.title")}</h2>
    </header>
    <div class="panel-body">
      ${roster ? html`<${Works} windows=${windows} act=${act} /><${Roster} roster=${roster} act=${act} />` : html`<p class="hint">${t("people.loading")}</p>`}
    </div>
    <${Notice} />
  </dialog>`;
}
