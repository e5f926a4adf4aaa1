// @ts-check
// Notifications: whether this browser shows alarms while the app is closed.

import { attempt } from "./attempt.js";
import { command, commandKey, get } from "./api.js";
import { bytes } from "./base64.js";
import { html } from "./html.js";
import { current, t } from "./i18n.js";
import { say } from "./model.js";
import { register } from "./workers.js";
import { useEffect, useState } from "./vendor/preact-hooks.mjs";

const DEADLINE_MS = 10_000;
const offered = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

let registering;
const worker = () => (registering ??= register("notifications", "/static/"));

const post = (path, body) => command("POST", path, body, commandKey());

/** Subscribe this browser; a word for what prevents it, "" where it worked. */
async function subscribe() {
  if ((await Notification.requestPermission()) !== "granted") return "denied";
  const { public_key } = await get("/api/v1/push");
  const registration = await worker();
  const asked = registration?.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(public_key) });
  const late = new Promise((done) => setTimeout(done, DEADLINE_MS, null)); // some browsers wait for ever
  const made = await Promise.race([asked, late]).catch(() => null); // no way to the browser's push service
  const { endpoint, keys } = made?.toJSON() ?? {};
  if (!endpoint || !keys) return "unreachable";
  await post("/api/v1/push", { endpoint, p256dh: keys.p256dh, auth: keys.auth, language: current() });
  return "";
}

async function unsubscribe() {
  const found = await (await worker())?.pushManager.getSubscription();
  if (!found) return;
  await post("/api/v1/push/end", { endpoint: found.endpoint });
  await found.unsubscribe();
}

export function Notifications() {
  const [on, setOn] = useState(false);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (!offered || Notification.permission !== "granted") return;
    worker().then((registration) => registration?.pushManager.getSubscription()).then((found) => setOn(Boolean(found)), () => {});
    navigator.serviceWorker.addEventListener("message", (event) => {
      if (event.data === "show-alarms") location.hash = "#alarms";
    });
  }, []);
  if (!offered) return html`<section class="passkeys"><h2>${t("push.title")}</h2><p class="hint">${t("push.unsupported")}</p></section>`;
  const change = async () => {
    setBusy(true);
    const why = await attempt(async () => (on ? (await unsubscribe()) ?? "off" : (await subscribe()) || "on"));
    if (why === "on" || why === "off") {
      setOn(why === "on");
      say(why === "on" ? "push.on" : "push.off", {}, "good");
    } else if (why) say(why === "denied" ? "push.denied" : "push.unreachable", {}, "bad");
    setBusy(false);
  };
  const test = () => attempt(() => post("/api/v1/push/test", {}).then(() => say("push.tested", {}, "good")));
  return html`<section class="passkeys notifications">
    <h2>${t("push.title")}</h2>
    <p class="hint">${t("push.hint")}</p>
    <button type="button" class="big push-switch" disabled=${busy} aria-pressed=${on} onClick=${change}>${t(on ? "push.stop" : "push.start")}</button>
    ${on && html`<button type="button" class="big push-test" onClick=${test}>${t("push.test")}</button>`}
  </section>`;
}
