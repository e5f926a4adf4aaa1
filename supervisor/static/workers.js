// @ts-check
// Service workers: one keeps the app's shell, one shows notifications.

const PATHS = { shell: "/static/shell.js", notifications: "/static/sw.js" };
const REST_MS = 5 * 60_000; // a screen that nobody has touched for so long may load itself anew

/** The page's policy allows a script's address only from a named rule: this one knows these addresses. */
function address(name) {
  const types = /** @type {any} */ (window).trustedTypes;
  if (!types) return PATHS[name];
  return types.createPolicy(`worker-${name}`, { createScriptURL: () => PATHS[name] }).createScriptURL("");
}

/** The worker's registration; `scope`: the addresses that it serves. */
export async function register(name, scope) {
  await navigator.serviceWorker.register(address(name), { scope });
  return navigator.serviceWorker.getRegistration(scope);
}

/** From the next visit on the app opens without signal. A newer shell is shown once nobody is at work in the old one. */
export function keepShell() {
  if (!("serviceWorker" in navigator)) return; // no TLS
  register("shell", "/").catch(() => {}); // without it the app works as before
  if (!navigator.serviceWorker.controller) return;
  let touched_ms = Date.now();
  let outdated = false;
  const note = () => (touched_ms = Date.now());
  const renew = () => {
    const atWork = document.visibilityState === "visible" && (Date.now() - touched_ms < REST_MS || document.querySelector("dialog[open]"));
    if (outdated && !atWork) location.reload();
  };
  ["pointerdown", "keydown"].forEach((name) => addEventListener(name, note, { passive: true }));
  navigator.serviceWorker.addEventListener("controllerchange", () => ((outdated = true), renew()));
  document.addEventListener("visibilitychange", renew);
  setInterval(renew, REST_MS / 10);
}
