// @ts-check
// Markup as tagged templates: no build step, no innerHTML.

import { h } from "./vendor/preact.mjs";
import htm from "./vendor/htm.mjs";

export const html = htm.bind(h);
