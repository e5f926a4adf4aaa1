// @ts-check
// The crew app. Read here first: sign-in, live stream, one list, one panel; the address (#/zone) says what is open.

import { Account } from "./account.js";
import { Alarms } from "./alarms.js";
import { session } from "./api.js";
import { DangerBoxes, DangerStrip } from "./danger.js";
import { Degraded } from "./degraded.js";
import { dayClock, number, setTimezone } from "./format.js";
import { Dispatcher } from "./dispatcher.js";
import { noteDisplaced } from "./displaced.js";
import { Group } from "./group.js";
import { html } from "./html.js";
import { preferred, t, use } from "./i18n.js";
import { Find, ZoneList } from "./list.js";
import { Live } from "./live.js";
import { changed, model, onChange } from "./model.js";
import { Nav, view } from "./nav.js";
import { Panel } from "./panel.js";
import { AwayRow, StageWords, watchPresence } from "./shift.js";
import { Freshness, Notice } from "./status.js";
import { wide } from "./wide.js";
import { render } from "./vendor/preact.mjs";
import { useEffect, useReducer } from "./vendor/preact-hooks.mjs";

const TICK_MS = 1_000;
const TICK_FAST_MS = 250; // a demo's countdown jumps less

function Header() {
  return html`<header class="top">
    <${DangerStrip} />
    <div class="site">
      <h1>${model.session?.site || "Roadheat"}</h1>
      <p>${dayClock(model.clock.now_s())}${model.clock.fast && html` <b class="fast">×${number(model.clock.rate, 0)}</b>`}<${StageWords} /></p>
    </div>
    <${Freshness} />
  </header>`;
}

/** Id of the open road; an address that cannot be read opens none. */
function openZone() {
  try {
    return location.hash.startsWith("#/") ? decodeURIComponent(location.hash.slice(2)) : "";
  } catch {
    return "";
  }
}
const open = (id) => {
  const address = `#/${encodeURIComponent(id)}`;
  if (openZone()) location.replace(address); // beside the list: one step back closes it, however many were looked at
  else location.hash = address;
};
const close = () => (history.state?.fromList ? history.back() : history.replaceState(null, "", "#"), changed());

function App() {
  const [, redraw] = useReducer((count) => count + 1, 0);
  useEffect(() => onChange(redraw), []);
  useEffect(() => {
    const timer = setInterval(redraw, model.clock.fast ? TICK_FAST_MS : TICK_MS);
    return () => clearInterval(timer);
  }, [model.clock.fast]);
  const zone = model.zones.get(openZone());
  const shown = view();
  return html`
    <${Header} />
    ${model.link === "signed-out" && html`<p class="banner" role="alert">${t("signed-out.text")} <a class="button" href="/login">${t("signed-out.how")}</a></p>`}
    ${shown === "roads" && html`<${DangerBoxes} /><${Degraded} /><${AwayRow} />${wide() ? html`<${Dispatcher} onOpen=${open} chosen=${zone} />` : html`<${ZoneList} onOpen=${open} />`}`}
    ${shown === "alarms" && html`<${Alarms} />`}
    ${shown === "find" && html`<${Find} onOpen=${open} />`}
    ${shown === "group" && html`<${Group} />`}
    ${shown === "more" && html`<${Account} />`}
    <${Nav} />
    ${zone && html`<${Panel} key=${`${zone.id} ${wide()}`} zone=${zone} onClose=${close} />`}
    ${!zone && html`<${Notice} />`}
  `;
}

const live = new Live(
  "/api/v1/stream?changes=1",
  {
    zones(list) {
      model.zones = new Map(list.map((zone) => [zone.id, zone]));
      changed();
    },
    zone(one) {
      noteDisplaced(model.zones.get(one.id), one);
      model.zones.set(one.id, one);
      changed();
    },
    change(part) {
      const before = model.zones.get(part.id);
      if (before) this.zone({ ...before, ...part });
    },
    alarms(list) {
      model.alarms = list;
      changed();
    },
    degraded(list) {
      model.degraded = list;
      changed();
    },
    clock({ utc_s, rate }) {
      model.clock.set(utc_s, rate);
      changed();
    },
    state(word) {
      if (model.link !== word) changed();
      model.link = word;
    },
  },
  async () => (await session()) !== null,
);
model.live = live;
const root = /** @type {HTMLElement} */ (document.getElementById("app")); // in index.html, with a text for the start

async function start() {
  await use(preferred());
  model.session = await session();
  if (!model.session) return location.reload(); // the server then says how to sign in
  setTimezone(model.session.timezone);
  model.clock.set(model.session.utc_s);
  addEventListener("hashchange", () => {
    if (openZone()) history.replaceState({ fromList: true }, "");
    changed();
  });
  root.replaceChildren(); // the words of the start
  render(html`<${App} />`, root);
  live.start();
  watchPresence();
}

start().catch(() => {
  // No signal at the very start: say so in both languages and retry.
  (root.firstElementChild ?? root).textContent = "No connection, trying again… 연결 안 됨, 다시 시도 중…";
  setTimeout(() => location.reload(), 5_000);
});
