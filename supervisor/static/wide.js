// @ts-check
// Whether there is room for the list and a road beside each other.

import { changed } from "./model.js";

const query = matchMedia("(min-width: 1200px)");
query.addEventListener("change", () => changed());

export const wide = () => query.matches;
