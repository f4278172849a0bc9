const m = __reprise.module("http");

export const http = m.http;
export const HTTPError = m.HTTPError;
