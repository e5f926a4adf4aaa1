// @ts-check
// Passkeys: one's own, made on this device; and the row that shows one, also in the list of people.

import { attempt } from "./attempt.js";
import { command, commandKey, get } from "./api.js";
import { bytes, text } from "./base64.js";
import { dayClock } from "./format.js";
import { html } from "./html.js";
import { has, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { model, say } from "./model.js";
import { useEffect, useState } from "./vendor/preact-hooks.mjs";

const phone = () => /Mobi|Android|iPhone|iPad/.test(navigator.userAgent);

/** Ask the device for a new passkey and bring it to the server; false where the device makes none. */
async function make() {
  const options = await command("POST", "/api/v1/passkeys/options", {}, commandKey());
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: options.excludeCredentials.map((one) => ({ ...one, id: bytes(one.id) })),
  };
  const made = /** @type {PublicKeyCredential | null} */ (await navigator.credentials.create({ publicKey }).catch(() => null));
  if (!made) return false;
  const given = /** @type {AuthenticatorAttestationResponse} */ (made.response);
  const response = { clientDataJSON: text(given.clientDataJSON), attestationObject: text(given.attestationObject) };
  await command("POST", "/api/v1/passkeys", { id: made.id, response, device: phone() ? "phone" : "computer" }, commandKey());
  return true;
}

export const removePasskey = (id) => attempt(() => command("DELETE", `/api/v1/passkeys/${encodeURIComponent(id)}`, null, commandKey()));

/** One passkey, with a button that removes it. */
export function PasskeyRow({ passkey, name, onRemove }) {
  const device = t(has(`device.${passkey.device}`) ? `device.${passkey.device}` : "device.unknown");
  const used = passkey.used_utc_s ? t("passkey.used", { time: dayClock(passkey.used_utc_s) }) : t("passkey.never");
  return html`<li>
    <${Icon} name="key" />
    <span class="who"><b>${t("passkey.one")} · ${device}</b><small>${t("passkey.since", { time: dayClock(passkey.made_utc_s) })} · ${used}</small></span>
    <button type="button" class="big small remove-passkey" onClick=${onRemove} aria-label=${`${t("passkey.remove")}: ${name}, ${device}`}>${t("passkey.remove")}</button>
  </li>`;
}

export function Passkeys() {
  const [own, setOwn] = useState(/** @type {any[]} */ ([]));
  const [busy, setBusy] = useState(false);
  const offered = model.session?.passkeys && "PublicKeyCredential" in window;
  const load = () => attempt(() => get("/api/v1/passkeys").then(setOwn));
  useEffect(() => {
    if (offered) load();
  }, []);
  if (!offered) return null;
  const add = async () => {
    setBusy(true);
    const made = await attempt(async () => ((await make()) ? "made" : "refused"));
    if (made === "made") say("passkey.made", {}, "good");
    if (made === "refused") say("passkey.not-made", {}, "bad");
    setBusy(false);
    await load();
  };
  const remove = async (id) => {
    if (await removePasskey(id)) say("passkey.removed", {}, "good");
    await load();
  };
  return html`<section class="passkeys">
    <h2>${t("passkey.title")}</h2>
    <p class="hint">${t("passkey.hint")}</p>
    ${own.length > 0 && html`<ul class="devices">
      ${own.map((one) => html`<${PasskeyRow} key=${one.id} passkey=${one} name=${model.session?.user} onRemove=${() => remove(one.id)} />`)}
    </ul>`}
    <button type="button" class="big make-passkey" disabled=${busy} onClick=${add}>${t("passkey.make")}</button>
  </section>`;
}
