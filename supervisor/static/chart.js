// @ts-check
// Draws a road's day before and after now on one axis. Loaded with the first chart only, because of its library.

import { clock, hour } from "./format.js";
import { t } from "./i18n.js";
import uPlot from "./vendor/uplot.mjs";

const Plot = /** @type {any} */ (uPlot); // the library has no JSDoc
const HEIGHT = 340;
const LABEL_EACH_H = 6;
// Parts of the height, from the foot: two lanes, power, temperature; precipitation hangs from the top.
const ALARM_LANE = [0.0, 0.045];
const COMMAND_LANE = [0.055, 0.1];
const POWER = [0.13, 0.34];
const DEGREES = [0.39, 0.86];
const RAIN_DEPTH = 0.2;
const RAIN_FULL_MM_H = 2; // at least: a drizzle must not look like a storm
const LEAST_SPAN_K = 4;
const GAP_PX = 6;
const NOW_ROOM_S = 2.5 * 3600; // about the width of "now" under the axis

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const known = (values) => values.filter((value) => value !== null);

/** A scale whose values `low` … `high` lie between two parts of the height, `foot` and `head`. */
function between(foot, head, low, high) {
  const span = (high - low) / (head - foot);
  return [low - foot * span, low - foot * span + span];
}

function degreesRange(day) {
  const all = known([...day.surface_c, ...day.planned_c, ...day.unheated_c, ...day.low_c, ...day.high_c]);
  const low = Math.min(0, ...all) - 0.5;
  const high = Math.max(0, ...all) + 0.5;
  const more = Math.max(0, LEAST_SPAN_K - (high - low)) / 2;
  return [low - more, high + more];
}

/** Times of the labels: every six hours of the district's day. */
function labels(day) {
  const first = Math.ceil(day.from_utc_s / 3600) * 3600;
  const last = day.from_utc_s + day.surface_c.length * day.step_s;
  return Array.from({ length: Math.ceil((last - first) / 3600) }, (_, index) => first + index * 3600).filter((utc_s) => hour(utc_s) % LABEL_EACH_H === 0);
}

/** What is drawn besides lines: ground, precipitation, power, lanes, now. All in canvas pixels. */
function painter(day) {
  const step_s = day.step_s;
  const start = (index) => day.from_utc_s + index * step_s;
  const end_s = start(day.surface_c.length);
  const most = Math.max(RAIN_FULL_MM_H, ...known(day.rain_mm_h.map((rain, index) => (rain === null ? null : rain + (day.snow_mm_h[index] ?? 0)))));

  return (u, stage) => {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio || 1;
    const x = (utc_s) => u.valToPos(Math.min(Math.max(utc_s, day.from_utc_s), end_s), "x", true);
    const y = (part) => bbox.top + bbox.height * (1 - part);
    const box = (from_s, until_s, foot, head, fill) => {
      ctx.fillStyle = fill;
      const left = Math.round(x(from_s)); // whole pixels: neighbours then touch without a seam
      ctx.fillRect(left, y(head), Math.max(Math.round(x(until_s)) - left, ratio), y(foot) - y(head));
    };
    ctx.save();
    if (stage === "ground") {
      box(day.now_utc_s, end_s, 0, 1, colour("card"));
      ctx.strokeStyle = colour("line");
      ctx.lineWidth = ratio;
      ctx.beginPath();
      labels(day).forEach((utc_s) => (ctx.moveTo(x(utc_s), y(0)), ctx.lineTo(x(utc_s), y(1))));
      ctx.stroke();
      day.power_w.forEach((watts, index) => {
        if (!watts) return;
        const head = POWER[0] + (POWER[1] - POWER[0]) * Math.min(watts / day.rated_w, 1.1);
        ctx.globalAlpha = start(index) >= day.now_utc_s ? 0.55 : 1;
        box(start(index), start(index + 1), POWER[0], head, colour("heat"));
      });
      day.rain_mm_h.forEach((rain, index) => {
        const fall = (rain ?? 0) + (day.snow_mm_h[index] ?? 0);
        if (fall < 0.05) return;
        ctx.globalAlpha = start(index) >= day.now_utc_s ? 0.5 : 0.9;
        box(start(index) + step_s * 0.15, start(index) + step_s * 0.75, 1 - (RAIN_DEPTH * fall) / most, 1, colour("snow"));
      });
      ctx.globalAlpha = 1;
      ctx.strokeStyle = colour("line-strong");
      ctx.beginPath();
      ctx.moveTo(bbox.left, y(POWER[0]));
      ctx.lineTo(bbox.left + bbox.width, y(POWER[0]));
      ctx.stroke();
      ctx.setLineDash([2 * ratio, 4 * ratio]);
      ctx.strokeStyle = colour("snow");
      ctx.beginPath();
      ctx.moveTo(bbox.left, u.valToPos(0, "c", true));
      ctx.lineTo(bbox.left + bbox.width, u.valToPos(0, "c", true));
      ctx.stroke();
      ctx.setLineDash([]);
      ctx.font = `${13 * ratio}px ${colour("font")}`;
      ctx.fillStyle = colour("faint");
      ctx.textAlign = "right";
      ctx.textBaseline = "middle";
      ctx.fillText(String(Math.round(day.rated_w / 1000)), bbox.left - GAP_PX * ratio, y(POWER[1]));
      ctx.fillText("kW", bbox.left - GAP_PX * ratio, y(POWER[0] + 0.02));
    } else {
      let free = bbox.left; // where the next label may begin
      for (const bar of day.bars) {
        const until = bar.until_utc_s ?? day.now_utc_s;
        if (bar.kind === "alarm") box(bar.from_utc_s, until, ALARM_LANE[0], ALARM_LANE[1], colour("danger"));
        if (bar.kind === "work") box(bar.from_utc_s - step_s / 4, bar.from_utc_s + step_s / 4, ALARM_LANE[0], COMMAND_LANE[1], colour("fine"));
        if (bar.kind !== "command") continue;
        box(bar.from_utc_s, until, COMMAND_LANE[0], COMMAND_LANE[1], colour("hand"));
        const text = `${t(`mode.${bar.word}`)} · ${bar.user}`;
        ctx.font = `${13 * ratio}px ${colour("font")}`;
        const width = ctx.measureText(text).width;
        const gap = GAP_PX * ratio;
        const left = x(bar.from_utc_s) - gap - width > free ? x(bar.from_utc_s) - gap - width : Math.max(x(until) + gap, free);
        if (left + width > bbox.left + bbox.width) continue;
        ctx.textAlign = "left";
        ctx.textBaseline = "middle";
        ctx.fillText(text, left, y((COMMAND_LANE[0] + COMMAND_LANE[1]) / 2));
        free = Math.max(left + width, x(until)) + gap;
      }
      ctx.font = `700 ${13 * ratio}px ${colour("font")}`;
      ctx.fillStyle = ctx.strokeStyle = colour("focus");
      ctx.textAlign = "center";
      ctx.textBaseline = "top";
      ctx.fillText(t("day.now"), x(day.now_utc_s), y(0) + 6 * ratio);
      ctx.setLineDash([]);
      ctx.lineWidth = 2.5 * ratio;
      ctx.beginPath();
      ctx.moveTo(x(day.now_utc_s), y(0));
      ctx.lineTo(x(day.now_utc_s), y(1));
      ctx.stroke();
    }
    ctx.restore();
  };
}

/**
 * Draw `day` into `box`; `onMove(index | null)` is told which quarter of an hour is under finger or pointer.
 * @returns {{ show(index: number): void, end(): void }} show: put the mark at a quarter
 */
export function draw(box, day, onMove) {
  const paint = painter(day);
  const times = day.surface_c.map((_, index) => day.from_utc_s + (index + 0.5) * day.step_s);
  const [low, high] = degreesRange(day);
  const [soft, font] = [colour("soft"), `13px ${colour("font")}`];
  const line = (stroke, width, more = {}) => ({ scale: "c", stroke, width, points: { show: false }, ...more });
  const u = new Plot(
    {
      width: box.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      padding: [4, 2, 0, 0],
      cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { show: false } },
      scales: { x: { time: false, range: [day.from_utc_s, times[times.length - 1] + day.step_s / 2] }, c: { range: between(DEGREES[0], DEGREES[1], low, high) } },
      axes: [
        {
          stroke: soft, font, grid: { show: false }, ticks: { show: false }, size: 26, gap: 4,
          splits: () => labels(day).filter((utc_s) => Math.abs(utc_s - day.now_utc_s) > NOW_ROOM_S),
          values: (_, splits) => splits.map((utc_s) => clock(utc_s).slice(0, 2)),
        },
        {
          scale: "c", stroke: soft, font, grid: { show: false }, ticks: { show: false }, size: 36, gap: 4,
          splits: (self, axis, min, max, step) => Array.from({ length: 41 }, (_, index) => (index - 20) * (high - low > 12 ? 5 : 2)).filter((value) => value >= low && value <= high),
          values: (_, splits) => splits.map((value) => `${value < 0 ? "−" : ""}${Math.abs(value)}°`),
        },
      ],
      bands: [{ series: [1, 2], fill: "rgb(255 255 255 / 0.22)" }],
      series: [
        {},
        line("transparent", 0), // a tenth of the members is warmer
        line("transparent", 0), // a tenth is colder
        line(colour("text"), 3.5),
        line(colour("text"), 1.8),
        line(colour("snow"), 2, { dash: [7, 5] }),
      ],
      hooks: { drawClear: [(self) => paint(self, "ground")], draw: [(self) => paint(self, "marks")], setCursor: [(self) => onMove(self.cursor.idx ?? null)] },
    },
    [times, day.high_c, day.low_c, day.surface_c, day.planned_c, day.unheated_c],
    box,
  );
  const show = (index) => u.setCursor({ left: u.valToPos(times[index], "x"), top: 10 });
  const touch = (event) => u.setCursor({ left: event.clientX - u.over.getBoundingClientRect().left, top: 10 });
  u.over.addEventListener("pointerdown", touch);
  u.over.addEventListener("pointermove", touch);
  const sized = new ResizeObserver(() => u.setSize({ width: box.clientWidth, height: HEIGHT }));
  sized.observe(box);
  return {
    show,
    end() {
      sized.disconnect();
      u.destroy();
    },
  };
}
