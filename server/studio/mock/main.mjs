// npm run dev: the built page with a mock of the server behind it.
// Run `npx vite build --watch` beside it to see edits.
import { start } from "./server.mjs";

const mock = await start({ port: Number(process.env.PORT ?? 8099), quiet: false });
process.stdout.write(`studio with a mocked server: ${mock.url}/#token=${mock.token}\n`);
