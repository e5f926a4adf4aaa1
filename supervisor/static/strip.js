// @ts-check
// The plan as a strip: how hard each quarter hour heats, from now on. The text beside it says why.

import { clock, hour } from "./format.js";
import { html } from "./html.js";
import { t } from "./i18n.js";

const WIDTH = 360;
const HEIGHT = 64;
const SPAN_S = 24 * 3600;
const LABEL_EACH_H = 6;

function ticks(from_s) {
  const first = Math.ceil(from_s / 3600) * 3600;
  const hours = Array.from({ length: 25 }, (_, index) => first + index * 3600);
  return hours.filter((utc_s) => utc_s < from_s + SPAN_S && hour(utc_s) % LABEL_EACH_H === 0);
}

export function Strip({ plan, now_s }) {
  const x = (utc_s) => ((utc_s - now_s) / SPAN_S) * WIDTH;
  const inside = (slot) => slot.end_s > now_s && slot.start_s < now_s + SPAN_S;
  const bars = plan.slots.filter(inside).map((slot) => {
    const left = Math.max(0, x(slot.start_s));
    const width = Math.min(WIDTH, x(slot.end_s)) - left;
    const standby = slot.duty_permille < 0;
    const height = standby ? HEIGHT : Math.max(2, (slot.duty_permille / 1000) * HEIGHT);
    return html`<rect class=${standby ? "standby" : slot.duty_permille ? "heat" : "rest"} x=${left} y=${HEIGHT - height} width=${Math.max(width, 0.5)} height=${height} />`;
  });
  const busy = plan.slots.filter((slot) => inside(slot) && slot.duty_permille > 0);
  const label = busy.length
    ? t("strip.heats", { from: clock(Math.max(now_s, busy[0].start_s)), until: clock(busy[busy.length - 1].end_s) })
    : t("strip.rests");
  return html`<figure class="strip">
    <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT + 18}`} role="img" aria-label=${label}>
      <defs>
        <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect class="hatch" width="1.5" height="6" />
        </pattern>
      </defs>
      <rect class="ground" width=${WIDTH} height=${HEIGHT} />
      ${bars}
      ${ticks(now_s).map((utc_s) => html`<g>
        <line class="tick" x1=${x(utc_s)} x2=${x(utc_s)} y1="0" y2=${HEIGHT} />
        <text x=${Math.min(Math.max(x(utc_s), 14), WIDTH - 16)} y=${HEIGHT + 14} text-anchor="middle">${clock(utc_s)}</text>
      </g>`)}
    </svg>
    <figcaption>
      <span class="key heat">${t("strip.heat")}</span>
      <span class="key standby">${t("strip.standby")}</span>
    </figcaption>
  </figure>`;
}
