/**
 * The text of a filter as a list of terms with their places. The server owns
 * the grammar (and its errors); the page only needs to know where the cursor
 * stands, to complete it, and how to swap one term for another.
 */
export interface Term {
  start: number;
  end: number;
  text: string;
  negated: boolean;
  /** Lower case; empty for a plain word. */
  key: string;
  value: string;
  /** Where the value begins in the whole text. */
  valueStart: number;
  /** A quote was opened and not closed. */
  open: boolean;
}

export function terms(filter: string): Term[] {
  const out: Term[] = [];
  let i = 0;
  while (i < filter.length) {
    if (/\s/.test(filter[i] as string)) {
      i++;
      continue;
    }
    const start = i;
    let quoted = false;
    for (; i < filter.length; i++) {
      const c = filter[i] as string;
      if (c === "\\" && quoted) i++;
      else if (c === '"') quoted = !quoted;
      else if (!quoted && /\s/.test(c)) break;
    }
    out.push(term(filter, start, Math.min(i, filter.length), quoted));
  }
  return out;
}

function term(filter: string, start: number, end: number, open: boolean): Term {
  const text = filter.slice(start, end);
  const negated = text.startsWith("-") && text.length > 1;
  const body = negated ? text.slice(1) : text;
  const m = /^([A-Za-z][\w.]*):/.exec(body);
  const key = m?.[1] ?? "";
  const valueStart = start + (negated ? 1 : 0) + (m ? m[0].length : 0);
  return { start, end, text, negated, key: key.toLowerCase(), value: filter.slice(valueStart, end), valueStart, open };
}

/** Quotes a value where the grammar needs it. */
export function quote(value: string): string {
  return /[\s"]/.test(value) ? `"${value.replace(/(["\\])/g, "\\$1")}"` : value;
}

/** The filter with `key:value` instead of any term of that key; no value takes the key out. */
export function withTerm(filter: string, key: string, value?: string): string {
  const kept = terms(filter).filter((t) => t.key !== key || t.negated).map((t) => t.text);
  if (value !== undefined) kept.push(`${key}:${quote(value)}`);
  return kept.join(" ");
}

/** The value of a key's one positive term. */
export function valueOf(filter: string, key: string): string | undefined {
  const found = terms(filter).find((t) => t.key === key && !t.negated);
  return found?.value.replace(/^"(.*)"$/, "$1");
}

/** Whether a filter looks finished: not inside a quote, not right after `key:` or an operator. */
export function finished(filter: string): boolean {
  const last = terms(filter).at(-1);
  if (!last) return true;
  if (last.open || last.text === "-") return false;
  return last.key === "" || !/^(>=?|<=?|)$/.test(last.value);
}
