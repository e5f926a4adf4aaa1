// @ts-check
// The district as a strip: each road a line, coloured and dashed by its section, dangers with a number.

import { html } from "./html.js";
import { current, t } from "./i18n.js";
import { model } from "./model.js";
import { cause } from "./tile.js";
import { heating, name, sorted } from "./zone.js";
import { useState } from "./vendor/preact-hooks.mjs";

const [WIDE, HIGH, EDGE] = [640, 300, 26];
const PINS = 9; // dangers with a number, in the order of the list
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** Lines in degrees → zone and points in the strip, north up, one scale for both axes. */
export function project(roads) {
  const points = roads.flatMap((road) => road.line);
  const middle = points.reduce((total, [, north]) => total + north, 0) / points.length;
  const across = Math.cos((middle * Math.PI) / 180);
  const [east, north] = [points.map(([lon]) => lon * across), points.map(([, lat]) => lat)];
  const [west, south] = [Math.min(...east), Math.min(...north)];
  const [broad, tall] = [Math.max(...east) - west, Math.max(...north) - south];
  const scale = Math.min((WIDE - 2 * EDGE) / Math.max(broad, 1e-9), (HIGH - 2 * EDGE) / Math.max(tall, 1e-9));
  const [left, top] = [(WIDE - broad * scale) / 2, (HIGH - tall * scale) / 2];
  const at = ([lon, lat]) => [left + (lon * across - west) * scale, HIGH - top - (lat - south) * scale];
  return roads.map((road) => ({ zone: road.zone, points: road.line.map(at) }));
}

const round = (value) => value.toFixed(1);
const path = (points) => `M${points.map(([x, y]) => `${round(x)} ${round(y)}`).join("L")}`;
const look = (zone) => (zone.section === "fine" ? (heating(zone) ? "hot" : "off") : zone.section);

/** Numbers of the most dangerous roads that the map can show, by id; tile and pin share them. */
export function pins(zones, roads) {
  const drawn = new Set(roads.map((road) => road.zone));
  const first = zones.filter((zone) => zone.section === "danger" && drawn.has(zone.id)).slice(0, PINS);
  return new Map(first.map((zone, n) => [zone.id, n + 1]));
}

/** `onOpen` null: nothing can be chosen, as on the wall.
 * @param {{roads: any[], numbers: Map<string, number>, now_s: number, onOpen?: ((zone: string) => void) | null, chosen?: string}} given
 */
export function DistrictMap({ roads, numbers, now_s, onOpen = null, chosen = "" }) {
  const [at, setAt] = useState(0); // the road that the tab key reaches; arrows go on in the order of danger
  const lines = new Map(project(roads).map((road) => [road.zone, road.points]));
  const zones = sorted([...model.zones.values()].filter((zone) => lines.has(zone.id)), current());
  if (!zones.length) return null;
  const reached = Math.min(at, zones.length - 1);
  const words = (zone) => `${numbers.has(zone.id) ? `${numbers.get(zone.id)}. ` : ""}${name(zone, current())}: ${t(`section.${zone.section}`)}, ${cause(zone, now_s)[2]}`;
  const go = (event) => {
    const step = STEPS[event.key];
    if (event.key === "Enter" || event.key === " ") onOpen?.(zones[reached].id);
    else if (!step) return;
    else {
      const next = (reached + step + zones.length) % zones.length;
      setAt(next);
      event.currentTarget.querySelectorAll(".map-road")[zones.length - 1 - next].focus();
    }
    event.preventDefault();
  };
  const count = (section) => zones.filter((zone) => zone.section === section).length;
  const summary = t("map.summary", { danger: count("danger"), watch: count("watch"), fine: count("fine") });
  const drawn = [...zones.entries()].reverse(); // dangers last: they lie above the others
  return html`<section class="district-map" aria-label=${t("map.title")}>
    <svg viewBox=${`0 0 ${WIDE} ${HIGH}`} role=${onOpen ? "group" : "img"} aria-label=${onOpen ? t("map.label", { summary }) : summary} onKeyDown=${onOpen && go}>
      ${drawn.map(([n, zone]) => {
        const points = lines.get(zone.id);
        const [x, y] = points[Math.floor(points.length / 2)];
        const pin = numbers.get(zone.id);
        const acts = onOpen && { role: "button", tabindex: n === reached ? "0" : "-1", "aria-label": words(zone), "aria-pressed": String(zone.id === chosen), onClick: () => (setAt(n), onOpen(zone.id)) };
        return html`<g key=${zone.id} class=${`map-road ${look(zone)} ${zone.id === chosen ? "chosen" : ""}`} ...${acts || {}}>
          <title>${words(zone)}</title>
          <path class="reach" d=${path(points)} /><path class="line" d=${path(points)} />
          ${pin && html`<circle cx=${round(x)} cy=${round(y)} r="12" /><text x=${round(x)} y=${round(y + 5)} text-anchor="middle">${pin}</text>`}
        </g>`;
      })}
    </svg>
    <p class="map-key" aria-hidden="true">${["danger", "watch", "hot", "off"].map((word) => html`<span class=${word}>${t(`map.key.${word}`)}</span>`)}</p>
  </section>`;
}
