// @ts-check
// Icons, drawn here so that nothing is fetched and no state is shown by colour alone. 24 × 24, stroked.

import { h } from "./vendor/preact.mjs";

const PATHS = {
  icy: "M12 2.5 20.5 12 12 21.5 3.5 12ZM12 7.5v5.5M12 16v.4", // a warning diamond
  snow: "M12 2.5v19M3.8 7.2l16.4 9.6M20.2 7.2 3.8 16.8M9.5 4.2 12 6.6l2.5-2.4M9.5 19.8 12 17.4l2.5 2.4M4 10.6l3.4-.9-.9-3.4M20 13.4l-3.4.9.9 3.4M20 10.6l-3.4-.9.9-3.4M4 13.4l3.4.9-.9 3.4",
  wet: "M12 3c3.6 4.4 6 7.4 6 11a6 6 0 0 1-12 0c0-3.6 2.4-6.6 6-11ZM9 14.5a3 3 0 0 0 3 3",
  dry: "M8.5 3 5 21M15.5 3 19 21M12 4v3M12 10.5v3M12 17v3",
  unknown: "M9 9a3 3 0 1 1 4.4 2.6c-.9.5-1.4 1.1-1.4 2.4M12 17.5v.4M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19Z",
  on: "M12 2.8c.6 3.6 5.2 5.6 5.2 10.4a5.2 5.2 0 0 1-10.4 0c0-2 .9-3.2 2-4.4.3 1.4.9 2 1.6 2.4C10.200 8 10.600 5 12 2.800Z",
  off: "M12 3v8M7 6.200a8 8 0 1 0 10 0",
  boost: "M5.500 12 12 5.500 18.500 12M5.500 19 12 12.500 18.500 19",
  heating: "M6 20c0-2 1.500-2.500 1.500-4.500S6 12.500 6 10.500 7.500 8 7.500 6M11.500 20c0-2 1.500-2.500 1.500-4.500s-1.500-3-1.500-5S13 8 13 6M17 20c0-2 1.500-2.500 1.500-4.500s-1.500-3-1.500-5S18.500 8 18.500 6",
  idle: "M9 5v14M15 5v14",
  trouble: "M12 3.500 21.500 20h-19ZM12 9.500v5M12 17v.4",
  offline: "M3 3l18 18M8.500 15.500a5 5 0 0 1 6-.8M5.500 12.200a9.500 9.500 0 0 1 4.200-2.400M14.500 10a9.500 9.500 0 0 1 4 2.200M2.800 8.800a14 14 0 0 1 3.900-2.500M10.800 5.200a14 14 0 0 1 10.400 3.600M12 19v.4",
  bolt: "M13 2.500 5 13.500h6l-1.500 8L18 10.500h-6Z",
  octagon: "M8.300 3h7.400L21 8.300v7.400L15.700 21H8.300L3 15.700V8.300ZM9 9l6 6M15 9l-6 6",
  circle: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM8 12.300l2.900 2.900L16.200 9.500",
  melting: "M12 2v6M9.400 3.500l5.200 3M14.600 3.500l-5.200 3M7 21c0-2 1.500-2.300 1.500-4.200S7 14 7 12M12 21c0-2 1.500-2.300 1.500-4.200S12 14 12 12M17 21c0-2 1.500-2.300 1.500-4.200S17 14 17 12",
  cut: "M2.500 12h6M15.500 12h6M8.500 8.500v7M15.500 8.500v7M10.500 5l3 14",
  probe: "M10 4.500a2 2 0 0 1 4 0V13a4.200 4.200 0 1 1-4 0ZM18.500 4.500l3 3M21.500 4.500l-3 3",
  lock: "M6 11h12v9.500H6ZM8.500 11V7.500a3.500 3.500 0 0 1 7 0V11",
  shield: "M12 3l7.500 3v5.500c0 4.500-3 7.500-7.500 9.500-4.500-2-7.500-5-7.500-9.500V6Z",
  limit: "M4 6h16M4 20v-9h4.500v9M10 20v-6h4.500v6M16 20v-4h4v4",
  chip: "M7.500 7.500h9v9h-9ZM10 3.500v4M14 3.500v4M10 16.500v4M14 16.500v4M3.500 10h4M3.500 14h4M16.500 10h4M16.500 14h4",
  plan: "M5 5.500h14v14H5ZM5 10h14M9 3v4M15 3v4",
  list: "M8.500 6h12M8.500 12h12M8.500 18h12M4 6h.3M4 12h.3M4 18h.3",
  bell: "M6 17v-6a6 6 0 0 1 12 0v6l1.500 1.500h-15ZM10 21h4",
  find: "M10.500 4a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13ZM15.500 15.500l5 5",
  swap: "M4 8h15M15.500 4.500 19 8l-3.500 3.500M20 16H5M8.500 12.500 5 16l3.500 3.500",
  dots: "M5 12h.3M12 12h.3M19 12h.3",
  back: "M14.500 5 7.500 12l7 7",
  more: "M6 9.500 12 15.500 18 9.500",
  less: "M6 15 12 9 18 15",
  check: "M5 12.500 10 17.500 19.500 7",
  close: "M6 6l12 12M18 6 6 18",
  clock: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM12 7.500V12l3 2",
  info: "M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19ZM12 11v6M12 7v.4",
  key: "M8 11.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9ZM11.300 12.700 20 4M16.500 7.500l3 3",
  plus: "M12 5v14M5 12h14",
  plough: "M3 5v13h7M3 18c2.500 0 4-1.500 4-5M10 18h10v-5l-3-4h-5v9M13 18a2 2 0 1 0 4 0",
  salt: "M9 3h6v4l2 3v10.500H7V10l2-3ZM10.500 12.500h.3M13.500 14h.3M10.800 16.500h.3M14 17.500h.3M7 10h10",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.500 20.500c.8-4 3.800-6 7.500-6s6.700 2 7.500 6",
};

/** What an alarm is about, at a glance; the others have the bell. */
export const ALARM_ICONS = {
  "earth-fault": "bolt", "thermal-cut-out": "bolt", "contactor-welded": "bolt", "electric-danger": "bolt", "cable-broken": "cut", "sensor-implausible": "probe", contract: "limit", breaker: "limit",
  "board-absent": "offline", latched: "lock",
};

/** An icon by name; hidden from screen readers, because there is always a text beside it. */
export function Icon({ name, size = 24 }) {
  return h(
    "svg",
    {
      class: "icon", width: size, height: size, viewBox: "0 0 24 24", fill: "none", stroke: "currentColor",
      "stroke-width": 2, "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true", focusable: "false",
    },
    h("path", { d: PATHS[name] || PATHS.unknown }),
  );
}
