// @ts-check
// What is known before the stream speaks: what the page brought along, else what this device kept when it was last live.

import { model } from "./model.js";

const KEPT = "roadheat.kept";
const KEEP_EACH_MS = 30_000;
const KEEP_H = 24; // older roads tell nobody anything

/**
 * @typedef {{session: import("./model.js").Session, zones: any[], alarms?: any[], age_ms?: number}} Known
 *   who is signed in and every road; age_ms of what was kept
 */

/** What the service put into the page: nothing has to be asked for. @returns {Known | null} */
export function brought() {
  const place = document.getElementById("first");
  return place ? JSON.parse(place.textContent || "null") : null;
}

/** What was kept, with its age; null where there is none, or it is too old or not readable. @returns {Known | null} */
export function kept() {
  try {
    const { at_ms, ...known } = JSON.parse(localStorage.getItem(KEPT) || "null");
    const age_ms = Math.max(0, Date.now() - at_ms);
    return age_ms < KEEP_H * 3_600_000 && Array.isArray(known.zones) && known.session ? { ...known, age_ms } : null;
  } catch {
    return null;
  }
}

/** Keep what is shown, without the secret that commands need; only what is live is worth it. */
function keep() {
  if (model.link !== "live" || !model.session) return;
  const { csrf: _, ...session } = { ...model.session, utc_s: model.clock.now_s() };
  try {
    localStorage.setItem(KEPT, JSON.stringify({ at_ms: Date.now(), session, zones: [...model.zones.values()], alarms: model.alarms }));
  } catch {
    forget(); // no room: nothing is better than a part
  }
}

export function keepFromNow() {
  setInterval(keep, KEEP_EACH_MS);
  addEventListener("pagehide", keep);
  document.addEventListener("visibilitychange", keep);
}

/** Signed out: nothing of the district stays on this device. */
export const forget = () => localStorage.removeItem(KEPT);
