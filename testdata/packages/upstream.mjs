// What the packages call. It refuses whoever does not bring the connection's key, and
// prints its port.
import { createServer } from "node:http";

const key = process.env.REPRISE_SECRET_KEY;
const answers = {
  "POST /v1/customers": () => ({ id: "cus_1", object: "customer" }),
  "GET /v1/customers": (q) => ({
    object: "list", url: "/v1/customers", has_more: !q.has("starting_after"),
    data: (q.has("starting_after") ? ["cus_3"] : ["cus_1", "cus_2"]).map((id) => ({ id, object: "customer" })),
  }),
  "POST /v1/charges": () => [402, { error: { type: "card_error", code: "card_declined", message: "Your card was declined." } }],
  "GET /repos/o/r/issues": (q, at) => {
    const page = Number(q.get("page") ?? 1);
    return [200, [{ title: `issue ${page}` }], page < 3 ? { link: `<${at}/repos/o/r/issues?page=${page + 1}>; rel="next"` } : {}];
  },
  "GET /pets/7": (q) => ({ id: 7, name: q.get("full") === "true" ? "Rex" : "?" }),
  "POST /graphql": (_q, _at, { query, variables }) => query.includes("bad") ? { errors: [{ message: "there is no bad" }] } : { data: { pet: { name: "Rex", id: variables.id } } },
};

const server = createServer((request, response) => {
  let text = "";
  request.on("data", (chunk) => (text += chunk));
  request.on("end", () => {
    const at = `http://127.0.0.1:${server.address().port}`, url = new URL(request.url, at);
    const answer = answers[`${request.method} ${url.pathname}`];
    let body = text.startsWith("{") ? JSON.parse(text) : text, status = 404, headers = {};
    if (request.headers.authorization !== `Bearer ${key}` && request.headers["x-key"] !== key) [status, body] = [401, { message: "no key" }];
    else if (!answer) body = { message: "Not Found" };
    else {
      const given = answer(url.searchParams, at, body);
      [status, body, headers = {}] = Array.isArray(given) ? given : [200, given];
    }
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  });
}).listen(0, "127.0.0.1", () => console.log(server.address().port));
