// @ts-check
// Pages that few open: their scripts and styles are fetched with the first opening, so that the start stays light.

import { html } from "./html.js";
import { say } from "./model.js";
import { t } from "./i18n.js";
import { useEffect, useState } from "./vendor/preact-hooks.mjs";

/** Energy and cost of the winter. */
export function EnergyLater({ onClose }) {
  const [page, setPage] = useState(/** @type {any} */ (null));
  useEffect(() => {
    import("./energy.js")
      .then(async (found) => {
        await found.ready;
        setPage(() => found.EnergyPage);
      })
      .catch(() => {
        say("notice.failed", { why: t("problem.no-answer") }, "bad");
        onClose();
      });
  }, []);
  return page && html`<${page} onClose=${onClose} />`;
}
