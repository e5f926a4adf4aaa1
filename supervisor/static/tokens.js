// @ts-check
// For administrators: API tokens of programs. A new token is shown once.

import { attempt } from "./attempt.js";
import { command, commandKey } from "./api.js";
import { longDay, near } from "./format.js";
import { html } from "./html.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.js";
import { useModal } from "./modal.js";
import { model, say } from "./model.js";
import { Notice } from "./status.js";
import { useState } from "./vendor/preact-hooks.mjs";

const SCOPES = ["read", "command", "observe", "admin"];
const DAYS = [30, 90, 365];
const NOW_S = 150; // "last used" is true to the minute

function used(token) {
  if (!token.used_utc_s) return t("tokens.never");
  const now_s = model.clock.now_s();
  return now_s - token.used_utc_s < NOW_S ? t("tokens.now") : t("tokens.used", { time: near(token.used_utc_s, now_s) });
}

function Token({ token, onChange }) {
  const [sure, setSure] = useState(false);
  const ended = model.clock.now_s() >= token.expires_utc_s;
  const end = async () => {
    if (await attempt(() => command("DELETE", `/api/v1/tokens/${encodeURIComponent(token.id)}`, null, commandKey()))) say("tokens.ended", { name: token.name }, "good");
    await onChange();
  };
  return html`<li class="person token"><div class="row">
    <span class="mark"><${Icon} name="chip" /></span>
    <span class="who"><b>${token.name}</b> <span class="role">· ${token.scopes.map((scope) => t(`scope.${scope}`)).join(", ")}</span>
      <small>${used(token)} · ${ended ? t("tokens.expired") : t("tokens.until", { time: longDay(token.expires_utc_s) })}</small></span>
    <button type="button" class=${`big small end-token ${sure ? "danger" : ""}`} onClick=${() => (sure ? end() : setSure(true))} onBlur=${() => setSure(false)}
      aria-label=${`${t(sure ? "tokens.sure" : "tokens.end")}: ${token.name}`}>${t(sure ? "tokens.sure" : "tokens.end")}</button>
  </div></li>`;
}

function Made({ made }) {
  const copy = () => navigator.clipboard.writeText(made.token).then(() => say("tokens.copied", {}, "good"), () => {});
  return html`<div class="invitation">
    <p>${t("tokens.once", { name: made.name, time: longDay(made.expires_utc_s) })}</p>
    <input type="text" readonly value=${made.token} aria-label=${t("tokens.token")} onFocus=${(event) => event.target.select()} />
    <button type="button" class="big primary" onClick=${copy}>${t("tokens.copy")}</button>
  </div>`;
}

function NewToken({ onClose }) {
  const dialog = useModal();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState(["read"]);
  const [days, setDays] = useState(90);
  const [made, setMade] = useState(/** @type {any} */ (null));
  const toggle = (scope) => setScopes(scopes.includes(scope) ? scopes.filter((each) => each !== scope) : [...scopes, scope]);
  const make = (event) => {
    event.preventDefault();
    attempt(() => command("POST", "/api/v1/tokens", { name, scopes, days }, commandKey()).then(setMade));
  };
  const close = (event) => {
    event.stopPropagation(); // the list of people below stays open
    onClose();
  };
  return html`<dialog ref=${dialog} class="panel new-token" aria-labelledby="token-title" onCancel=${close} onClose=${close}>
    <header>
      <button type="button" class="round" onClick=${close} aria-label=${t("panel.back")}><${Icon} name="back" /></button>
      <h2 id="token-title">${t("tokens.new")}</h2>
    </header>
    <div class="panel-body">
      ${made
        ? html`<${Made} made=${made} />`
        : html`<form class="command" onSubmit=${make}>
            <label class="text"><span>${t("tokens.name")}</span>
              <input type="text" required minlength="2" maxlength="40" value=${name} onInput=${(event) => setName(event.target.value)} autocomplete="off" />
            </label>
            <fieldset>
              <legend>${t("tokens.scopes")}</legend>
              <div class="choices two">
                ${SCOPES.map((scope) => html`<label class=${`choice scope-${scope}`}>
                  <input type="checkbox" checked=${scopes.includes(scope)} onChange=${() => toggle(scope)} />
                  <span>${t(`scope.${scope}`)}</span>
                </label>`)}
              </div>
            </fieldset>
            <fieldset>
              <legend>${t("tokens.days")}</legend>
              <div class="choices three-in-a-row">
                ${DAYS.map((n) => html`<label class=${`choice days-${n}`}>
                  <input type="radio" name="days" checked=${days === n} onChange=${() => setDays(n)} />
                  <span>${t("tokens.days-n", { n })}</span>
                </label>`)}
              </div>
            </fieldset>
            <div class="send"><button type="submit" class="big primary" disabled=${!scopes.length}>${t("tokens.make")}</button></div>
          </form>`}
    </div>
    <${Notice} />
  </dialog>`;
}

export function Tokens({ tokens, onChange }) {
  const [making, setMaking] = useState(false);
  return html`<section class="tokens">
    <h3>${t("tokens.title")}</h3>
    <p class="hint">${t("tokens.hint")} <a href="/api" target="_blank" rel="noreferrer">${t("tokens.api")}</a></p>
    <ul class="people">${tokens.map((token) => html`<${Token} key=${token.id} token=${token} onChange=${onChange} />`)}</ul>
    <button type="button" class="big new-token-open" onClick=${() => setMaking(true)}>${t("tokens.new")}</button>
    ${making && html`<${NewToken} onClose=${() => { setMaking(false); onChange(); }} />`}
  </section>`;
}
