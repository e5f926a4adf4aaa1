// @ts-check
// The screen on the wall of the control room: no touch, no sign-in. Its address holds a token of scope `read` behind
// the #, which browsers send to no server.

import { passed_ms } from "./clock.js";
import { Feeders } from "./feeders.js";
import { clock, number, setTimezone } from "./format.js";
import { html } from "./html.js";
import { LANGUAGES, current, preferred, t, use } from "./i18n.js";
import { Icon } from "./icons.js";
import { DistrictMap } from "./map.js";
import { changed, model, onChange } from "./model.js";
import { forceSound, soundBlocked, useDangerSound } from "./sound.js";
import { Square, cause, lyingWords } from "./tile.js";
import { DoneMarks } from "./work.js";
import { follow } from "./wall_stream.js";
import { heating, kind, name, sorted } from "./zone.js";
import { render } from "./vendor/preact.mjs";
import { useEffect, useReducer } from "./vendor/preact-hooks.mjs";

const SILENT_MS = 60_000; // then it says across its width that it is old
const ROWS = 6; // that fit below each other; more are counted
const WATCHED = 10; // names of roads to watch
const WATCHED_BESIDE_MAP = 4;
const SHIFT_MS = 600_000; // against burn-in
const SHIFTS = 4;

let heard_ms = 0;
let refused = 0;
let roads = /** @type {any[]} */ ([]); // where they run; none: there is no map

/** Token, language and sound of the address: `#rht_…`, `#ko,rht_…` or `#ko,sound,rht_…`. */
function address() {
  const parts = location.hash.slice(1).split(",");
  return { token: parts.find((part) => part.startsWith("rht_")) ?? "", language: parts.find((part) => LANGUAGES.includes(part)) ?? preferred(), sound: parts.includes("sound") };
}

const day = (utc_s) => new Intl.DateTimeFormat(current(), { weekday: "short", month: "long", day: "numeric", timeZone: model.session?.timezone }).format(utc_s * 1000);

function Row({ zone, n, now_s }) {
  const [tone, icon, words] = cause(zone, now_s);
  const depth = kind(zone) === "snow" ? t(zone.online && zone.surface_c !== null ? "wall.depth" : "wall.depth-estimated", { cm: number(zone.snow_cm) }) : lyingWords(zone);
  return html`<li class="wall-row" data-zone=${zone.id}>
    <${Square} zone=${zone} now_s=${now_s} large />
    <div><h2><b class="n">${n}</b>${name(zone, current())}</h2><p class=${tone}><${Icon} name=${icon} size=${30} /><span>${words}</span></p></div>
    <p class="right"><b>${depth}</b>${zone.works.length ? html`<small class="done"><${DoneMarks} zone=${zone} /></small>` : html`<small class="nobody">${t("wall.nobody")}</small>`}</p>
  </li>`;
}

function Danger({ zones, now_s }) {
  if (!zones.length) return html`<p class="wall-calm"><${Icon} name="circle" size=${72} /><span>${t("wall.calm")}</span></p>`;
  return html`<ul>${zones.slice(0, ROWS).map((zone, at) => html`<${Row} key=${zone.id} zone=${zone} n=${at + 1} now_s=${now_s} />`)}</ul>
    ${zones.length > ROWS && html`<p class="wall-more">${t("wall.more", { n: zones.length - ROWS, names: zones.slice(ROWS).map((zone) => name(zone, current())).join(" · ") })}</p>`}`;
}

const Count = ({ word, icon, zones, text }) =>
  html`<div class=${`wall-count ${word}`}><${Icon} name=${icon} size=${56} /><b>${zones.length}</b><div><h2>${t(`section.${word}`)}</h2><p>${text}</p></div></div>`;

function Watched({ zones, now_s }) {
  const most = roads.length ? WATCHED_BESIDE_MAP : WATCHED;
  return html`<ul class="wall-watched">
    ${zones.slice(0, most).map((zone) => html`<li key=${zone.id}><b>${name(zone, current())}</b><span>${cause(zone, now_s)[2]}</span></li>`)}
    ${zones.length > most && html`<li>${t("wall.others", { n: zones.length - most })}</li>`}
  </ul>`;
}

function Old() {
  if (refused) return html`<p class="wall-old" role="alert">${t("wall.refused")}</p>`;
  if (heard_ms && passed_ms() - heard_ms < SILENT_MS) return null;
  return html`<p class="wall-old" role="alert">${heard_ms ? t("wall.old", { time: clock(model.clock.now_s() - (passed_ms() - heard_ms) / 1000) }) : t("wall.waiting")}</p>`;
}

function Wall() {
  const [, redraw] = useReducer((count) => count + 1, 0);
  useEffect(() => onChange(redraw), []);
  useEffect(() => {
    const timer = setInterval(redraw, 1_000);
    return () => clearInterval(timer);
  }, []);
  useDangerSound(true);
  const now_s = model.clock.now_s();
  const zones = sorted([...model.zones.values()], current());
  const of = (word) => zones.filter((zone) => zone.section === word);
  const [danger, watch, fine] = ["danger", "watch", "fine"].map(of);
  const hot = fine.filter(heating).length;
  const open = model.alarms.filter((alarm) => alarm.acknowledged_by === null).length;
  return html`<main class=${`wall shift-${Math.floor(passed_ms() / SHIFT_MS) % SHIFTS}`}>
    <${Old} />
    <section class="wall-left">
      <h1 class=${danger.length ? "some" : ""}><${Icon} name="octagon" size=${56} /> ${t("section.danger")} ${danger.length} <small>${t("section-hint.danger")}</small></h1>
      <${Danger} zones=${danger} now_s=${now_s} />
      <div class="wall-counts">
        <${Count} word="watch" icon="trouble" zones=${watch} text=${t("section-hint.watch")} />
        <${Count} word="fine" icon="circle" zones=${fine} text=${t("fold.count", { hot, rest: fine.length - hot })} />
      </div>
    </section>
    <section class="wall-right">
      <header><b class="time">${clock(now_s)}</b><p><b>${model.session?.site ?? ""}</b><span>${day(now_s)}</span></p></header>
      ${roads.length > 0 && html`<${DistrictMap} roads=${roads} numbers=${new Map(danger.slice(0, ROWS).map((zone, at) => [zone.id, at + 1]))} now_s=${now_s} />`}
      <${Watched} zones=${watch} now_s=${now_s} />
      <${Feeders} />
      <p class="wall-foot">${t("wall.foot", { heard: zones.filter((zone) => zone.online).length, n: zones.length, open })}${soundBlocked() && html` <b class="nobody">${t("sound.press")}</b>`}</p>
    </section>
  </main>`;
}

/** @type {Record<string, (data: any) => void>} */
const TAKE = {
  zones: (list) => (model.zones = new Map(list.map((zone) => [zone.id, zone]))),
  zone: (one) => model.zones.set(one.id, one),
  change: (part) => model.zones.set(part.id, { ...model.zones.get(part.id), ...part }),
  alarms: (list) => (model.alarms = list),
  clock: ({ utc_s, rate }) => model.clock.set(utc_s, rate),
};

async function session(token) {
  const asked = async (path) => {
    const answer = await fetch(path, { headers: { Authorization: `Bearer ${token}` }, credentials: "omit" });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  };
  model.session = await asked("/api/v1/session");
  setTimezone(model.session?.timezone);
  roads = (await asked("/api/v1/map")).roads;
}

async function start() {
  const { token, language, sound } = address();
  if (sound) forceSound();
  await use(language);
  render(html`<${Wall} />`, /** @type {HTMLElement} */ (document.getElementById("wall")));
  const take = ({ name: event, data }) => {
    heard_ms = passed_ms();
    refused = 0;
    TAKE[event]?.(data);
    if (!model.session) session(token).then(changed, () => {});
    changed();
  };
  await follow("/api/v1/stream?changes=1", token, take, (status) => {
    refused = status;
    changed();
  });
}

addEventListener("hashchange", () => location.reload());
start().catch(() => setTimeout(() => location.reload(), 5_000));
