// @ts-check
// The roads on a wide screen: fifty without scrolling, supplies below, the chosen road beside them.

import { get } from "./api.js";
import { celsius, kilowatts } from "./format.js";
import { Feeders } from "./feeders.js";
import { html } from "./html.js";
import { t } from "./i18n.js";
import { Icon } from "./icons.js";
import { Fold, SECTIONS, SECTION_ICONS, useSteadyOrder } from "./list.js";
import { DistrictMap, pins } from "./map.js";
import { mayCommand, model } from "./model.js";
import { SoundButton } from "./sound.js";
import { Name, Tile, cause, lyingWords } from "./tile.js";
import { commanded, heating } from "./zone.js";
import { useEffect, useState } from "./vendor/preact-hooks.mjs";

const LARGE_TILES_MAX = 9; // three rows; beyond, dangers take the watch format and fine roads fold to a count
const [LARGE_PX, DENSE_PX, FINE_PX, HEAD_PX, REST_PX] = [104, 78, 54, 36, 190]; // of a row with its gap; rest: head and supplies

/** Temperature, or that it is not known. */
const degrees = (zone) => (zone.surface_c === null || !zone.online ? t("card.no-temperature") : celsius(zone.surface_c));

function power(zone) {
  if (!zone.online) return "";
  return heating(zone) ? t("card.heating", { kw: kilowatts(zone.power_w) }) : t("dispatch.off");
}

/** A road in two or three short lines: fine ones have one. */
function Dense({ zone, now_s, onOpen, number = 0, chosen = false }) {
  const [tone, icon, words] = cause(zone, now_s);
  const by = commanded(zone, now_s) ? "hand" : heating(zone) ? "heat" : "";
  return html`<li><button type="button" class=${`dense ${zone.section} ${chosen ? "chosen" : ""}`} data-zone=${zone.id} onClick=${() => onOpen(zone.id)}>
    <span class="name">${number > 0 && html`<i class="pin">${number}</i>`}<${Name} zone=${zone} /></span><span class=${`degrees ${zone.surface_c === null || !zone.online ? "unknown" : ""}`}>${degrees(zone)}</span>
    ${zone.section !== "fine" && html`<span class="lies">${lyingWords(zone)}</span>`}
    <span class=${`kw ${by}`}>${power(zone)}</span>
    <span class=${`cause ${tone} ${zone.section === "fine" ? "hidden" : ""}`}><${Icon} name=${icon} size=${16} /><span>${words}</span></span>
  </button></li>`;
}

function Rows({ word, zones, crowded, large, numbers, now_s, onOpen, chosen }) {
  const [unfolded, setUnfolded] = useState(false);
  if (!zones.length) return null;
  const folded = word === "fine" && crowded && !unfolded;
  const Each = word === "danger" && large ? Tile : Dense;
  return html`<section aria-labelledby=${`section-${word}`}>
    <div class=${`section-head ${word}`}><${Icon} name=${SECTION_ICONS[word]} size=${22} /><h2 id=${`section-${word}`}>${t(`section.${word}`)} ${zones.length}</h2><p>${t(`section-hint.${word}`)}</p></div>
    <ul class=${`rows ${word}-rows ${Each === Tile ? "large" : ""}`}>
      ${folded
        ? html`<${Fold} zones=${zones} onUnfold=${() => setUnfolded(true)} />`
        : zones.map((zone) => html`<${Each} key=${zone.id} zone=${zone} now_s=${now_s} onOpen=${onOpen} number=${numbers.get(zone.id) ?? 0} chosen=${zone.id === chosen} />`)}
      ${word === "watch" && mayCommand() && html`<li><a class="dense to-many" href="#group"><${Icon} name="boost" size=${20} /> ${t("group.open")}</a></li>`}
    </ul>
  </section>`;
}

/** Whether dangers may stand as large tiles without pushing anything off the screen. */
function roomy(counts) {
  const [danger, watch, fine] = counts;
  const rows = Math.ceil(danger / 3) * LARGE_PX + Math.ceil((watch + 1) / 5) * DENSE_PX + Math.ceil(fine / 5) * FINE_PX;
  return danger <= LARGE_TILES_MAX && rows + counts.filter(Boolean).length * HEAD_PX + REST_PX <= innerHeight;
}

/** Where roads run; none while it is not known, or in a district without lines. */
function useMap() {
  const [roads, setRoads] = useState(/** @type {any[]} */ ([]));
  useEffect(() => {
    let wanted = true;
    get("/api/v1/map").then((found) => wanted && setRoads(found.roads), () => {}); // the tiles say everything that it does
    return () => (wanted = false);
  }, []);
  return roads;
}

export function Dispatcher({ onOpen, chosen }) {
  const now_s = model.clock.now_s();
  const roads = useMap();
  const zones = useSteadyOrder([...model.zones.values()]);
  const of = (word) => zones.filter((zone) => zone.section === word);
  const numbers = roads.length > 0 ? pins(zones, roads) : new Map();
  const large = roomy(SECTIONS.map((word) => of(word).length));
  if (!zones.length) return html`<main class="dispatcher"><p class="none">${t("list.waiting")}</p></main>`;
  return html`<main class=${`dispatcher ${model.link === "live" ? "" : "stale"}`} aria-label=${t("list.label")}>
    <div class="dispatch-roads">
      ${SECTIONS.map((word) => html`<${Rows} key=${word} word=${word} zones=${of(word)} crowded=${of("danger").length > LARGE_TILES_MAX} large=${large} numbers=${numbers} chosen=${chosen?.id} now_s=${now_s} onOpen=${onOpen} />`)}
      <${Feeders} />
    </div>
    <div class="dispatch-beside">
      ${roads.length > 0 && html`<${DistrictMap} roads=${roads} numbers=${numbers} now_s=${now_s} onOpen=${onOpen} chosen=${chosen?.id} />`}
      ${!chosen && html`<p class="dispatch-choose">${t("dispatch.choose")}</p><${SoundButton} />`}
    </div>
  </main>`;
}
