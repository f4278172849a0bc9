import { defineConfig } from "vitest/config";

// Units only, in Node: what needs a page is tested in a real browser (e2e).
export default defineConfig({ test: { include: ["src/**/*.test.ts"], environment: "node" } });
