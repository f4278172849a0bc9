const m = __reprise.module("kv");

export const kv = m.kv;
