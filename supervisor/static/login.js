// @ts-check
// Signing in with a passkey, on the page for people who are signed out. It imports nothing: only this file is public.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const post = async (path, body) => {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(body ?? {}) });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.status === 204 ? null : answer.json();
};

async function signIn() {
  const options = await post("/login/passkey/options");
  const found = /** @type {PublicKeyCredential} */ (await navigator.credentials.get({ publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: [] } }));
  const given = /** @type {AuthenticatorAssertionResponse} */ (found.response);
  await post("/login/passkey", {
    id: found.id,
    response: {
      clientDataJSON: text(given.clientDataJSON),
      authenticatorData: text(given.authenticatorData),
      signature: text(given.signature),
      userHandle: given.userHandle ? text(given.userHandle) : null,
    },
  });
  location.replace("/");
}

const button = /** @type {HTMLButtonElement | null} */ (document.getElementById("passkey"));
const failed = document.getElementById("passkey-failed");
if (button && failed && "PublicKeyCredential" in window) {
  button.hidden = false;
  button.addEventListener("click", () => {
    button.disabled = failed.hidden = true;
    signIn().catch(() => (failed.hidden = false)).finally(() => (button.disabled = false));
  });
}
