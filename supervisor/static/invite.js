// @ts-check
// A one-time link for one more person, or for a known one.

import { Problem, command, commandKey } from "./api.js";
import { dayClock } from "./format.js";
import { html } from "./html.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.js";
import { useModal } from "./modal.js";
import { say } from "./model.js";
import { Notice } from "./status.js";
import { problemWords } from "./words.js";
import { useState } from "./vendor/preact-hooks.mjs";

const ROLES = ["crew", "viewer", "engineer", "admin"];

function Invitation({ made }) {
  const url = location.origin + made.path;
  const shares = typeof navigator.share === "function"; // phones do
  const hand = () => (shares ? navigator.share({ url }) : navigator.clipboard.writeText(url).then(() => say("invite.copied", {}, "good"))).catch(() => {});
  return html`<div class="invitation">
    <p>${t("invite.once", { user: made.user, time: dayClock(made.expires_utc_s) })}</p>
    <input type="text" readonly value=${url} aria-label=${t("invite.link")} onFocus=${(event) => event.target.select()} />
    <button type="button" class="big primary" onClick=${hand}>${t(shares ? "invite.share" : "invite.copy")}</button>
  </div>`;
}

export function Invite({ onClose, name = "", kept = "crew" }) {
  const dialog = useModal();
  const [user, setUser] = useState(name);
  const [role, setRole] = useState(kept);
  const [made, setMade] = useState(null);
  const [changing, setChanging] = useState(""); // the known name and the role that it would get
  const wanted = `${user.trim()} ${role}`;
  const make = async (event) => {
    event.preventDefault();
    try {
      setMade(await command("POST", "/api/v1/links", { user, role, change_role: changing === wanted }, commandKey()));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.code === "other-role") setChanging(wanted);
      else say("notice.failed", { why: problemWords(problem) }, "bad");
    }
  };
  const close = (event) => {
    event.stopPropagation(); // the list of people below stays open
    onClose();
  };
  return html`<dialog ref=${dialog} class="panel" aria-labelledby="invite-title" onCancel=${close} onClose=${close}>
    <header>
      <button type="button" class="round" onClick=${close} aria-label=${t("panel.back")}><${Icon} name="back" /></button>
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
            ${changing === wanted && html`<p class="warn" role="alert">${t("invite.change-role", { user: user.trim(), role: t(`role.${role}`) })}</p>`}
            <div class="send"><button type="submit" class="big primary">${t(changing === wanted ? "invite.change" : "invite.make")}</button></div>
          </form>`}
    </div>
    <${Notice} />
  </dialog>`;
}
