// @ts-check
// State of the app, and listeners for its changes. Views only read it.

import { ServerClock } from "./clock.js";

/**
 * @typedef {{key: string, values: object, tone: string}} Notice what happened, and how to say it
 * @typedef {{user: string, role: string, csrf: string, site: string, timezone: string, utc_s: number, attributions?: {source: string, url: string, licence: string, licence_url: string}[]} & Record<string, any>} Session
 *   who is signed in, as `GET /api/v1/session` says
 */

/**
 * @type {{
 *   session: Session | null, zones: Map<string, any>, alarms: any[], degraded: any[], clock: ServerClock, link: string,
 *   live: import("./live.js").Live | null, notice: Notice | null, stage: any,
 * }}
 */
export const model = {
  session: null,
  zones: new Map(),
  alarms: [], // those that stand, oldest first
  degraded: [], // what the service goes on with in a lesser form
  clock: new ServerClock(),
  link: "connecting", // connecting, live, lost, signed-out
  live: null, // the stream, see live.js
  stage: null, // the response stage of the city, as GET /api/v1/stage says
  notice: null, // {key, values, tone} for the line that tells what happened
};

/** Whether this person may command roads. */
export const mayCommand = () => ["crew", "engineer", "admin"].includes(model.session?.role ?? "");

/** @type {Set<() => void>} */
const listeners = new Set();
let scheduled = false;

/** Call `listener` after changes, at most once a frame. */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function changed() {
  if (scheduled) return;
  scheduled = true;
  const tell = () => {
    scheduled = false;
    listeners.forEach((listener) => listener());
  };
  // No frames come while the page is hidden; changes must not queue up.
  if (document.hidden) setTimeout(tell, 200);
  else requestAnimationFrame(tell);
}

let noticeTimer = 0;

/** Say something for a while; tone is "good", "bad" or "plain". */
export function say(key, values = {}, tone = "plain") {
  model.notice = { key, values, tone };
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => hush(), tone === "bad" ? 9_000 : 5_000);
  changed();
}

export function hush() {
  model.notice = null;
  changed();
}
