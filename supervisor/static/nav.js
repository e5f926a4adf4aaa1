// @ts-check
// The navigation at the foot: one tap from any screen to any other.

import { html } from "./html.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.js";
import { unseenCount } from "./unseen.js";

const MORE_VIEWS = ["group"]; // reached from another screen
const VIEWS = { roads: "list", alarms: "bell", find: "find", shift: "swap", more: "dots" };

/** The view that the address names; a road's panel lies over the roads. */
export function view() {
  const word = location.hash.replace(/^#/, "");
  return word in VIEWS || MORE_VIEWS.includes(word) ? word : "roads";
}

export function Nav() {
  const open = view();
  return html`<nav class="nav" aria-label=${t("nav.label")}>
    ${Object.entries(VIEWS).map(([word, icon]) => html`<a href=${word === "roads" ? "#" : `#${word}`} class=${`nav-${word}`} aria-current=${open === word ? "page" : null}>
      <${Icon} name=${icon} />${t(`nav.${word}`)}
      ${word === "alarms" && unseenCount() > 0 && html`<b class="badge">${unseenCount()}</b>`}
    </a>`)}
  </nav>`;
}
