// The smallest script. A script exports handlers: `fetch` answers HTTP requests, `run` does a piece of work.
import type { Script } from "reprise:script";

export default {
  // curl 'localhost:8080/hello?name=Ada'
  fetch(request) {
    const name = new URL(request.url).searchParams.get("name") ?? "world";
    console.log("greeting", { name });
    return Response.json({ hello: name });
  },

  // reprise run scripts/hello.ts --input '{"name":"Ada"}'
  run(input) {
    return `Hello, ${input?.name ?? "world"}!`;
  },
} satisfies Script<{ name?: string } | undefined>;
