/**
 * The token's way: from the address (`#token=…`, as the server prints it) into
 * sessionStorage, and out of the address at once, so that it is not in the
 * history, in a bookmark or in a screenshot.
 */
const KEY = "reprise.token";

export function takeToken(): string | undefined {
  const params = new URLSearchParams(location.hash.slice(1));
  const given = params.get("token")?.trim();
  if (given) {
    params.delete("token");
    const rest = params.toString();
    history.replaceState(history.state, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
    keepToken(given);
    return given;
  }
  return sessionStorage.getItem(KEY) ?? undefined;
}

export function keepToken(token: string): void {
  sessionStorage.setItem(KEY, token);
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
}

/** What a person pastes: the token itself, or the whole address that the server printed. */
export function tokenFrom(pasted: string): string {
  const text = pasted.trim();
  const m = /#(?:.*&)?token=([^&\s]+)/.exec(text);
  if (!m?.[1]) return text;
  try {
    return decodeURIComponent(m[1]);
  } catch {
    return m[1]; // not percent-encoded after all
  }
}
