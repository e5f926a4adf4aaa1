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
  back: "M14.500 5 7.500 12l7 7",
  more: "M6 9.500 12 15.500 18 9.500",
  less: "M6 15 12 9 18 15",
  check: "M5 12.500 10 17.500 19.500 7",
  close: "M6 6l12 12M18 6 6 18",
  clock: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM12 7.500V12l3 2",
  info: "M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19ZM12 11v6M12 7v.4",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.500 20.500c.8-4 3.800-6 7.500-6s6.700 2 7.500 6",
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
