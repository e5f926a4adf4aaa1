// @ts-check
// For administrators: who may sign in, where they are signed in, links not used yet; and how to end each of them.

import { attempt } from "./attempt.js";
import { command, commandKey, get } from "./api.js";
import { Invite } from "./invite.js";
import { dayClock } from "./format.js";
import { html } from "./html.js";
import { has, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { model, say } from "./model.js";
import { Notice } from "./status.js";
import { useEffect, useRef, useState } from "./vendor/preact-hooks.mjs";

const NOW_S = 150; // "last seen" is true to the minute

const device = (session) => t(has(`device.${session.device}`) ? `device.${session.device}` : "device.unknown");
const seen = (session) => (model.clock.now_s() - session.seen_utc_s < NOW_S ? t("people.now") : t("people.seen", { time: dayClock(session.seen_utc_s) }));

const remove = (kind, id) => attempt(() => command("DELETE", `/api/v1/${kind}/${encodeURIComponent(id)}`, null, commandKey()));

function Sessions({ person, act }) {
  const [sure, setSure] = useState(false);
  return html`<ul class="devices">
    ${person.sessions.map((session) => html`<li>
      <span class="who"><b>${device(session)}${session.own ? ` · ${t("people.you")}` : ""}</b>
        <small>${seen(session)} · ${t("people.since", { time: dayClock(session.created_utc_s) })}</small></span>
      <button type="button" class="big small end" onClick=${() => act(() => remove("sessions", session.id), "notice.ended")}
        aria-label=${`${t("people.end")}: ${person.name}, ${device(session)}`}>${t("people.end")}</button>
    </li>`)}
    <li>
      ${sure
        ? html`<div class="pair">
            <button type="button" class="big danger" onClick=${() => act(() => remove("people", person.name), "notice.removed", { name: person.name })}>${t("people.remove-sure")}</button>
            <button type="button" class="big" onClick=${() => setSure(false)}>${t("people.keep")}</button>
          </div>`
        : html`<button type="button" class="big small remove" onClick=${() => setSure(true)}>${t("people.remove", { name: person.name })}</button>`}
    </li>
  </ul>`;
}

function Person({ person, open, onToggle, act }) {
  const latest = person.sessions[0];
  const own = person.sessions.some((session) => session.own);
  const state = latest ? `${seen(latest)} · ${t("people.devices", { count: person.sessions.length })}` : t("people.signed-out");
  return html`<li class="person">
    <button type="button" class="row" aria-expanded=${open} onClick=${onToggle}>
      <span class="mark"><${Icon} name="person" /></span>
      <span class="who"><b>${person.name}</b> <span class="role">· ${t(`role.${person.role}`)}${own ? ` · ${t("people.you")}` : ""}</span><small>${state}</small></span>
      <${Icon} name=${open ? "less" : "more"} />
    </button>
    ${open && html`<${Sessions} person=${person} act=${act} />`}
  </li>`;
}

function Pending({ people, act }) {
  const links = people.flatMap((person) => person.links.map((link) => ({ ...link, person })));
  if (!links.length) return null;
  return html`<section>
    <h3>${t("people.pending")}</h3>
    <ul class="people">
      ${links.map((link) => html`<li class="person"><div class="row">
        <span class="mark"><${Icon} name="clock" /></span>
        <span class="who"><b>${link.person.name}</b> <span class="role">· ${t(`role.${link.person.role}`)}</span>
          <small>${t("people.pending-by", { time: dayClock(link.expires_utc_s), by: link.by === "console" ? t("people.console") : link.by || t("people.service") })}</small></span>
        <button type="button" class="big small cancel-link" onClick=${() => act(() => remove("links", link.id), "notice.link-void")}
          aria-label=${`${t("people.cancel")}: ${link.person.name}`}>${t("people.cancel")}</button>
      </div></li>`)}
    </ul>
  </section>`;
}

export function People({ onClose }) {
  const dialog = useRef(null);
  const [people, setPeople] = useState(null);
  const [open, setOpen] = useState("");
  const [inviting, setInviting] = useState(false);
  const load = () => attempt(() => get("/api/v1/people").then(setPeople));
  useEffect(() => {
    dialog.current.showModal();
    load();
  }, []);
  const act = async (work, key, values = {}) => {
    if (await work()) say(key, values, "good");
    await load();
  };
  const admins = (people ?? []).filter((person) => person.role === "admin" && (person.sessions.length || person.links.length));
  return html`<dialog ref=${dialog} class="panel" aria-labelledby="people-title" onCancel=${onClose} onClose=${onClose}>
    <header>
      <button type="button" class="round" onClick=${onClose} aria-label=${t("panel.back")}><${Icon} name="back" /></button>
      <div class="titles"><h2 id="people-title">${t("people.title")}</h2>
        ${people && html`<p class="hint">${t("people.summary", { people: people.length, links: people.reduce((sum, person) => sum + person.links.length, 0) })}</p>`}</div>
    </header>
    <div class="panel-body">
      <button type="button" class="big primary invite" onClick=${() => setInviting(true)}>${t("invite.title")}</button>
      ${people
        ? html`<ul class="people">
            ${people.map((person) => html`<${Person} key=${person.name} person=${person} act=${act} open=${open === person.name}
              onToggle=${() => setOpen(open === person.name ? "" : person.name)} />`)}
          </ul>
          <${Pending} people=${people} act=${act} />
          <section><h3>${t("people.lost")}</h3><p class="hint">${t("people.lost-text")}</p></section>
          ${admins.length === 1 && html`<p class="warn"><b>${t("people.one-admin")}</b><br />${t("people.one-admin-text")}</p>`}`
        : html`<p class="hint">${t("people.loading")}</p>`}
    </div>
    ${inviting && html`<${Invite} onClose=${() => { setInviting(false); load(); }} />`}
    <${Notice} />
  </dialog>`;
}
