// @ts-check
// The stream for a program's token: EventSource cannot send one, so the answer is read here.

const SILENT_MS = 45_000; // three clock events missed: the connection is dead
const AGAIN_MS = 3_000;

/** Events of `text`, complete ones only, and what is left of it. */
export function parse(text) {
  const parts = text.split("\n\n");
  const rest = parts.pop() ?? "";
  const events = parts.flatMap((part) => {
    const name = /^event: (.+)$/m.exec(part)?.[1];
    const data = /^data: (.+)$/m.exec(part)?.[1];
    return name && data ? [{ name, data: JSON.parse(data) }] : [];
  });
  return { events, rest };
}

async function once(path, token, take) {
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(), SILENT_MS);
  try {
    const answer = await fetch(path, { headers: { Authorization: `Bearer ${token}` }, signal: abort.signal, credentials: "omit" });
    if (!answer.ok || !answer.body) return answer.status;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return 0;
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), SILENT_MS);
      const { events, rest } = parse(text + value);
      text = rest;
      events.forEach(take);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Read for ever; `refused` is called with the status when the token is not taken. */
export async function follow(path, token, take, refused) {
  for (;;) {
    const status = await once(path, token, take).catch(() => 0);
    if (status === 401 || status === 403) refused(status);
    await new Promise((done) => setTimeout(done, AGAIN_MS));
  }
}
