// @ts-check
// How fresh the screen is, and what just happened. Shown on the list and again in the panel, which covers the list.

import { html } from "./html.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.js";
import { STALE_MS } from "./live.js";
import { hush, model } from "./model.js";

const MINUTES_FROM_S = 90; // "Stale 7203 s" tells nobody how old it is
const HOURS_FROM_S = 90 * 60;

/** "live", or how old what you see is. Always shown. */
export function Freshness() {
  const silent_ms = model.live?.silent_ms() ?? Infinity;
  const seconds = Math.round(silent_ms / 1000);
  const state = model.link === "live" && silent_ms > STALE_MS ? "stale" : model.link;
  const text =
    state === "live" ? t("link.live")
    : state === "connecting" ? t("link.connecting")
    : state === "signed-out" ? t("link.signed-out")
    : seconds < MINUTES_FROM_S ? t("link.stale", { seconds })
    : seconds >= HOURS_FROM_S && Number.isFinite(silent_ms) ? t("link.stale-hours", { hours: Math.round(seconds / 3600) })
    : Number.isFinite(silent_ms) ? t("link.stale-minutes", { minutes: Math.round(seconds / 60) })
    : t("link.lost");
  return html`<span class=${`link ${state}`} role="status" aria-live=${state === "live" ? "off" : "polite"}><i></i>${text}</span>`;
}

export function Notice() {
  const { notice } = model;
  return html`<div class="notice-place" role="status" aria-live="assertive">
    ${notice && html`<button type="button" class=${`notice ${notice.tone}`} onClick=${hush}>
      <${Icon} name=${notice.tone === "bad" ? "trouble" : "check"} /> ${t(notice.key, notice.values)}
    </button>`}
  </div>`;
}
