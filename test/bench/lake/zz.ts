import { benchFleet } from "./fleet.ts";
for (const r of await benchFleet()) console.log(JSON.stringify(r));
