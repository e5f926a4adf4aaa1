// Who is signed in, at the foot of the list; and, for administrators, a link for one more person.

import { Problem, command, commandKey } from "./api.js";
import { dayClock } from "./format.js";
import { html } from "./html.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.js";
import { model, say } from "./model.js";
import { problemWords } from "./words.js";
import { useEffect, useRef, useState } from "./vendor/preact-hooks.mjs";

const ROLES = ["crew", "viewer", "engineer", "admin"];

async function attempt(work) {
  try {
    return await work();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    say("notice.failed", { why: problemWords(problem) }, "bad");
    return undefined;
  }
}

function Invitation({ made }) {
  const url = location.origin + made.path;
  const hand = () => (navigator.share ? navigator.share({ url }) : navigator.clipboard.writeText(url).then(() => say("invite.copied", {}, "good"))).catch(() => {});
  return html`<div class="invitation">
    <p>${t("invite.once", { user: made.user, time: dayClock(made.expires_utc_s) })}</p>
    <input type="text" readonly value=${url} aria-label=${t("invite.link")} onFocus=${(event) => event.target.select()} />
    <button type="button" class="big primary" onClick=${hand}>${t(navigator.share ? "invite.share" : "invite.copy")}</button>
  </div>`;
}

function Invite({ onClose }) {
  const dialog = useRef(null);
  const [user, setUser] = useState("");
  const [role, setRole] = useState("crew");
  const [made, setMade] = useState(null);
  useEffect(() => {
    dialog.current.showModal();
  }, []);
  const make = async (event) => {
    event.preventDefault();
    const answer = await attempt(() => command("POST", "/api/v1/links", { user: user.trim(), role }, commandKey()));
    if (answer) setMade(answer);
  };
  return html`<dialog ref=${dialog} class="panel" aria-labelledby="invite-title" onCancel=${onClose} onClose=${onClose}>
    <header>
      <button type="button" class="round" onClick=${onClose} aria-label=${t("panel.back")}><${Icon} name="back" /></button>
      <h2 id="invite-title">${t("invite.title")}</h2>
    </header>
    <div class="panel-body">
      ${made
        ? html`<${Invitation} made=${made} />`
        : html`<form class="command" onSubmit=${make}>
            <label class="text"><span>${t("invite.name")}</span>
              <input type="text" required minlength="2" maxlength="40" value=${user} onInput=${(event) => setUser(event.target.value)} autocomplete="off" />
            </label>
            <fieldset>
              <legend>${t("invite.role")}</legend>
              <div class="choices two">
                ${ROLES.map((each) => html`<label class=${`choice role-${each}`}>
                  <input type="radio" name="role" value=${each} checked=${role === each} onChange=${() => setRole(each)} />
                  <span>${t(`role.${each}`)}</span>
                </label>`)}
              </div>
            </fieldset>
            <div class="send"><button type="submit" class="big primary">${t("invite.make")}</button></div>
          </form>`}
    </div>
  </dialog>`;
}

export function Account() {
  const [inviting, setInviting] = useState(false);
  const { session } = model;
  const leave = async () => {
    if (await attempt(() => command("DELETE", "/api/v1/session", null, commandKey()).then(() => true))) location.assign("/login");
  };
  return html`<footer class="account">
    <p><${Icon} name="person" size=${18} /> ${session.user} · ${t(`role.${session.role}`)}</p>
    <div class="pair">
      ${session.role === "admin" && html`<button type="button" class="big" onClick=${() => setInviting(true)}>${t("invite.title")}</button>`}
      <button type="button" class="big" onClick=${leave}>${t("account.leave")}</button>
    </div>
    ${inviting && html`<${Invite} onClose=${() => setInviting(false)} />`}
  </footer>`;
}
