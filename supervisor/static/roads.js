// @ts-check
// Residents' pages stay up to date: once a minute the words are replaced where they stand. Nothing is reloaded, so that
// focus, scrolling and a screen reader's place stay. Without this script the page's own link does it.

const EACH_MS = 60_000;

/** Replace what has changed between two elements of the same shape; the others keep their focus. */
function follow(shown, fresh) {
  if (shown.isEqualNode(fresh)) return;
  const same = shown.tagName === fresh.tagName && shown.children.length > 0 && shown.children.length === fresh.children.length;
  if (!same || shown.matches("svg, p, strong, span, b")) return shown.replaceWith(fresh);
  shown.className = fresh.className;
  if (fresh.href) shown.href = fresh.href;
  [...shown.children].forEach((child, n) => follow(child, [...fresh.children][n].cloneNode(true)));
}

/** The page as it is now, without what it said once after a report. */
function update() {
  if (document.visibilityState !== "visible") return;
  const address = new URL(location.href);
  address.searchParams.delete("said");
  const asked = new XMLHttpRequest(); // it gives a document: no text has to be trusted as one
  asked.open("GET", address);
  asked.responseType = "document";
  asked.onload = () => {
    const [shown, fresh] = [document.querySelector("main"), asked.response?.querySelector("main")];
    if (asked.status === 200 && shown && fresh) follow(shown, fresh);
  };
  asked.send(); // without signal: the time in the page says how old it is
}

setInterval(update, EACH_MS);
document.addEventListener("visibilitychange", update);
