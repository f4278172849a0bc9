/**
 * Sending webhooks, as Standard Webhooks (www.standardwebhooks.com) have it. Webhooks come in by `config.webhook`.
 *
 * @example
 * import { secret } from "reprise:secrets";
 * import { webhooks } from "reprise:webhooks";
 *
 * const { delivered } = await webhooks.send(customer.url, { type: "order.paid", timestamp: new Date(), data: order }, {
 *   secret: secret("CUSTOMER_WEBHOOK"), id: `msg_${order.id}`,
 * });
 */
declare module "reprise:webhooks" {
	import type { Secret } from "reprise:secrets";

	export interface SendOptions {
		/** The secret to sign with: "whsec_" and base64. The server signs; the script never has it. */
		secret: Secret;
		/** What the receiver tells repetitions by. Default: a random one. Give one of your own where the same event may be sent by two runs. */
		id?: string;
		/** Further headers. */
		headers?: HeadersInit;
		/** How long the receiver may take to answer. Default 20 s. */
		timeout?: number | string;
		/**
		 * How long to wait after each failed attempt; with n waits there are n + 1 attempts. Default: 5 s, 5 min, 30 min,
		 * 2 h, 5 h, 10 h, 14 h, 20 h and 24 h.
		 */
		waits?: readonly (number | string)[];
	}

	export interface Sent {
		/** Whether the receiver answered with 2xx. */
		readonly delivered: boolean;
		/** How many attempts there were. */
		readonly attempts: number;
		readonly id: string;
		/** What the last attempt was answered with: 410 says that the receiver wants no more. null: there was no answer. */
		readonly status: number | null;
	}

	export const webhooks: {
		/**
		 * Sends an event, which is JSON, and tries again on the schedule of the specification for as long as the answer is
		 * not 2xx. The waits are those of `sleep`: they survive a restart, and hold no memory. A receiver that is not there
		 * is no error; a call that can not be made is.
		 */
		send(url: string | URL, event: unknown, options: SendOptions): Promise<Sent>;
	};
}
