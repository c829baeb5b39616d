// The way from the collector to the lake at its worst: Firehose, S3 and SQS fail in every way they have, converters die in the midst
// of a write, and objects come damaged. What is promised is in the lake once, or in rejects/ with a reason.
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { partitionOf, rawKey } from "../../schema/keys.ts";
import { names } from "../aws/deployment.ts";
import { objectCreated } from "../aws/event-source.ts";
import { type Fault, internalError, slowDown, throttled } from "../aws/faults.ts";
import { type Line, startLine } from "./line.ts";
import { bomb, largeObject, madeObject, otherVersion, otherVersions } from "./objects.ts";
import { suffer } from "./suffer.ts";
import { pick, randomFor } from "./suite.ts";
import { noWorld } from "./world.ts";

const options = { skip: noWorld() };
let line: Line;
before(async () => {
  if (options.skip !== false) return;
  line = await startLine(randomUUID());
  await line.recovered();
});
after(async () => {
  if (options.skip === false) await line[Symbol.asyncDispose]();
});

/** Answers 200 with what is no answer of Firehose: proxies and half-broken front ends do. */
const GARBAGE = ["<html>OK</html>", "", "{}", "null", "[]", '{"FailedPutCount":1,"RequestResponses":[]}', '{"FailedPutCount":'];

const firehose: Readonly<Record<string, (random: () => number) => void>> = {
  throttled: () => inject({ service: "firehose", ...throttled }),
  "partially failing": (random) => {
    const seeds = random();
    line.deployment.aws.firehose.refuse((data) => (data.length * seeds * 7_919) % 1 < 0.5);
  },
  down: () => inject({ service: "firehose", how: "half_request" }),
  "slow: taken, and answered too late": () => inject({ service: "firehose", how: "slow", ms: 1_500 }),
  "answering garbage": (random) => inject({ service: "firehose", how: "garbage", body: pick(random, GARBAGE) }),
};
const inject = (fault: Fault): void => line.deployment.aws.faults.inject(fault);

for (const [how, begin] of Object.entries(firehose)) {
  test(`Firehose ${how}`, options, (t) =>
    suffer(t, line, {
      name: `Firehose: ${how}`,
      moments: 6,
      spreadMs: 400,
      async strike(random) {
        begin(random);
        await sleep(300 + random() * 1_000);
        line.deployment.aws.faults.clear();
        line.deployment.aws.firehose.refuse(null);
      },
    }),
  );
}

const s3: Readonly<Record<string, Fault>> = {
  "500": { service: "s3", ...internalError },
  "503 SlowDown": { service: "s3", ...slowDown },
  "answers cut in the middle": { service: "s3", operation: "GetObject", how: "half_answer" },
};
for (const [how, fault] of Object.entries(s3)) {
  test(`S3 ${how}`, options, (t) =>
    suffer(t, line, {
      name: `S3: ${how}`,
      moments: 15,
      spreadMs: 500,
      isRelentless: true,
      async strike(random) {
        inject(fault);
        await sleep(random() * 600);
        line.deployment.aws.faults.clear();
      },
    }),
  );
}

const killConverters = (): void => {
  for (const converter of line.converters) converter.kill();
};

const kills = { "a put reaches S3 half": "half_request", "a put is done and not answered": "lost_answer" } as const;
for (const [when, how] of Object.entries(kills)) {
  test(`kill -9 of the converter while ${when}`, options, (t) =>
    suffer(t, line, {
      name: `converter: kill -9 while ${when}`,
      moments: 12,
      spreadMs: 300,
      isRelentless: true,
      async strike(random) {
        const struck = Promise.withResolvers<void>();
        const meanwhile = () => {
          killConverters();
          struck.resolve();
        };
        // The files of one object are put one after another: tables of processes, of the host and of the collector itself.
        const skips = Math.floor(random() * 4);
        inject({ service: "s3", operation: "PutObject", how, skips, times: 1, meanwhile });
        await struck.promise;
        // Five failures make a dead letter of a message: whoever kills faster than anybody converts would have them all there.
        await line.converted();
      },
    }),
  );
}

test("SQS delivers again, twice at once, and in any order", options, async (t) => {
  const { aws } = line.deployment;
  aws.sqs.reorder(randomFor("order"));
  await suffer(t, line, {
    name: "SQS: redelivery, duplicates, reordering",
    moments: 60,
    spreadMs: 150,
    isRelentless: true,
    strike(random) {
      const key = pick(random, aws.s3.keys(names.raw));
      const object = aws.s3.written(names.raw, key);
      for (let copies = 1 + random() * 3; copies > 0; copies--)
        aws.sqs.send(names.queue, JSON.stringify(objectCreated(names.raw, key, object?.size ?? 0, object?.etag ?? "")));
    },
  });
  aws.sqs.reorder(null);
});

/** As Firehose would name it. The members are what was promised; what is put may be something else. */
function put(members: readonly (Uint8Array | null)[], bytes: Uint8Array): void {
  const key = rawKey(Date.now(), `made-${randomUUID()}`);
  line.promise(line.originals.declare(key, members));
  line.deployment.aws.s3.put(names.raw, key, bytes);
}

const objects: Readonly<
  Record<string, { moments: number; mayReject: boolean; make(random: () => number, moment: number): void }>
> = {
  truncated: {
    moments: 60,
    mayReject: true,
    make(random) {
      const { members } = madeObject(random, Date.now());
      const whole = Buffer.concat(members);
      // A cut between two members leaves no trace: nobody could tell it from a smaller object.
      const ends = members.map((_, index) => Buffer.concat(members.slice(0, index + 1)).length);
      let length = 1 + Math.floor(random() * (whole.length - 1));
      if (ends.includes(length)) length--;
      // What is behind the cut is answered for with the member that is cut.
      const cut = ends.findIndex((end) => end > length);
      put([...members.slice(0, cut), Buffer.concat(members.slice(cut))], whole.subarray(0, length));
    },
  },
  "bit-flipped": {
    moments: 120,
    mayReject: true,
    make(random) {
      const { members } = madeObject(random, Date.now());
      const whole = Buffer.concat(members);
      const at = Math.floor(random() * whole.length);
      whole[at] = (whole[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      put(members, whole);
    },
  },
  "zip-bombed 1000:1": {
    moments: 6,
    mayReject: false,
    make(random) {
      const { members } = madeObject(random, Date.now());
      const place = Math.floor(random() * (members.length + 1));
      const all = members.toSpliced(place, 0, explosive);
      put(members.toSpliced(place, 0, null as never), Buffer.concat(all));
    },
  },
  empty: { moments: 10, mayReject: false, make: () => put([], Buffer.alloc(0)) },
  "of other schema versions": {
    moments: 40,
    mayReject: true,
    make(random, moment) {
      const changes = Object.values(otherVersions);
      const change = changes[moment % changes.length] ?? String;
      const { members } = madeObject(random, Date.now());
      const all = members.toSpliced(1, 0, otherVersion(change, random, Date.now()));
      put(all, Buffer.concat(all));
    },
  },
};
const explosive = bomb();

for (const [what, { moments, mayReject, make }] of Object.entries(objects)) {
  test(`objects: ${what}`, options, (t) =>
    suffer(t, line, {
      name: `raw objects: ${what}`,
      moments,
      mayReject,
      spreadMs: 50,
      isRelentless: true,
      strike: make,
    }),
  );
}

const MB = 1_000_000;
const LARGE_BYTES = 500 * MB;
const DAY_MS = 86_400_000;

test("an object of 500 MB, and kill -9 of the converter between its parts, twice", options, (t) => {
  // Of a day of its own, so that the puts of its parts are told from all others.
  const nowMs = Date.now() - 2 * DAY_MS;
  const path = `dt=${partitionOf(nowMs).dt}`;
  const { members } = largeObject(LARGE_BYTES, nowMs);
  return suffer(t, line, {
    name: "raw objects: 500 MB, kill -9 between parts",
    moments: 2,
    spreadMs: 0,
    isRelentless: true,
    async strike(random, moment) {
      const struck = Promise.withResolvers<void>();
      const meanwhile = () => {
        killConverters();
        struck.resolve();
      };
      const skips = 1 + Math.floor(random() * 2);
      inject({ service: "s3", operation: "PutObject", path, how: "half_request", skips, times: 1, meanwhile });
      // The second time it is the repeated conversion that is killed.
      if (moment === 0) put(members, Buffer.concat(members));
      await struck.promise;
    },
  });
});
