const m = __reprise.module("secrets");

export const secret = m.secret;
export const hmac = m.hmac;
export const sign = m.sign;
export const verify = m.verify;
