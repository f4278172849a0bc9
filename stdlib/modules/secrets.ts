const m = __reprise.module("secrets");

export const secret = m.secret;
