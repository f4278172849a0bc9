import Stripe from "stripe";

export const config = { connections: ["stripe"] };

export default {
  async run({ port }: any, env: any) {
    const stripe = new Stripe("of the connection", { httpClient: Stripe.createFetchHttpClient(env.stripe.fetch), host: "127.0.0.1", port, protocol: "http", telemetry: false });
    const created = await stripe.customers.create({ email: "a@b.example" });
    const all: string[] = [];
    for await (const customer of stripe.customers.list({ limit: 2 })) all.push(customer.id);
    const declined = await stripe.charges.create({ amount: 1, currency: "eur" }).catch((error) => [error.type, error.code]);
    return { created: created.id, all, declined };
  },
};
