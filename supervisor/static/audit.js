// @ts-check
// For administrators: every entry of the audit log, and whether its chain holds.

import { get } from "./api.js";
import { attempt } from "./attempt.js";
import { dayClock } from "./format.js";
import { html } from "./html.js";
import { t } from "./i18n.js";
import { useEffect, useState } from "./vendor/preact-hooks.mjs";

export function Audit() {
  const [entries, setEntries] = useState(/** @type {any[]} */ ([]));
  const [more, setMore] = useState(true);
  const [verdict, setVerdict] = useState(/** @type {any} */ (null));
  const load = (before) =>
    attempt(async () => {
      const found = await get(`/api/v1/audit${before ? `?before=${before}` : ""}`);
      setEntries((old) => (before ? [...old, ...found.entries] : found.entries));
      setMore(found.entries.length > 0 && found.entries[found.entries.length - 1].id > 1);
    }, "notice.not-loaded");
  const verify = () => attempt(async () => setVerdict(await get("/api/v1/audit/verdict")), "notice.not-loaded");
  useEffect(() => {
    load(0);
  }, []);
  return html`<section class="audit">
    <p class="hint">${t("audit.hint")}</p>
    <div class="pair"><button type="button" class="big audit-verify" onClick=${verify}>${t("audit.verify")}</button></div>
    ${verdict && (verdict.unaltered
      ? html`<p class="audit-good" role="status">${t("audit.unaltered", { n: verdict.length })}<small>${verdict.length}:${verdict.head}</small></p>`
      : html`<p class="problem" role="alert">${t("audit.altered", { where: verdict.where })}</p>`)}
    <ul class="pasts">${entries.map((one) => html`<li class="past" key=${one.id}>
      <time>${dayClock(one.utc_s)}</time>
      <span class="who"><b>${one.user}</b> · ${one.action}<small lang="en">${one.detail}</small></span>
    </li>`)}</ul>
    ${more && html`<div class="pair"><button type="button" class="big" onClick=${() => load(entries[entries.length - 1]?.id ?? 0)}>${t("audit.more")}</button></div>`}
  </section>`;
}
