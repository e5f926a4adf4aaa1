// @ts-check
// The screen "more": who is signed in, the language; and, for administrators, the people.

import { attempt } from "./attempt.js";
import { Problem, command, commandKey } from "./api.js";
import { html } from "./html.js";
import { LANGUAGES, current, t, use } from "./i18n.js";
import { Icon } from "./icons.js";
import { OtherDevices } from "./devices.js";
import { Duty } from "./duty.js";
import { EnergyLater } from "./energy_later.js";
import { HistoryPage } from "./history.js";
import { Invite } from "./invite.js";
import { forget } from "./kept.js";
import { changed, model, say } from "./model.js";
import { Notifications } from "./notify.js";
import { Passkeys } from "./passkeys.js";
import { People } from "./people.js";
import { useState } from "./vendor/preact-hooks.mjs";

/** Whose weather is shown, and under which licence: the licences demand it. */
function Sources() {
  const sources = model.session?.attributions ?? [];
  const link = (text, url) => html`<a href=${url} target="_blank" rel="noreferrer">${text}</a>`;
  return sources.length > 0 && html`<p class="sources">${t("weather.sources")} ${sources.map((one) => html`<span>${link(one.source, one.url)} (${link(one.licence, one.licence_url)})</span>`)}</p>`;
}

function Language() {
  const other = LANGUAGES.find((tag) => tag !== current());
  const swap = () => use(other, true).then(changed, () => say("notice.failed", { why: t("problem.no-answer") }, "bad"));
  return html`<button type="button" class="big language" onClick=${swap} lang=${other}>${other === "ko" ? "한국어" : "English"}</button>`;
}

export function Account() {
  const [open, setOpen] = useState("");
  const [last, setLast] = useState(false); // the only administrator is asked before signing out
  const { session } = model;
  const close = () => setOpen("");
  const leave = () =>
    attempt(() =>
      command("DELETE", `/api/v1/session${last ? "?last-admin=yes" : ""}`, null, commandKey()).then(
        () => {
          forget();
          location.assign("/login");
        },
        (problem) => {
          if (!(problem instanceof Problem) || problem.code !== "last-admin") throw problem;
          setLast(true);
          say("account.last-admin", {}, "bad");
        },
      ),
    );
  return html`<main class="account">
    <p><${Icon} name="person" size=${18} /> ${session?.user} · ${t(`role.${session?.role}`)}</p>
    <div class="pair"><${Language} />
      <button type="button" class="big duty-open" onClick=${() => setOpen("duty")}>${t("duty.title")}</button>
      <button type="button" class="big energy-open" onClick=${() => setOpen("energy")}>${t("energy.title")}</button>
      <button type="button" class="big history-open" onClick=${() => setOpen("history")}>${t("history.title")}</button></div>
    <div class="pair">
      ${session?.role === "admin" && html`<button type="button" class="big invite-open" onClick=${() => setOpen("invite")}>${t("invite.title")}</button>
        <button type="button" class="big people-open" onClick=${() => setOpen("people")}>${t("people.title")}</button>`}
      <button type="button" class=${last ? "big danger" : "big"} onClick=${leave}>${t(last ? "account.leave-sure" : "account.leave")}</button>
    </div>
    <${Notifications} />
    <${Passkeys} />
    <${OtherDevices} />
    <p class="hint kept-of-you">${t("account.kept")}</p>
    <${Sources} />
    ${open === "invite" && html`<${Invite} onClose=${close} />`}
    ${open === "energy" && html`<${EnergyLater} onClose=${close} />`}
    ${open === "history" && html`<${HistoryPage} onClose=${close} />`}
    ${open === "duty" && html`<${Duty} onClose=${close} />`}
    ${open === "people" && html`<${People} onClose=${close} />`}
  </main>`;
}
