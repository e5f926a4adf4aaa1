// @ts-check
// The crew app. Read here first: sign-in, live stream, one list, one panel; the address (#/zone) says what is open.

import { session, trust } from "./api.js";
import { passed_ms } from "./clock.js";
import { DangerBoxes, DangerStrip } from "./danger.js";
import { Degraded } from "./degraded.js";
import { dayClock, number, setTimezone } from "./format.js";
import { noteDisplaced } from "./displaced.js";
import { html } from "./html.js";
import { preferred, t, use } from "./i18n.js";
import { brought, forget, keepFromNow, kept } from "./kept.js";
import { Icon } from "./icons.js";
import { Find, SECTIONS, SECTION_ICONS, ZoneList } from "./list.js";
import { Live } from "./live.js";
import { changed, model, onChange } from "./model.js";
import { Nav, view } from "./nav.js";
import { Drafts, Offline } from "./offline.js";
import { AwayRow, StageWords, watchPresence } from "./presence.js";
import { Screen, fetchScreens } from "./screens.js";
import { useDangerSound } from "./sound.js";
import { Freshness, Notice } from "./status.js";
import { wide } from "./wide.js";
import { keepShell } from "./workers.js";
import { render } from "./vendor/preact.mjs";
import { useEffect, useReducer } from "./vendor/preact-hooks.mjs";

const TICK_MS = 1_000;
const TICK_FAST_MS = 250; // a demo's countdown jumps less

function Header() {
  return html`<header class="top">
    <${DangerStrip} />
    <div class="site">
      <h1>${model.session?.site || "Roadheat"}</h1>
      <p>${dayClock(model.clock.now_s())}${model.clock.fast && html` <b class="fast">×${number(model.clock.rate, 0)}</b>`}</p>
    </div>
    <${StageWords} />
    ${wide() && html`<${TopCounts} />`}
    <${Freshness} />
  </header>`;
}

/** On a wide screen: how many roads are in each section. */
function TopCounts() {
  const of = (word) => [...model.zones.values()].filter((zone) => zone.section === word).length;
  return html`<ul class="top-counts">${SECTIONS.map((word) => html`<li class=${`${word} ${of(word) ? "some" : ""}`}><${Icon} name=${SECTION_ICONS[word]} size=${20} /><b>${of(word)}</b> ${t(`count.${word}`)}</li>`)}</ul>`;
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
  useDangerSound(wide());
  const zone = model.zones.get(openZone());
  const shown = view();
  return html`
    <${Header} />
    ${model.link === "signed-out" && html`<p class="banner" role="alert">${t("signed-out.text")} <a class="button" href="/login">${t("signed-out.how")}</a></p>`}
    ${shown === "roads" && html`<${DangerBoxes} /><${Offline} /><${Drafts} /><${Degraded} /><${AwayRow} />${wide() ? html`<${Screen} name="Dispatcher" onOpen=${open} chosen=${zone} />` : html`<${ZoneList} onOpen=${open} />`}`}
    ${shown === "alarms" && html`<${Screen} name="Alarms" />`}
    ${shown === "find" && html`<${Find} onOpen=${open} />`}
    ${shown === "group" && html`<${Screen} name="Group" />`}
    ${shown === "shift" && html`<main></main><${Screen} name="ShiftPage" onClose=${() => (location.hash = "#")} />`}
    ${shown === "more" && html`<${Screen} name="Account" />`}
    <${Nav} />
    ${zone && html`<${Screen} name="Panel" key=${`${zone.id} ${wide()}`} zone=${zone} onClose=${close} />`}
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
      if (word === "signed-out") forget();
      if (word === "live" && !confirmed) confirm().catch(() => {}); // asked again with the next event
    },
  },
  async () => (await session()) !== null,
);
model.live = live;
const root = /** @type {HTMLElement} */ (document.getElementById("app")); // in index.html, with a text for the start

let confirmed = false; // the service has said who is signed in; what was kept does not count

async function confirm() {
  const found = await session();
  if (!found) {
    forget();
    return location.replace("/login");
  }
  confirmed = true;
  takeSession(found);
  changed();
}

function takeSession(found) {
  model.session = found;
  setTimezone(found.timezone);
}

/** Show what the page brought or this device kept, before the stream speaks. @param {import("./kept.js").Known} known */
function show({ session: who, zones, alarms = [], age_ms = 0 }) {
  takeSession(who);
  model.clock.set(who.utc_s + age_ms / 1000);
  model.zones = new Map(zones.map((zone) => [zone.id, zone]));
  model.alarms = alarms;
  live.heard_ms = passed_ms() - age_ms;
}

async function start() {
  const page = brought();
  const last = page ? null : kept();
  const asked = page ? null : confirm();
  asked?.catch(() => {}); // without signal: below, or with the stream
  await use(preferred());
  if (page) {
    trust(page.session);
    confirmed = true;
  }
  if (last) model.link = "lost"; // old until the stream speaks
  const known = page ?? last;
  if (known) show(known);
  else {
    await asked;
    model.clock.set(/** @type {any} */ (model.session).utc_s);
  }
  addEventListener("hashchange", () => {
    if (openZone()) history.replaceState({ fromList: true }, "");
    changed();
  });
  root.replaceChildren(); // the words of the start
  render(html`<${App} />`, root);
  live.start();
  watchPresence();
  fetchScreens();
  keepFromNow();
  keepShell();
}

start().catch(() => {
  // No signal at the very start: say so in both languages and retry.
  (root.firstElementChild ?? root).textContent = "No connection, trying again… 연결 안 됨, 다시 시도 중…";
  setTimeout(() => location.reload(), 5_000);
});
