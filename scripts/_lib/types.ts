// What the scripts of the shop say to each other.

export interface Line {
  sku: string;
  quantity: number;
}

export interface Order {
  id: string;
  items: Line[];
  /** In cents. */
  total: number;
  address: { name: string; country: string };
}

export interface Hold {
  id: string;
  items: Line[];
}

export interface Charge {
  id: string;
  order: string;
  amount: number;
  status: "captured" | "refunded";
}

export interface Label {
  id: string;
  order: string;
  carrier: string;
  tracking: string;
}

export interface Contact {
  id: string;
  name: string;
  email: string;
}

/** An order as orders/fulfil keeps it and hooks/payment updates it. */
export interface OrderRecord {
  id: string;
  status: "fulfilling" | "fulfilled" | "paid" | "disputed";
  /** The ids at the three APIs, once it is fulfilled. */
  hold?: string;
  charge?: string;
  label?: string;
}
