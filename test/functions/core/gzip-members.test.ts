// Concatenated gzip members, whole and damaged: what is lost is the damaged member and nothing else.
// The lines inside the members are tested with the converter.
import { deepEqual, equal, ok } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { test } from "node:test";
import { crc32, deflateRawSync, gzipSync } from "node:zlib";
import {
  DAMAGED_MEMBERS_MAX,
  gzipMembers,
  MEMBER_INFLATED_BYTES_MAX,
  type Member,
} from "../../../functions/core/gzip-members.ts";

const texts = ["first\n", "second\n".repeat(5_000), "third\n"];
const members = texts.map((text) => gzipSync(text));
const [first = Buffer.alloc(0), second = Buffer.alloc(0), third = Buffer.alloc(0)] = members;

/** Each member as its text, or as the reason why there is none. */
const outcome = async (object: Buffer, pieceBytes?: number): Promise<string[]> =>
  (await membersOf(object, pieceBytes)).map((member: Member) =>
    member.kind === "inflated" ? member.bytes.toString() : member.damage.reason,
  );

/** All members of an object that arrives in pieces of this size. */
const membersOf = (object: Buffer, pieceBytes = object.length): Promise<Member[]> =>
  Array.fromAsync(gzipMembers(Readable.from(piecesOf(object, pieceBytes))));

function* piecesOf(object: Buffer, pieceBytes: number): Generator<Buffer> {
  for (let at = 0; at < object.length; at += pieceBytes) yield object.subarray(at, at + pieceBytes);
}

function flipped(member: Buffer, at: number): Buffer {
  const copy = Buffer.from(member);
  copy.writeUInt8(copy.readUInt8(at) ^ 0xff, at);
  return copy;
}

/** A member with every optional header field: extra, name, comment and header CRC. */
function dressed(text: string): Buffer {
  const header = Buffer.from([0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 2, 0, 9, 9, ...Buffer.from("name\0note\0"), 0, 0]);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(text), 0);
  trailer.writeUInt32LE(text.length, 4);
  return Buffer.concat([header, deflateRawSync(text), trailer]);
}

const [one, two, three] = texts;
const cases: { name: string; object: Buffer; expected: (string | undefined)[] }[] = [
  { name: "nothing", object: Buffer.alloc(0), expected: [] },
  { name: "nothing but zeros", object: Buffer.alloc(100), expected: [] },
  { name: "three whole members", object: Buffer.concat(members), expected: [one, two, three] },
  { name: "zeros after the last member", object: Buffer.concat([...members, Buffer.alloc(512)]), expected: [one, two, three] },
  { name: "a member of no bytes", object: Buffer.concat([gzipSync(""), third]), expected: ["", three] },
  { name: "a member with all header fields", object: Buffer.concat([dressed("x"), third]), expected: ["x", three] },
  {
    name: "a wrong CRC",
    object: Buffer.concat([first, flipped(second, second.length - 8), third]),
    expected: [one, "gzip_crc", three],
  },
  {
    name: "a wrong length",
    object: Buffer.concat([first, flipped(second, second.length - 1), third]),
    expected: [one, "gzip_length", three],
  },
  {
    name: "a broken deflate stream",
    object: Buffer.concat([first, flipped(second, 10), third]),
    expected: [one, "gzip_data", three],
  },
  {
    name: "a broken header",
    object: Buffer.concat([first, flipped(second, 0), third]),
    expected: [one, "gzip_header", three],
  },
  { name: "a broken first header", object: Buffer.concat([flipped(first, 1), second]), expected: ["gzip_header", two] },
  {
    name: "text between members",
    object: Buffer.concat([first, Buffer.from("oops"), third]),
    expected: [one, "gzip_header", three],
  },
  {
    name: "a last member cut in its data",
    object: Buffer.concat([first, second.subarray(0, 20)]),
    expected: [one, "gzip_truncated"],
  },
  {
    name: "a last member cut in its trailer",
    object: Buffer.concat([first, second.subarray(0, -1)]),
    expected: [one, "gzip_truncated"],
  },
  {
    name: "a last member cut in its header",
    object: Buffer.concat([first, second.subarray(0, 9)]),
    expected: [one, "gzip_truncated"],
  },
  { name: "no gzip at all", object: Buffer.from("{}\n{}\n"), expected: ["gzip_header"] },
];

for (const { name, object, expected } of cases) {
  test(`members of an object with ${name}, in one piece and byte by byte`, async () => {
    deepEqual(await outcome(object), expected);
    deepEqual(await outcome(object, 1), expected);
  });
}

test("a cut member in the middle costs itself, and its neighbours stay", async () => {
  const object = Buffer.concat([first, second.subarray(0, second.length - 9), third]);
  const [before, damage, after] = await outcome(object);
  deepEqual([before, after], [one, three]);
  ok(damage?.startsWith("gzip_"));
});

test("any one flipped byte costs at most one member, and never gives a wrong text", async () => {
  const object = Buffer.concat(members);
  for (let at = 0; at < object.length; at++) {
    const found = await outcome(flipped(object, at));
    const kept = found.filter((text) => texts.includes(text));
    ok(kept.length >= texts.length - 1, `byte ${at}: ${found.map((text) => text.slice(0, 20))}`);
    ok(found.every((text) => texts.includes(text) || text.startsWith("gzip_")));
  }
});

test("a member that inflates beyond the limit is not inflated, and the next one is", async () => {
  const bomb = gzipSync(Buffer.alloc(MEMBER_INFLATED_BYTES_MAX + 1));
  ok(bomb.length < 100_000);
  deepEqual(await outcome(Buffer.concat([bomb, third])), ["gzip_too_large", three]);
});

test("an object of nothing but gzip magic is given up after the limit of damaged members", async () => {
  const found = await outcome(
    Buffer.concat(new Array<Buffer>(DAMAGED_MEMBERS_MAX + 50).fill(Buffer.from([0x1f, 0x8b, 8, 0, 7, 7]))),
  );
  equal(found.length, DAMAGED_MEMBERS_MAX + 1);
  equal(found.at(-1), "gzip_abandoned");
});

test("members are numbered with the damaged ones, which tell where they began", async () => {
  const object = Buffer.concat([first, flipped(second, 10), third]);
  deepEqual(
    (await membersOf(object)).map((member) => [member.number, member.kind === "damaged" ? member.offset : null]),
    [
      [0, null],
      [1, first.length],
      [2, null],
    ],
  );
});

test("a member larger than the window is refused by its compressed size, and the ones after it are found", async () => {
  const noise = randomBytes(MEMBER_INFLATED_BYTES_MAX / 8);
  const object = Buffer.concat([first, gzipSync(noise, { level: 0 }), second, third]);
  const found = await outcome(object, 1_000_003);
  deepEqual([found[0], found[1], ...found.slice(-2)], [one, "gzip_too_large", two, three]);
  ok(found.slice(1, -2).every((text) => text.startsWith("gzip_")));
});

test("members are found whatever the size of the pieces in which the object comes", async () => {
  const object = Buffer.concat([...members, Buffer.alloc(64), first, flipped(third, 0), second, Buffer.alloc(9)]);
  const whole = await outcome(object);
  for (const pieceBytes of [2, 3, 7, 11, 64, 4_096]) deepEqual(await outcome(object, pieceBytes), whole, `${pieceBytes}`);
});
