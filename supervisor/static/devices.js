// @ts-check
// Where a person is signed in: a row for each device, and for oneself a way to end the others.

import { attempt } from "./attempt.js";
import { command, commandKey, get } from "./api.js";
import { age, near } from "./format.js";
import { html } from "./html.js";
import { has, t } from "./i18n.js";
import { model, say } from "./model.js";
import { useEffect, useState } from "./vendor/preact-hooks.mjs";

export const NOW_S = 150; // "last seen" is true to the minute
const MINUTES_AGO_S = 5_400; // older than that, the hour says more

export const kind = (session) => (has(`device.${session.device}`) ? session.device : "unknown");
const device = (session) => t(`device.${kind(session)}`);

export function seen(utc_s) {
  const gone_s = model.clock.now_s() - utc_s;
  if (gone_s < NOW_S) return t("people.now");
  return gone_s < MINUTES_AGO_S ? age(gone_s) : t("people.seen", { time: near(utc_s, model.clock.now_s()) });
}

export const endSession = (id) => attempt(() => command("DELETE", `/api/v1/sessions/${encodeURIComponent(id)}`, null, commandKey()));

/** One session, with a button that ends it. */
export function SessionRow({ session, name, onEnd }) {
  return html`<li>
    <span class="who"><b>${device(session)}${session.own ? ` · ${t("people.you")}` : ""}</b>
      <small>${seen(session.seen_utc_s)} · ${t("people.since", { time: near(session.created_utc_s, model.clock.now_s()) })}</small></span>
    <button type="button" class="big small end" onClick=${onEnd} aria-label=${`${t("people.end")}: ${name}, ${device(session)}`}>${t("people.end")}</button>
  </li>`;
}

/** One's own sessions on other devices; nothing where there is none. */
export function OtherDevices() {
  const [others, setOthers] = useState(/** @type {any[]} */ ([]));
  const load = () => attempt(() => get("/api/v1/sessions").then((all) => setOthers(all.filter((one) => !one.own))));
  useEffect(() => {
    load();
  }, []);
  if (others.length === 0) return null;
  const end = async (done, notice) => {
    if (await done) say(notice, {}, "good");
    await load();
  };
  const endAll = () => attempt(() => command("DELETE", "/api/v1/sessions", null, commandKey()));
  return html`<section class="other-devices">
    <h2>${t("devices.title")}</h2>
    <p class="hint">${t("devices.hint")}</p>
    <ul class="devices">
      ${others.map((one) => html`<${SessionRow} key=${one.id} session=${one} name=${model.session?.user} onEnd=${() => end(endSession(one.id), "notice.ended")} />`)}
    </ul>
    <button type="button" class="big end-others" onClick=${() => end(endAll(), "devices.ended")}>${t("devices.end-all")}</button>
  </section>`;
}
