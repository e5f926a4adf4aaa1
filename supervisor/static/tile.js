// @ts-check
// A road in the list: what lies on it, how dangerous it is, and who or what decides, always in the same three places.

import { displaced } from "./displaced.js";
import { draftOf } from "./drafts.js";
import { celsius, clock, kilowatts, number } from "./format.js";
import { html } from "./html.js";
import { current, has, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { doingWords, failedWhy, reason } from "./words.js";
import { DoneMarks } from "./work.js";
import { LIVE_STATES, commanded, heating, kind, name, pulsing, reasons } from "./zone.js";

const MOISTURE = 1024; // flag
const LOCAL = 5; // who: the board's own rule
const FULL_PERMILLE = 1000;
const NO_CONTACT = ["offline", "never-heard"];
const PAUSES = ["over-temperature", "max-on-time", "self-test-pending", "power-return-hold", "shed", "starting", "warm"];
const CAUSE_ICONS = {
  "electric-danger": "bolt", "contactor-welded": "bolt", "earth-fault": "bolt", "thermal-cut-out": "bolt", "cable-broken": "cut", "sensor-implausible": "probe",
  latched: "lock", maintenance: "lock", offline: "offline", "never-heard": "offline", "switched-off": "person", shed: "limit",
};
const lies = (zone) => ["icy", "snow"].includes(kind(zone));

/** Words of what lies: "눈 4.1 cm"; what is not measured is said to be estimated. */
export function lyingWords(zone) {
  if (zone.section !== "danger" && zone.not_heating === "offline" && !lies(zone)) return since(zone, "silent", {});
  if (kind(zone) === "unknown") return t("tile.surface-unknown");
  const word = t(`state.${zone.state}`);
  if (kind(zone) !== "snow" || (zone.snow_cm ?? 0) < 0.05) return word;
  const values = { what: t(zone.state === "slush" ? "state.slush" : "state.snow"), cm: number(zone.snow_cm) };
  return t(zone.online && zone.surface_c !== null ? "tile.depth" : "tile.depth-estimated", values);
}

const since = (zone, what, values) => (zone.since_utc_s === null ? t(`tile.now.${what}`, values) : t(`tile.since.${what}`, { ...values, time: clock(zone.since_utc_s) }));

/** How far a person's command has come: its step and four dots until the effect is measured, then until when it holds; null where none runs. */
function commandLine(zone, now_s) {
  const { override } = zone;
  if (!commanded(zone, now_s)) return null;
  const who = { mode: t(`mode.${override.mode}`), user: override.user };
  if (override.failed_step) return ["danger", "close", t("tile.failed", { ...who, why: failedWhy(zone) })];
  if (zone.blocked) return null;
  const reached = LIVE_STATES.indexOf(override.state) + 1;
  if (reached === LIVE_STATES.length) return ["hand", "person", t("tile.by-hand", { ...who, time: clock(override.expires_utc_s) })];
  const dots = `${"●".repeat(reached)}${"○".repeat(LIVE_STATES.length - reached)}`;
  return ["hand", "person", `${t("tile.command", { ...who, step: t(`step.${override.state}`) })} ${dots}`];
}

/** What this device knows beside the server: a command that it could not send, or its own that another person replaced. */
function ownLine(zone) {
  const draft = draftOf(zone.id);
  if (draft) return ["hand", "person", t("tile.draft", { mode: t(`mode.${draft.mode}`) })];
  const taken = displaced(zone);
  return taken && ["hand", "person", t("tile.taken", { user: taken.user, mode: t(`mode.${taken.mode}`), time: clock(taken.utc_s) })];
}

/** Who or what decides: `[tone, icon, text]`. */
export function cause(zone, now_s) {
  const why = zone.not_heating;
  const icon = CAUSE_ICONS[why] ?? "shield";
  const stopped = why && t(`stop.${why}`);
  if (zone.dangers.length) return ["danger", "bolt", t("danger.stands")];
  if (why === "contactor-welded") return ["danger", icon, since(zone, "flows", {})];
  if (NO_CONTACT.includes(why)) {
    if (zone.section !== "danger") return ["watch", "clock", t("tile.no-hazard-now")];
    return ["danger", icon, why === "offline" ? since(zone, "offline", {}) : t("tile.never-heard")];
  }
  const command = ownLine(zone) ?? commandLine(zone, now_s);
  if (command) return command;
  if (why === "switched-off") return ["hand", icon, stopped];
  if (PAUSES.includes(why) && zone.section !== "danger") return ["watch", icon, t(`tile.pause.${why}`)];
  if (zone.section === "danger") return ["danger", icon, since(zone, "unheated", { why: stopped })];
  if (zone.blocked) return ["watch", icon, t("tile.fault-dry", { why: stopped })];
  if (zone.flags & MOISTURE) return ["watch", "probe", t("tile.moisture")];
  const plan = reasons(zone);
  const now = plan.find((each) => each.start_s <= now_s && now_s < each.end_s);
  if (zone.section === "watch") {
    const next = plan.find((each) => (each.hazard_utc_s ?? 0) > now_s);
    if (!lies(zone)) return ["watch", "clock", next ? t("tile.late", { time: clock(next.hazard_utc_s) }) : t("tile.late-unplanned")];
    if (zone.who === LOCAL) return ["watch", "chip", t("tile.local")];
    const full = now?.code === "beyond-capacity" || (zone.duty_permille ?? 0) >= FULL_PERMILLE;
    return ["watch", full ? "boost" : "heating", t(full ? "tile.full-power" : "tile.melting")];
  }
  return ["plan", "plan", now && heating(zone) ? reason(now) : doingWords(zone, now_s)[0]];
}

/** The square: sign of the surface in the colour of the danger, or of what heats it. */
export function Square({ zone, now_s, large = false }) {
  const sign = kind(zone);
  const dark = NO_CONTACT.includes(zone.not_heating);
  const look =
    zone.section === "danger" ? (dark ? "unseen" : sign === "icy" ? "ice" : lies(zone) ? "lying" : "unseen")
    : zone.section === "watch" ? "look"
    : commanded(zone, now_s) ? "hand"
    : heating(zone) ? "heat" : "";
  const icon = look === "look" && dark ? "offline" : (look === "heat" || look === "hand") && heating(zone) ? (lies(zone) ? "melting" : "heating") : sign;
  return html`<span class=${`square ${look} sign-${sign} ${large ? "large" : ""}`}><${Icon} name=${icon} size=${large ? 40 : 28} /><span class="hidden">${t(`state.${sign === "unknown" ? "unknown" : (zone.state ?? "unknown")}`)}</span></span>`;
}

/** A road's name; a line ends between its words, not at the hyphen in "Dongsomun-ro 23-gil". */
export const Name = ({ zone }) =>
  html`${name(zone, current()).split(" ").map((word, n) => html`${n ? " " : ""}${word.includes("-") ? html`<span class="word">${word}</span>` : word}`)}`;

/** Where it is: what makes a fall there worse. */
export const where = (zone) =>
  [zone.slope_percent === null ? "" : t("tile.slope", { percent: number(zone.slope_percent, 0) }), zone.place === "none" || !has(`place.${zone.place}`) ? "" : t(`place.${zone.place}`)]
    .filter(Boolean).map((word) => ` · ${word}`).join("");

/** @param {{zone: any, now_s: number, onOpen: (zone: string) => void, number?: number, chosen?: boolean}} given `number`: of its pin on the map */
export function Tile({ zone, now_s, onOpen, number: pin = 0, chosen = false }) {
  const [tone, icon, words] = cause(zone, now_s);
  const hot = heating(zone);
  return html`<li>
    <button type="button" class=${`card ${zone.section} ${chosen ? "chosen" : ""}`} onClick=${() => onOpen(zone.id)} data-zone=${zone.id}>
      <${Square} zone=${zone} now_s=${now_s} />
      <span class="name">${pin > 0 && html`<i class="pin">${pin}</i>`}<${Name} zone=${zone} /></span>
      ${zone.surface_c === null || !zone.online
        ? html`<span class="no-degrees">${t("card.no-temperature")}</span>`
        : html`<span class="degrees">${celsius(zone.surface_c)}<span class="hidden">${t("unit.celsius")}</span></span>`}
      <span class="lines">
        <span class="lies"><b>${lyingWords(zone)}</b>
          ${!hot && zone.section === "fine" && html`<span>· ${t(pulsing(zone) ? "card.pulsing" : "card.not-heating", { percent: number(pulsing(zone), 0) })}</span>`}
          ${hot && html`<span class="kw">· ${t("card.heating", { kw: kilowatts(zone.power_w) })}</span>`}
          ${zone.section === "danger" && html`<span class="where">${where(zone)}</span>`}
          <${DoneMarks} zone=${zone} />
        </span>
        <span class=${`cause ${tone}`}><${Icon} name=${icon} size=${18} /><span>${words}</span></span>
      </span>
    </button>
  </li>`;
}
