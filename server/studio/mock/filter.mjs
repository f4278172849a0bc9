// The filters of docs/reference/tail.md, as far as the studio's tests use them.
const LEVELS = ["debug", "info", "warn", "error"];
const KEYS = ["level", "script", "run", "revision", "kind", "status", "dur", "method", "url"];

export class FilterError extends Error {
  constructor(message, column) {
    super(`${message} at column ${column}`);
    this.column = column;
  }
}

/** Compiles a filter to a predicate, or throws a FilterError. */
export function compile(text) {
  const tests = [...text.matchAll(/-?(?:[\w.]+:)?(?:"(?:[^"\\]|\\.)*"|\S+)/g)].map((m) => term(m[0], m.index + 1));
  return (entry) => tests.every((t) => t(entry));
}

function term(text, column) {
  if (text.startsWith("-")) {
    const inner = term(text.slice(1), column + 1);
    return (e) => !inner(e);
  }
  const m = /^([A-Za-z][\w.]*):(.*)$/s.exec(text);
  if (!m) {
    const word = unquote(text).toLowerCase();
    return (e) => `${e.msg} ${JSON.stringify(e.fields ?? {})}`.toLowerCase().includes(word);
  }
  const [, key, raw] = m;
  const value = unquote(raw);
  if (!KEYS.includes(key) && !key.startsWith("field.")) throw new FilterError(`unknown key "${key}"; did you mean ${nearest(key)}?`, column);
  if (value === "") throw new FilterError(`${key} needs a value`, column + key.length + 1);
  return test(key, value, column);
}

function test(key, value, column) {
  switch (key) {
    case "level":
      return level(value, column);
    case "run":
    case "revision":
      return (e) => (e[key] ?? "").startsWith(value);
    case "kind":
      return (e) => value.split(",").includes(e.kind);
    case "script":
      return glob(value, (e) => e.script);
    case "dur":
      return compare(value, (e) => e.fields?.durMs);
    case "status":
      if (/^\dxx$/.test(value)) return (e) => Math.floor(e.fields?.status / 100) === Number(value[0]);
      return /^[<>]/.test(value) ? compare(value, (e) => e.fields?.status) : (e) => String(e.fields?.status) === value;
    default:
      return glob(value, (e) => e.fields?.[key.replace(/^field\./, "")]);
  }
}

function level(value, column) {
  const least = LEVELS.indexOf(value.replace(/^>=/, ""));
  if (least < 0) throw new FilterError(`unknown level "${value}"`, column + 6);
  return (e) => (value.startsWith(">=") ? LEVELS.indexOf(e.level) >= least : e.level === LEVELS[least]);
}

function compare(value, pick) {
  const [, op, n, unit] = /^(>=|<=|>|<)?([\d.]+)(ms|s)?$/.exec(value) ?? [];
  const limit = Number(n) * (unit === "s" ? 1000 : 1);
  const ops = { ">": (x) => x > limit, "<": (x) => x < limit, ">=": (x) => x >= limit, "<=": (x) => x <= limit };
  return (e) => typeof pick(e) === "number" && (ops[op] ?? ((x) => x === limit))(pick(e));
}

function glob(value, pick) {
  const re = new RegExp(`^${value.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*")}$`);
  return (e) => pick(e) !== undefined && re.test(String(pick(e)));
}

const unquote = (s) => s.replace(/^"(.*)"$/s, "$1").replace(/\\(["\\])/g, "$1");

function nearest(key) {
  const shared = (k) => [...k].filter((c) => key.includes(c)).length - Math.abs(k.length - key.length);
  return KEYS.toSorted((a, b) => shared(b) - shared(a))[0];
}
