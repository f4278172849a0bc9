const m = __reprise.module("std");

export function parse(text) {
	if (typeof text !== "string") throw m.error("INVALID_ARGUMENT_ERROR", `parse takes the text of an event stream, not ${m.typeOf(text)}`);
	return [...reader()(text.startsWith("\uFEFF") ? text.slice(1) : text, true)];
}

export function events(response) {
	return eventsOf(response);
}

async function* eventsOf(response) {
	const r = await response;
	if (typeof r?.text !== "function") throw m.error("INVALID_ARGUMENT_ERROR", `events takes a Response, or the promise of one, not ${m.typeOf(r)}`);
	const type = (r.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
	if (type !== "text/event-stream") {
		throw m.error("INVALID_ARGUMENT_ERROR", `events takes a response of type text/event-stream; ${r.url.replace(/[?#].*$/s, "") || "this one"} answered ${r.status} with ${type || "no type"}`);
	}
	const take = reader();
	for await (const text of r.body?.pipeThrough(new TextDecoderStream()) ?? []) yield* take(text, false);
	yield* take("", true);
}

// reader interprets a stream as the HTML standard says (9.2.6), piece after piece. What follows the last empty line is no event.
function reader() {
	let rest = ""; // of a line that has no end yet
	let event = "";
	let data = [];
	let id = "";
	let retry;
	return function* (text, last) {
		text = rest + text;
		const half = !last && text.endsWith("\r"); // a "\n" that belongs to it may follow
		if (half) text = text.slice(0, -1);
		const lines = text.includes("\r") ? text.split(/\r\n|\n|\r/) : text.split("\n"); // which is faster
		rest = lines.pop() + (half ? "\r" : "");
		for (const line of lines) {
			if (line === "") {
				if (data.length > 0) yield { event: event || "message", data: data.join("\n"), id, retry };
				event = "";
				data = [];
				continue;
			}
			const colon = line.indexOf(":");
			if (colon === 0) continue; // a comment
			const field = colon < 0 ? line : line.slice(0, colon);
			const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
			if (field === "data") data.push(value);
			else if (field === "event") event = value;
			else if (field === "id" && !value.includes("\0")) id = value;
			else if (field === "retry" && /^[0-9]+$/.test(value)) retry = Number(value);
		}
	};
}
