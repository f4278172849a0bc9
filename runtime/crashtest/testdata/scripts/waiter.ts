import { waitFor } from "reprise:run";

export default async () => (await waitFor("go")).by;
