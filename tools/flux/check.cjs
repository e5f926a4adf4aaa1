// Types of Flux queries: node check.cjs FOLDER-OF-PACKAGES FILE… ; status 1 where one is wrong.
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const path = require("node:path");

const [packages, ...files] = process.argv.slice(2);
const { is_valid_flux: isValid } = createRequire(path.resolve(packages, "x.js"))("@influxdata/flux-lsp-node");
// A checker that accepts everything must not pass for one that checks.
const wrong = 'from(bucket: "b") |> range(start: -1h) |> filter(fn: (r) => r._value + "a" == 1) |> limit(n: "one")';
if (isValid(wrong)) throw new Error("the checker accepts a query with wrong types");
const bad = files.filter((file) => !isValid(readFileSync(file, "utf8")));
for (const file of bad) console.error(`${file}: not valid Flux, or of wrong types`);
console.log(`check-flux: ${files.length} queries, ${bad.length} wrong`);
process.exit(bad.length ? 1 : 0);
