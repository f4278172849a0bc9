import { gql, GraphQLClient } from "graphql-request";

export const config = { connections: ["pets"] };

export default {
  async run({ port }: any, env: any) {
    const client = new GraphQLClient(`http://127.0.0.1:${port}/graphql`, { fetch: env.pets.fetch });
    const data = await client.request(gql`query ($id: Int) { pet(id: $id) { name } }`, { id: 7 });
    const error = await client.request(gql`{ bad }`).catch((e) => e.response.errors[0].message);
    return { data, error };
  },
};
