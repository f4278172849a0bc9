const m = __reprise.module("auth");

export const bearer = m.bearer;
export const basic = m.basic;
export const apiKey = m.apiKey;
export const oauth2 = m.oauth2;
export const standardWebhooks = m.standardWebhooks;
