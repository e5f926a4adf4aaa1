// @ts-check
// A table as a CSV file that a spreadsheet opens.

const FORMULA = /^[=+\-@\t\r]/; // a spreadsheet takes a text that begins so for a formula

/** Quoted; a text that a spreadsheet would calculate is marked as text. Numbers stay numbers. */
function quoted(cell) {
  if (cell === null || cell === undefined) return "";
  if (typeof cell === "number") return String(cell);
  return `"${(FORMULA.test(cell) ? `'${cell}` : cell).replaceAll('"', '""')}"`;
}

/** Save rows of cells, heads first, under a name. */
export function save(rows, file) {
  const text = rows.map((row) => row.map(quoted).join(",")).join("\r\n");
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" })); // the mark tells Excel that it is UTF-8
  const link = Object.assign(document.createElement("a"), { href: url, download: file });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
