const m = __reprise.module("std");

export function parse(text) {
	if (typeof text !== "string") throw m.error("INVALID_ARGUMENT_ERROR", `parse takes text with a JSON value on each line, not ${m.typeOf(text)}`);
	return [...reader("")(text.startsWith("\uFEFF") ? text.slice(1) : text, true)];
}

export function values(response) {
	return valuesOf(response);
}

async function* valuesOf(response) {
	const r = await response;
	if (typeof r?.text !== "function") throw m.error("INVALID_ARGUMENT_ERROR", `values takes a Response, or the promise of one, not ${m.typeOf(r)}`);
	const from = r.url.replace(/[?#].*$/s, "");
	const take = reader(from && `${from}: `);
	for await (const text of r.body?.pipeThrough(new TextDecoderStream()) ?? []) yield* take(text, false);
	yield* take("", true);
}

// reader reads line after line, piece after piece, when it is asked for the next one. Empty lines are left out.
function reader(from) {
	let rest = "";
	let line = 0;
	return function* (text, last) {
		text = rest + text;
		rest = "";
		for (let start = 0; start < text.length; ) {
			let end = text.indexOf("\n", start);
			if (end < 0 && !last) {
				rest = text.slice(start);
				return;
			}
			if (end < 0) end = text.length;
			const part = text.slice(start, end).trim();
			start = end + 1;
			line++;
			if (part !== "") yield valueOf(part, line, from);
		}
	};
}

function valueOf(part, line, from) {
	try {
		return JSON.parse(part);
	} catch {
		const preview = part.length > 80 ? `${part.slice(0, 80)}…` : part;
		throw m.error("INVALID_JSON_ERROR", `${from}line ${line} is not JSON; it begins with ${JSON.stringify(preview)}`, { line });
	}
}
