// @ts-check
// For administrators: who may sign in, where they are signed in, links not used yet; and how to end each of them.

import { attempt } from "./attempt.js";
import { command, commandKey, get } from "./api.js";
import { Invite } from "./invite.js";
import { NOW_S, SessionRow, endSession, kind, seen } from "./devices.js";
import { near } from "./format.js";
import { html } from "./html.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.js";
import { useModal } from "./modal.js";
import { model, say } from "./model.js";
import { PasskeyRow, removePasskey } from "./passkeys.js";
import { Freshness, Notice } from "./status.js";
import { Tokens } from "./tokens.js";
import { useEffect, useState } from "./vendor/preact-hooks.mjs";

const isNow = (utc_s) => model.clock.now_s() - utc_s < NOW_S;

/** Of a person who is not signed in now. */
const away = (utc_s) => (utc_s ? `${t("people.signed-out")} · ${t("people.seen", { time: near(utc_s, model.clock.now_s()) })}` : t("people.never"));

/** "phones: 1 · computers: 1 · passkeys: 2" */
function held(person) {
  const kinds = ["phone", "computer", "program", "unknown"].map((each) => [each, person.sessions.filter((one) => kind(one) === each).length]);
  return [...kinds, ["passkey", person.passkeys.length]].filter(([, n]) => n).map(([each, n]) => t(`people.devices.${each}`, { n })).join(", ");
}

const remove = (kind, id) => attempt(() => command("DELETE", `/api/v1/${kind}/${encodeURIComponent(id)}`, null, commandKey()));

function Sessions({ person, act, onInvite }) {
  const [sure, setSure] = useState(false);
  return html`<ul class="devices">
    ${person.sessions.map((session) => html`<${SessionRow} key=${session.id} session=${session} name=${person.name}
      onEnd=${() => act(() => endSession(session.id), "notice.ended")} />`)}
    ${person.passkeys.map((passkey) => html`<${PasskeyRow} key=${passkey.id} passkey=${passkey} name=${person.name}
      onRemove=${() => act(() => removePasskey(passkey.id), "passkey.removed")} />`)}
    <li><button type="button" class="big small again" onClick=${onInvite}>${t("people.again")}</button></li>
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

function Person({ person, open, onToggle, act, onInvite }) {
  const latest_s = person.seen_utc_s ?? 0;
  const own = person.sessions.some((session) => session.own);
  const here = person.sessions.length > 0 && isNow(latest_s);
  const state = own ? t("people.you") : person.sessions.length ? seen(latest_s) : away(latest_s);
  return html`<li class="person">
    <button type="button" class="row" aria-expanded=${open} onClick=${onToggle}>
      <span class="mark"><${Icon} name="person" /></span>
      <span class="who"><b>${person.name}</b> <span class="role">· ${t(`role.${person.role}`)}</span>
        <small>${here && html`<span class="here"><${Icon} name="circle" size=${18} /></span> `}${[state, held(person)].filter(Boolean).join(" · ")}</small></span>
      <${Icon} name=${open ? "less" : "more"} />
    </button>
    ${open && html`<${Sessions} person=${person} act=${act} onInvite=${onInvite} />`}
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
          <small>${t("people.pending-by", { time: near(link.expires_utc_s, model.clock.now_s()), by: link.by === "console" ? t("people.console") : link.by || t("people.service") })}</small></span>
        <button type="button" class="big small cancel-link" onClick=${() => act(() => remove("links", link.id), "notice.link-void")}
          aria-label=${`${t("people.cancel")}: ${link.person.name}`}>${t("people.cancel")}</button>
      </div></li>`)}
    </ul>
  </section>`;
}

export function People({ onClose }) {
  const dialog = useModal();
  const [people, setPeople] = useState(null);
  const [tokens, setTokens] = useState(/** @type {any[]} */ ([]));
  const [open, setOpen] = useState("");
  const [inviting, setInviting] = useState(/** @type {{name: string, role: string} | null} */ (null));
  const load = () => attempt(() => Promise.all([get("/api/v1/people").then(setPeople), get("/api/v1/tokens").then(setTokens)]), "notice.not-loaded");
  useEffect(() => {
    load();
  }, []);
  const act = async (work, key, values = {}) => {
    if (await work()) say(key, values, "good");
    await load();
  };
  const admins = (people ?? []).filter((person) => person.role === "admin" && (person.sessions.length || person.links.length || person.passkeys.length));
  return html`<dialog ref=${dialog} class="panel" aria-labelledby="people-title" onCancel=${onClose} onClose=${onClose}>
    <header>
      <button type="button" class="round" onClick=${onClose} aria-label=${t("panel.back")}><${Icon} name="back" /></button>
      <div class="titles"><h2 id="people-title">${t("people.title")}</h2>
        ${people && html`<p class="hint">${t("people.summary", { people: people.length, programs: tokens.length, links: people.reduce((sum, person) => sum + person.links.length, 0) })}</p>`}</div>
      <${Freshness} />
    </header>
    <div class="panel-body">
      <button type="button" class="big primary invite" onClick=${() => setInviting({ name: "", role: "crew" })}><${Icon} name="plus" /> ${t("invite.title")}</button>
      ${people
        ? html`<ul class="people">
            ${people.map((person) => html`<${Person} key=${person.name} person=${person} act=${act} open=${open === person.name}
              onToggle=${() => setOpen(open === person.name ? "" : person.name)} onInvite=${() => setInviting(person)} />`)}
          </ul>
          <${Pending} people=${people} act=${act} />
          <${Tokens} tokens=${tokens} onChange=${load} />
          <section><h3>${t("people.lost")}</h3><p class="hint boxed">${t("people.lost-text")}</p></section>
          ${admins.length === 1 && html`<p class="warn"><b>${t("people.one-admin")}</b><br />${t("people.one-admin-text")}</p>`}`
        : html`<p class="hint">${t("people.loading")}</p>`}
    </div>
    ${inviting && html`<${Invite} name=${inviting.name} kept=${inviting.role} onClose=${() => { setInviting(null); load(); }} />`}
    <${Notice} />
  </dialog>`;
}
