// What arrives in the raw bucket: from any host that has credentials, so from anybody who broke into one.
// Members, lines and rows are judged together with the files that are made of them, read back by another reader.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { readMessage } from "../../../functions/core/convert-message.ts";
import { lakeFiles, partName } from "../../../functions/core/lake-files.ts";
import { readRawObject } from "../../../functions/core/raw-object.ts";
import { encodeRejects, REJECT_LINES_MAX } from "../../../functions/core/rejects.ts";
import { sampleKinds } from "../../../schema/columns.ts";
import { encodeBatch } from "../../../schema/wire.ts";
import { collectorSample, detailSample, hostIdentity, hostSample, processSample, samples } from "../../support/samples.ts";
import type { FuzzTarget } from "../target.ts";

const ARRIVED_MS = 1_800_000_000_000;
const KEY = "raw/dt=2027-01-15/hr=08/fuzz.ndjson.gz";
const LAKE_KEY = /^lake\/(process|host|collector|detail)\/dt=\d{4}-\d\d-\d\d\/hr=\d\d\/[0-9a-f]{32}-\d{5}\.parquet$/;

const line = () =>
  encodeBatch(
    { ...hostIdentity, account_id: "123456789012", region: "eu-west-1" },
    samples({
      process: [
        processSample({ rss_bytes: 4_096, free_bytes_by_size: [1, 2] }),
        processSample({ sequence: 9, tunables: "a=1" }),
      ],
      host: [hostSample()],
      collector: [collectorSample()],
      detail: [detailSample()],
    }),
  );

export const wire: FuzzTarget = {
  name: "wire",
  // With a first byte of 0 the rest is the object as it lies there, otherwise the text of a member that is whole.
  seeds: () => [
    Buffer.concat([Buffer.from([0]), gzipSync(line()), gzipSync(line()), gzipSync("not json\n")]),
    Buffer.from(`1${line()}${line()}`),
    Buffer.from(`1${JSON.stringify({ detail: { bucket: { name: "raw" }, object: { key: KEY, size: 1 } } })}`),
  ],
  words: [
    ...[
      '"__proto__":',
      '"constructor":',
      "[[[[",
      "null",
      "-1",
      "1e400",
      "9007199254740993",
      '"\\ud800"',
      '"../../../x"',
      '"a\\u0000b"',
    ],
    ...[
      '"v":2',
      '"n":20001',
      '"n":-1',
      '"service":',
      '"sampled_at":[253402300800000,1]',
      "\x1f\x8b\x08\x00",
      "\n",
      "\u001b]0;x\u0007",
    ],
    ...['"dt=2026-01-01/hr=00"', '"k":{"process":{"n":1,"c":{}}}', '"host_id":"i-0def"', '"region":7'],
  ],
  async run(input) {
    const object = input[0] === 0 ? input.subarray(1) : gzipSync(input.subarray(1), { level: 1 });
    async function* source() {
      yield object;
    }
    const { parts, rejects, counts } = readRawObject(source(), { key: KEY, arrivedAtMs: ARRIVED_MS });
    const found = { process: 0, host: 0, collector: 0, detail: 0 };
    let part = 0;
    for await (const tables of parts) {
      for (const file of lakeFiles(tables, partName(KEY, part++))) {
        match(file.key, LAKE_KEY);
        const bytes = file.bytes.buffer.slice(file.bytes.byteOffset, file.bytes.byteOffset + file.bytes.length) as ArrayBuffer;
        const rows = await parquetReadObjects({ file: bytes, compressors });
        found[file.kind] += rows.length;
        for (const row of rows) ok(!Object.values(row).some(Number.isNaN));
      }
    }
    deepEqual(found, counts.rows, "each row is in one file");
    equal(counts.bytesIn, object.length);
    ok(rejects.lines.length <= REJECT_LINES_MAX && rejects.count >= rejects.lines.length);
    for (const text of encodeRejects(rejects).toString("utf8").split("\n").slice(0, -1)) {
      const { value, limit }: { value: string; limit: string } = JSON.parse(text);
      ok(value.length <= 160 && limit.length <= 200, text);
    }
    const message = readMessage(input.toString("utf8", 1), "raw");
    if (message.ok) ok(message.value.key.startsWith("raw/dt=") && Number.isSafeInteger(message.value.arrivedAtMs));
    const reasons = new Set(rejects.lines.map(({ kind, reason, field }) => `${kind} ${reason} ${field === null}`));
    const kinds = sampleKinds.filter((kind) => found[kind] > 0);
    return `${kinds} ${[...reasons].sort().slice(0, 4)} ${counts.damagedMembers > 0} ${message.ok ? "ok" : message.error.reason}`;
  },
};
