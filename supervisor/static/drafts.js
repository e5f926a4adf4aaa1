// @ts-check
// Commands that could not be sent stay on this phone as drafts: shown, asked again, and sent only by a person's hand.

import { changed, model, say } from "./model.js";
import { current, t } from "./i18n.js";
import { minutes } from "./format.js";
import { name } from "./zone.js";

const STORED = "roadheat.drafts";
export const KEEP_MIN = 30; // later the road is another one: look at it anew
const MOST = 10;

/**
 * @typedef {{id: string, user: string, at_ms: number, zones: string[], mode: string, minutes: number, quick: string, text: string, reason: string}} Draft
 *   id: the key under which it was sent; so a command that had arrived all the same is not carried out twice
 */

/** @type {Draft[] | null} */
let read = null;

/** @returns {Draft[]} */
function all() {
  if (read) return read;
  try {
    const stored = JSON.parse(localStorage.getItem(STORED) || "[]");
    read = Array.isArray(stored) ? stored.filter((one) => Array.isArray(one?.zones) && one.zones.length && typeof one.id === "string") : [];
  } catch {
    read = [];
  }
  return read;
}

function write(list) {
  read = list.slice(-MOST);
  try {
    localStorage.setItem(STORED, JSON.stringify(read));
  } catch {
    // no room: it stays as long as the page does
  }
  changed();
}

/** "Bukaksan-ro 12 · On · 2 h". */
export function draftWords(draft) {
  const zone = model.zones.get(draft.zones[0]);
  const where = draft.zones.length > 1 ? t("draft.roads", { n: draft.zones.length }) : zone ? name(zone, current()) : draft.zones[0];
  return `${where} · ${t(`mode.${draft.mode}`)} ${minutes(draft.minutes)}`;
}

/** Whether the command has arrived all the same: it runs on its road. */
function arrived(draft) {
  const override = model.zones.get(draft.zones[0])?.override;
  return model.link === "live" && override?.user === draft.user && override.mode === draft.mode && override.created_utc_s * 1000 >= draft.at_ms - 60_000;
}

/** This person's drafts; those that have become too old, or have arrived, are dropped. */
export function drafts() {
  const old = all().filter((one) => Date.now() - one.at_ms > KEEP_MIN * 60_000);
  const done = [...old, ...all().filter(arrived)];
  if (done.length) write(all().filter((one) => !done.includes(one)));
  if (old.length) say("draft.expired", { what: draftWords(old[0]) });
  return all().filter((one) => one.user === model.session?.user);
}

/** A draft that waits for one road, alone or among others. */
export const draftOf = (zone) => drafts().find((one) => one.zones.includes(zone));

/** The draft for one road, or, without, for many. */
export const draftFor = (zone) => drafts().find((one) => (zone ? one.zones.length === 1 && one.zones[0] === zone : one.zones.length > 1));

/** Keep a command that could not be sent; a newer one for the same roads takes the place of the older. */
export function keepDraft(draft) {
  const same = (one) => one.zones.join() === draft.zones.join();
  write([...all().filter((one) => !same(one)), { ...draft, user: model.session?.user ?? "", at_ms: Date.now() }]);
}

export const dropDraft = (id) => all().some((one) => one.id === id) && write(all().filter((one) => one.id !== id));
