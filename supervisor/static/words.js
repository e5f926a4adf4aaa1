// @ts-check
// Sentences put together from a zone's values.

import { clock, minutes, number } from "./format.js";
import { has, t } from "./i18n.js";
import { doing, failedWord, unhelped } from "./zone.js";

/** One of the plan's reasons: "Preheating: snow 70 % from 05:00". */
export function reason(why) {
  const known = why.probability !== null && why.probability !== undefined;
  const chance = known ? t("why-part.chance", { percent: number(why.probability * 100, 0) }) : "";
  const onset = why.hazard_utc_s ? t("why-part.from", { time: clock(why.hazard_utc_s) }) : "";
  const key = has(`why.${why.code}`) ? `why.${why.code}` : "why.other";
  const values = { chance, onset, from: clock(why.start_s), until: clock(why.end_s), code: why.code };
  return tidy(t(key, values));
}

/** "Not heating: earth fault"; without contact unknown; and current may flow although it is to be off. */
export function stopWords(zone) {
  if (zone.dangers.length) return t("danger.stands");
  if (["offline", "never-heard"].includes(zone.not_heating)) return t("zone.heat-unknown");
  return t(zone.heated ? "zone.current-flows" : "zone.not-heating", { why: t(`stop.${zone.not_heating}`) });
}

/** How much snow falls, and until when, by the stage of the city. */
export const fallsWords = ({ snow_cm_h, snow_until_utc_s }) =>
  t(snow_until_utc_s ? "list.falls-until" : "list.falls", { cm: number(snow_cm_h, snow_cm_h < 1 ? 1 : 0), time: clock(snow_until_utc_s ?? 0) });

/** Why its command has no effect: what stops the road, else the step that failed. */
export const failedWhy = (zone) => t(zone.not_heating && zone.override.mode !== "off" ? `stop.${zone.not_heating}` : failedWord(zone.override));

/** What the zone does now and why, as lines: the first is the sentence, the second what comes next. */
export function doingWords(zone, now_s) {
  if (unhelped(zone)) {
    if (zone.dangers.length) return [t("danger.stands"), t(`danger.reach.${zone.off_reach}`)];
    const more = zone.not_heating === "switched-off" && zone.override ? t("doing.override-by", zone.override) : "";
    return more ? [stopWords(zone), more] : [stopWords(zone)];
  }
  const [key, why] = doing(zone, now_s);
  if (key === "doing.override" && zone.override) return [t("doing.override-by", zone.override)];
  if (!why) return [t(key)];
  if (key === "doing.plan") return [reason(why)];
  return [t(key), t("why-part.next", { time: clock(why.start_s), what: reason(why) })];
}

/** Values that may be missing leave gaps; close them. */
const tidy = (text) => text.replace(/\s{2,}/g, " ").replace(/\s+([,.;)])/g, "$1").replace(/\(\s*\)/g, "").replace(/[:,]\s*$/, "").trim();

/** An error for a person: the code's own words, more precise where the place is known, else what the server said. */
export function problemWords(problem) {
  const precise = `problem.${problem.code}.${problem.where}`;
  if (problem.where && has(precise)) return t(precise);
  if (has(`problem.${problem.code}`)) return t(`problem.${problem.code}`);
  return problem.detail || t("problem.internal");
}

export const heldFor = (mode, total) => t(`override.submit.${mode}`, { time: minutes(total) });
