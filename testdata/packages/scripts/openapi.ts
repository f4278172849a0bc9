import createClient from "openapi-fetch";

type Paths = {
  "/pets/{id}": { get: { parameters: { path: { id: number }; query?: { full?: boolean } }; responses: { 200: { content: { "application/json": { id: number; name: string } } }; 404: { content: { "application/json": { message: string } } } } } };
};

export const config = { connections: ["pets"] };

export default {
  async run({ port }: any, env: any) {
    const client = createClient<Paths>({ baseUrl: `http://127.0.0.1:${port}`, fetch: env.pets.fetch });
    const found = await client.GET("/pets/{id}", { params: { path: { id: 7 }, query: { full: true } } });
    const missing = await client.GET("/pets/{id}", { params: { path: { id: 8 } } });
    return { name: found.data?.name, status: found.response.status, error: missing.error?.message };
  },
};
