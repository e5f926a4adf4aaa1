// @ts-check
// Whether somebody looks, what the list offers after a longer time without, and the response stage of the city.

import { get } from "./api.js";
import { near, number } from "./format.js";
import { html } from "./html.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.js";
import { changed, model } from "./model.js";
import { Screen } from "./screens.js";
import { useEffect, useState } from "./vendor/preact-hooks.mjs";

const SEEN = "roadheat.seen"; // when this person last looked at this device, UTC seconds
const AWAY_S = 30 * 60; // shorter is a walk round the depot
const NOTE_EACH_MS = 20_000;
const STAGE_EACH_MS = 60_000;

/** When one went away, where that is worth a summary; kept until the summary has been opened. */
export const away = { from_s: /** @type {number | null} */ (null) };

/** Note that somebody looks; a longer time without is what the summary is about. */
export function watchPresence() {
  const note = () => {
    if (document.visibilityState !== "visible") return;
    const now_s = model.clock.now_s();
    const seen_s = Number(localStorage.getItem(SEEN)) || now_s;
    if (away.from_s === null && now_s - seen_s > AWAY_S) {
      away.from_s = seen_s;
      changed();
    }
    localStorage.setItem(SEEN, String(Math.round(now_s)));
  };
  note();
  setInterval(note, NOTE_EACH_MS);
  document.addEventListener("visibilitychange", note);
}

/** The response stage, in the head. */
export function StageWords() {
  const found = model.stage;
  useEffect(() => {
    const load = () => document.visibilityState === "visible" && get("/api/v1/stage").then((stage) => ((model.stage = stage), changed()), () => {}); // the last one stays
    load();
    const timer = setInterval(load, STAGE_EACH_MS);
    return () => clearInterval(timer);
  }, [model.link === "live"]);
  if (!found || found.stage === "none") return null;
  return html`<b class=${`stage ${found.stage}`}>${t(`stage.${found.stage}`)}${found.depth_cm !== null && html`<span class="stage-depth"> · ${found.depth_cm < 0.1 && found.probability
    ? t("stage.ice", { percent: number(100 * found.probability, 0) })
    : t("stage.depth", { cm: number(found.depth_cm, found.depth_cm < 10 ? 1 : 0) })}</span>`}</b>`;
}

/** On the list: a row that leads to the summary. */
export function AwayRow() {
  const [open, setOpen] = useState(false);
  if (open) return html`<${Screen} name="ShiftPage" onClose=${() => ((away.from_s = null), setOpen(false))} />`;
  if (away.from_s === null) return null;
  const now_s = model.clock.now_s();
  return html`<p class="away"><button type="button" class="big away-open" onClick=${() => setOpen(true)}>${t("shift.away-row", { from: near(away.from_s, now_s) })}</button>
    <button type="button" class="round" aria-label=${t("shift.away-hide")} onClick=${() => ((away.from_s = null), changed())}><${Icon} name="close" /></button></p>`;
}
