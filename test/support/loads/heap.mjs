// Allocates 20,000 buffers of 600 to 6,000 bytes for each line it reads and keeps every 50th, as a cache that is emptied does.
// It leaves the rest of its life to waiting. Their bytes are malloc's.
import { createInterface } from "node:readline";

const collectGarbage = globalThis.gc;
if (collectGarbage === undefined) throw new Error("usage: node --expose-gc heap.mjs");

const survivors = [];
const load = () => {
  const blocks = Array.from({ length: 20_000 }, (_, i) => new Uint8Array(600 + ((i * 7_919) % 5_400)).fill(1));
  survivors.push(...blocks.filter((_, i) => i % 50 === 0));
};

console.log("ready");
for await (const _ of createInterface({ input: process.stdin })) {
  load();
  await collectGarbage({ execution: "async", type: "major" });
  console.log("done");
}
