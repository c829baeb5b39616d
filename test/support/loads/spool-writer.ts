// Writes records to a spool and says each promise on standard output, until it is killed: +id is on the disk, -id is delivered.
// What must then be there is test/collector/ship/spool.test.ts's.
import { writeSync } from "node:fs";
import { openSpool } from "../../../collector/ship/spool.ts";

const spool = openSpool({ folder: process.argv[2] ?? "", bytesMax: 64 * 1_024 * 1_024 });
for (let id = 0; ; id++) {
  const place = spool.append(Buffer.from(`${id} ${"x".repeat((id * 977) % 20_000)}`), 1);
  writeSync(1, `+${id}\n`);
  spool.giveBack([place]);
  if (id % 3 === 2) {
    const [oldest] = spool.take(0, true);
    if (oldest === undefined) continue;
    spool.done([oldest]);
    writeSync(1, `-${Buffer.from(oldest.bytes).toString().split(" ")[0]}\n`);
  }
}
