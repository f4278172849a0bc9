import { standardWebhooks } from "reprise:auth";
import { http } from "reprise:http";
import { sleep } from "reprise:run";

const m = __reprise.module("std");

// The schedule that the Standard Webhooks specification suggests: the first attempt at once, and these waits, each
// after the attempt before. They come to a little more than three days.
const waitsOfTheSpecification = ["5 s", "5 min", "30 min", "2 h", "5 h", "10 h", "14 h", "20 h", "24 h"];

// What a receiver that can not be reached comes back as. Anything else is a fault of the call, and trying again would
// not mend it.
const unreachable = ["CONNECT_ERROR", "NETWORK_ERROR", "TIMEOUT_ERROR", "BODY_TOO_LARGE_ERROR"];

const gone = 410;

export const webhooks = Object.freeze({ send });

async function send(url, event, options) {
	const o = m.options(options, "webhooks.send", ["secret", "id", "headers", "timeout", "waits"]);
	const auth = standardWebhooks(o.secret);
	const waits = waitsOf(o.waits);
	const body = JSON.stringify(event); // once: every attempt sends the same bytes
	if (body === undefined) throw m.error("INVALID_ARGUMENT_ERROR", `the event of webhooks.send must be a JSON value, not ${m.typeOf(event)}`);
	const id = idOf(o.id);
	const request = {
		body, auth, timeout: o.timeout ?? "20 s", retry: false, redirect: "manual", throwHttpErrors: false,
		idempotencyKey: id, // receivers tell repetitions by the id: an attempt that a crash has cut off is made again
		headers: { ...plain(o.headers), "content-type": "application/json", "webhook-id": id },
	};
	let status;
	for (let attempt = 1; ; attempt++) {
		status = await attemptOf(url, request);
		if (status >= 200 && status < 300) return { delivered: true, attempts: attempt, id, status };
		if (status === gone || attempt > waits.length) return { delivered: false, attempts: attempt, id, status };
		await sleep(waits[attempt - 1]);
	}
}

// attemptOf promises the status that the receiver answered with, or null if there was no answer.
async function attemptOf(url, request) {
	try {
		return (await http.post(url, request)).status;
	} catch (error) {
		if (unreachable.includes(error?.code)) return null;
		throw error;
	}
}

function waitsOf(waits) {
	if (waits == null) return waitsOfTheSpecification.map((wait) => m.milliseconds(wait, "waits"));
	if (!Array.isArray(waits)) throw m.error("INVALID_ARGUMENT_ERROR", `waits must be a list of durations, such as ["5 s", "5 min"], not ${m.typeOf(waits)}`);
	return waits.map((wait) => m.milliseconds(wait, "each of waits"));
}

function idOf(id) {
	if (id == null) return "msg_" + crypto.randomUUID().replaceAll("-", "");
	if (typeof id !== "string" || !/^[\x21-\x7e]{1,256}$/.test(id) || id.includes(".")) {
		throw m.error("INVALID_ARGUMENT_ERROR", "id must be text of 1 to 256 visible characters without a dot: what is signed is id.time.body");
	}
	return id;
}

// plain are headers by their names, which may be those of a Headers or a list of pairs.
function plain(headers) {
	return headers == null ? {} : Object.fromEntries(new Headers(headers));
}
