// @ts-check
// Electric danger: one confirmation switches all off, however old the data; two people clear it.

import { clock } from "./format.js";
import { html } from "./html.js";
import { current, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { useModal } from "./modal.js";
import { mayCommand, model, say } from "./model.js";
import { busyWords, useCommand } from "./send.js";
import { name } from "./zone.js";
import { useState } from "./vendor/preact-hooks.mjs";

const path = (danger, end = "") => `/api/v1/${danger.kind}s/${encodeURIComponent(danger.subject)}/danger${end}`;

/** Every danger that stands, once, with its zones. */
export function standing(zones) {
  const found = new Map();
  for (const zone of zones) {
    for (const danger of zone.dangers) {
      const key = `${danger.kind} ${danger.subject}`;
      if (!found.has(key)) found.set(key, { danger, zones: [] });
      found.get(key).zones.push(zone);
    }
  }
  return [...found.values()].sort((a, b) => a.danger.raised_utc_s - b.danger.raised_utc_s);
}

/** Who has cleared it so far, and the way to clear it or to take that back. */
function Clear({ danger }) {
  const [sure, setSure] = useState(false);
  const [busy, run] = useCommand();
  const mine = danger.cleared_by === model.session?.user;
  const clear = () =>
    run("POST", path(danger, "/clear"), null, (answer) => {
      setSure(false);
      say(answer.stands ? "danger.waits-you" : "danger.cleared", {}, "good");
    });
  const again = () => run("POST", path(danger), null, () => say("danger.done", {}, "good"));
  return html`${danger.cleared_by && html`<p class="danger-waits">${mine ? t("danger.waits-you") : t("danger.waits", { user: danger.cleared_by })}</p>`}
    ${mayCommand() && (busy
      ? html`<button type="button" class="big" disabled>${busyWords(busy)}</button>`
      : sure
        ? html`<div class="pair">
            <button type="button" class="big" onClick=${() => setSure(false)}>${t("danger.again")}</button>
            <button type="button" class="big outlined" onClick=${clear}>${t("danger.clear-sure")}</button>
          </div>`
        : html`<div class="pair">
            ${danger.cleared_by && html`<button type="button" class="big" onClick=${again}>${t("danger.again")}</button>`}
            ${!mine && html`<button type="button" class="big" onClick=${() => setSure(true)}>${t("danger.clear")}</button>`}
          </div>`)}`;
}

const names = (zones) => zones.map((zone) => name(zone, current())).join(", ");

function Box({ danger, zones }) {
  const missed = zones.filter((zone) => ["unreachable", "refused"].includes(zone.off_reach));
  const flowing = zones.filter((zone) => zone.off_reach === "flowing");
  const off = zones.filter((zone) => zone.off_reach === "measured").length;
  const where = danger.kind === "feeder" ? t("danger.at-feeder", { feeder: danger.subject, n: zones.length }) : names(zones);
  return html`<section class="danger-box" role="alert">
    <h2><${Icon} name="bolt" size=${26} /> ${t("danger.stands")}</h2>
    <p class="danger-where">${where}</p>
    <p>${t("danger.by", { user: danger.user, time: clock(danger.raised_utc_s) })} · ${t("danger.reached", { off, n: zones.length })}</p>
    ${flowing.length > 0 && html`<p class="danger-missed">${t("danger.flows", { names: names(flowing) })}</p>`}
    ${missed.length > 0 && html`<p class="danger-missed">${t("danger.missed", { names: names(missed) })}</p>`}
    ${!danger.recorded && html`<p class="danger-missed">${t("danger.not-recorded")}</p>`}
    <${Clear} danger=${danger} />
  </section>`;
}

/** At the head of the list, for everybody. */
export function DangerBoxes() {
  return html`${standing(model.zones.values()).map((each) => html`<${Box} key=${each.danger.kind + each.danger.subject} ...${each} />`)}`;
}

/** In the sticky header. */
export function DangerStrip() {
  const count = standing(model.zones.values()).length;
  if (!count) return null;
  const show = () => scrollTo({ top: 0 });
  return html`<button type="button" class="danger-strip" onClick=${show}><${Icon} name="bolt" size=${20} /> ${t("danger.stands")}${count > 1 ? ` · ${count}` : ""}</button>`;
}

/** On a zone's page: how far OFF has come here, and how to end it. */
export function DangerHere({ zone }) {
  return html`<section class="danger-box" aria-label=${t("danger.stands")}>
    <p class="danger-reach ${zone.off_reach}"><b>${t(`danger.reach.${zone.off_reach}`)}</b></p>
    ${zone.off_until_utc_s && html`<p>${t("danger.board-holds", { time: clock(zone.off_until_utc_s) })}</p>`}
    ${zone.dangers.map((danger) => html`<div key=${danger.kind} class="danger-one">
      <p>${danger.kind === "feeder" ? t("danger.at-feeder", { feeder: danger.subject, n: ofFeeder(zone).length }) : name(zone, current())} · ${t("danger.by", { user: danger.user, time: clock(danger.raised_utc_s) })}</p>
      ${!danger.recorded && html`<p class="danger-missed">${t("danger.not-recorded")}</p>`}
      <${Clear} danger=${danger} />
    </div>`)}
  </section>`;
}

const ofFeeder = (zone) => [...model.zones.values()].filter((each) => each.feeder === zone.feeder);

/** The one question. It shows nothing that would have to be fetched. */
function Sheet({ zone, onClose }) {
  const dialog = useModal();
  const [kind, setKind] = useState("zone");
  const [busy, run] = useCommand();
  const n = ofFeeder(zone).length;
  const off = () =>
    run("POST", path({ kind, subject: kind === "zone" ? zone.id : zone.feeder }), null, () => {
      say("danger.done", {}, "good");
      onClose();
    });
  const choice = (value, words) => html`<label class="choice wide">
    <input type="radio" name="danger" value=${value} checked=${kind === value} onChange=${() => setKind(value)} /><span>${words}</span>
  </label>`;
  return html`<dialog ref=${dialog} class="sheet" aria-labelledby="danger-title" onCancel=${onClose} onClose=${onClose}>
    <h2 id="danger-title"><span class="square lying"><${Icon} name="bolt" size=${30} /></span> ${t("danger.sure-title")}</h2>
    <p>${t("danger.sure-text")}</p>
    ${n > 1 && html`<div class="choices">
      ${choice("zone", t("danger.scope-zone"))}
      ${choice("feeder", t("danger.scope-feeder", { n, feeder: zone.feeder }))}
    </div>`}
    <button type="button" class="big danger" disabled=${Boolean(busy)} onClick=${off}><${Icon} name="off" /> ${busy ? busyWords(busy) : t("danger.sure")}</button>
    <button type="button" class="big" onClick=${onClose}>${t("override.back")}</button>
  </dialog>`;
}

export function DangerButton({ zone }) {
  const [asking, setAsking] = useState(false);
  if (!mayCommand()) return null;
  return html`<div class="danger-place">
    <button type="button" class="big danger" onClick=${() => setAsking(true)}><${Icon} name="bolt" /> ${t("danger.button")}</button>
    ${asking && html`<${Sheet} zone=${zone} onClose=${() => setAsking(false)} />`}
  </div>`;
}
