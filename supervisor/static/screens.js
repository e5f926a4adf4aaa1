// @ts-check
// The screens of later.js, which come after the list: until then their place says so.

import { html } from "./html.js";
import { t } from "./i18n.js";
import { changed } from "./model.js";

const AGAIN_MS = 3_000;

/** @type {Record<string, any> | null} */
let screens = null;

/** Fetch them, however often it takes. The file first: a browser does not ask twice for a module that failed. */
export async function fetchScreens() {
  try {
    const answer = await fetch(new URL("./later.js", import.meta.url), { credentials: "same-origin" });
    if (answer.status === 404) return location.reload(); // the service is a newer one, with other files
    if (!answer.ok) throw new Error(String(answer.status));
    await answer.arrayBuffer();
    screens = await import("./later.js");
    changed();
  } catch {
    setTimeout(fetchScreens, AGAIN_MS);
  }
}

export function Screen({ name, ...given }) {
  return screens ? html`<${screens[name]} ...${given} />` : html`<p class="none" role="status">${t("people.loading")}</p>`;
}
