// @ts-check
// What a zone's numbers mean to a crew. Pure: values in, values out.

/** Flags as the board sends them (docs/nomenclature.md), the worst first.
 * @type {[number, string][]}
 */
export const FLAGS = [
  [4, "earth-fault"],
  [8, "contactor-welded"],
  [4096, "thermal-cut-out"],
  [16, "cable-broken"],
  [1, "over-temperature"],
  [2, "sensor-implausible"],
  [256, "latched"],
  [32, "max-on-time"],
  [64, "self-test-pending"],
  [512, "power-return-hold"],
  [1024, "moisture-implausible"],
  [8192, "leakage-high"],
  [2048, "meter-silent"],
  [128, "clock-invalid"],
];
const HEATED_NOW = ["heated-in-snow", "beyond-capacity"]; // reasons that say of the moment that it is heated
const BLOCKING = 1 | 2 | 4 | 8 | 16 | 32 | 64 | 256 | 512 | 4096; // these keep the road unheated; the server says which counts

const KINDS = {
  ice: "icy", frost: "icy", snow: "snow", slush: "snow", wet: "wet", moist: "wet", trace: "wet", dew: "wet", dry: "dry",
};
/** Who decides a zone, as the board sends it: the row of the precedence table. */
const WHO = { 1: "interlock", 2: "maintenance", 3: "override", 4: "plan", 5: "local" };
export const LIVE_STATES = ["requested", "sent", "accepted", "measured"];

/** Word of a command's step that failed: refused by the board, or current that does not follow. */
export const failedWord = (override) =>
  override.failed_step === "accepted" ? "step.failed-refused" : override.mode === "off" ? "step.failed-current" : "step.failed-no-current";

/** "icy", "snow", "wet", "dry" or "unknown": colour and sign, as the server decides what may be claimed. */
export const kind = (zone) => zone.look ?? KINDS[zone.state] ?? "unknown";

/** What the board says besides the reason why it is not heated; a latch comes with one and is said there. */
export const faults = (zone) => FLAGS.filter(([bit, word]) => zone.flags & bit & BLOCKING && word !== zone.not_heating && word !== "latched").map(([, word]) => word);
export const notes = (zone) => FLAGS.filter(([bit]) => zone.flags & bit & ~BLOCKING).map(([, word]) => word);

/** Snow or ice lies and is not known to be melted: the reason is shown first. */
export const unhelped = (zone) => zone.blocked || (zone.heated !== true && ["icy", "snow"].includes(kind(zone)));

/** Whether its override still commands it at `now_s`. */
export const commanded = (zone, now_s) =>
  Boolean(zone.override && LIVE_STATES.includes(zone.override.state) && now_s < zone.override.expires_utc_s);

/** Whether it is known to heat now; unknown without contact. */
export const heating = (zone) => zone.online && (zone.power_w ?? 0) > 200;

/** Part of the time that the board is asked to heat, while its contactor happens to be open [%]; 0 where it is not. */
export const pulsing = (zone) => (heating(zone) ? 0 : Math.max(zone.duty_permille ?? 0, 0) / 10);

export const name = (zone, language) => (language === "ko" && zone.name_ko) || zone.name;

/** The most urgent first, by the server's rank, then by name as the language sorts it. */
export function sorted(zones, language) {
  const compare = new Intl.Collator(language, { numeric: true }).compare;
  return [...zones].sort((a, b) => a.rank - b.rank || compare(name(a, language), name(b, language)));
}

/**
 * What decides the zone now and why, as [key, reason|null]: the reason is the plan's for this moment or the next one.
 */
export function doing(zone, now_s) {
  if (!zone.online) return ["zone.heat-unknown", null];
  const who = WHO[zone.who];
  if (who === "interlock" || who === "maintenance" || who === "override") return [`doing.${who}`, null];
  const now = reasons(zone).find((reason) => reason.start_s <= now_s && now_s < reason.end_s);
  if (who === "local") return [heating(zone) ? "doing.local-heating" : "doing.local-idle", upcoming(zone, now_s)];
  if (now && (heating(zone) || pulsing(zone) || !HEATED_NOW.includes(now.code))) return ["doing.plan", now];
  const next = upcoming(zone, now_s);
  if (heating(zone)) return ["doing.heating", next];
  return [next ? "doing.idle-for-now" : now ? "doing.plan" : "doing.idle", next]; // a reason that is not true yet is no "nothing expected"
}

/** The plan's reasons in order of time. */
export const reasons = (zone) => [...(zone.plan?.why ?? [])].sort((a, b) => a.start_s - b.start_s);

const upcoming = (zone, now_s) => reasons(zone).find((reason) => reason.start_s > now_s) || null;
