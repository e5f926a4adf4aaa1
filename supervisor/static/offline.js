// @ts-check
// Without signal: from when the screen is, and what could not be sent.

import { draftWords, drafts, dropDraft } from "./drafts.js";
import { clock } from "./format.js";
import { html } from "./html.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.js";
import { STALE_MS } from "./live.js";
import { model } from "./model.js";

/** Above the list while nothing comes: the screen is an old one. */
export function Offline() {
  const silent_ms = model.live?.silent_ms() ?? Infinity;
  if (model.link !== "lost" || silent_ms < STALE_MS || !Number.isFinite(silent_ms)) return null;
  const time = clock(model.clock.now_s() - (silent_ms / 1000) * model.clock.rate);
  return html`<section class="offline-box" role="status">
    <${Icon} name="offline" size=${26} /><div><b>${t("offline.title", { time })}</b><p>${t("offline.text")}</p></div>
  </section>`;
}

/** What could not be sent, asked again once there is signal: on the road's own page, with a new preview. */
export function Drafts() {
  const back = model.link === "live";
  return html`${drafts().map((draft) => html`<section class="draft-box" key=${draft.id}>
    <${Icon} name="person" size=${26} /><div><b>${t("draft.title", { what: draftWords(draft) })}</b><p>${t(back ? "draft.ask" : "draft.waits")}</p></div>
    <div class="draft-do">
      ${back && html`<a class="big primary draft-open" href=${draft.zones.length > 1 ? "#group" : `#/${encodeURIComponent(draft.zones[0])}`}>${t("draft.open")}</a>`}
      <button type="button" class="big draft-drop" onClick=${() => dropDraft(draft.id)}>${t("draft.drop")}</button>
    </div>
  </section>`)}`;
}
