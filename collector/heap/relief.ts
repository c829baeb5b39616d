// Relief: asks the shim inside a process to give free memory back to the kernel, and waits for its answer.
// Nobody calls it but a person who typed so (local/relief.ts). What the shim does is native/shim's; opening is ring-file.ts's.
import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { err, ok, type Result } from "../../schema/result.ts";
import type { MappedRing } from "../proc/maps.ts";
import { REQUEST_OFFSET, type ReliefAnswer } from "./ring.ts";
import { type RingFault, type RingOwner, readRing, withRing } from "./ring-file.ts";

/** enum tidemark_action of native/abi/tidemark_abi.h. */
const actions = { relief: 1, profile: 2 } as const;
const REQUEST_FIELDS_OFFSET = REQUEST_OFFSET + 8;
const REQUEST_FIELDS_BYTES = 24;
const POLL_MS = 50;
/** The shim gives up at the time it was told; its answer may take a moment longer to be seen. */
const ANSWER_GRACE_MS = 5_000;

export type ReliefRefusal =
  | { readonly kind: "not_allowed" }
  /** Somebody else's request is not answered yet. */
  | { readonly kind: "pending" }
  /** The request was written, and nothing came back. */
  | { readonly kind: "no_answer" }
  | { readonly kind: "ring"; readonly fault: RingFault };

export interface ReliefRequest {
  readonly bytesAsked: number;
  /** For how long the shim may wait for a quiet moment. */
  readonly timeoutMs: number;
  nowMs(): number;
}

export const askForRelief = (owner: RingOwner, file: MappedRing, request: ReliefRequest) => ask("relief", owner, file, request);

/** For the allocator's own heap profile, which the shim then holds for a minute (native/shim/profile.c). */
export const askForProfile = (owner: RingOwner, file: MappedRing, request: Omit<ReliefRequest, "bytesAsked">) =>
  ask("profile", owner, file, { ...request, bytesAsked: 0 });

async function ask(
  action: keyof typeof actions,
  owner: RingOwner,
  file: MappedRing,
  request: ReliefRequest,
): Promise<Result<ReliefAnswer, ReliefRefusal>> {
  const before = readRing(owner, file);
  if (!before.ok) return err({ kind: "ring", fault: before.error });
  const { header, request: last, answer } = before.value;
  const isAllowed = action === "relief" ? header.reliefIsAllowed : header.profileIsAllowed;
  if (!isAllowed) return err({ kind: "not_allowed" });
  if (last === null)
    return err({ kind: "ring", fault: { reason: "ring_refused", detail: `${file.path} holds no true request` } });
  const isAnswered = last.number <= (answer?.request_number ?? 0);
  if (!isAnswered && request.nowMs() < last.notAfterMs + ANSWER_GRACE_MS) return err({ kind: "pending" });
  const number = last.number + 1;
  const notAfterMs = request.nowMs() + request.timeoutMs;
  const written = writeRequest(owner, file, { action, number, bytesAsked: request.bytesAsked, notAfterMs });
  if (!written.ok) return err({ kind: "ring", fault: written.error });
  return await answerTo(number, owner, file, notAfterMs + ANSWER_GRACE_MS, request);
}

interface Written {
  readonly action: keyof typeof actions;
  readonly number: number;
  readonly bytesAsked: number;
  readonly notAfterMs: number;
}

function writeRequest(owner: RingOwner, file: MappedRing, request: Written): Result<null, RingFault> {
  return withRing(owner, file, "write", (descriptor) => {
    const fields = Buffer.alloc(REQUEST_FIELDS_BYTES);
    fields.writeUInt32LE(actions[request.action], 0);
    fields.writeBigUInt64LE(BigInt(request.bytesAsked), 8);
    fields.writeBigUInt64LE(BigInt(Math.round(request.notAfterMs)), 16);
    writeSync(descriptor, fields, 0, fields.length, REQUEST_FIELDS_OFFSET);
    // The number is the bell: the shim looks at the rest when it changes, so it is written when all of that is there.
    const bell = Buffer.alloc(8);
    bell.writeBigUInt64LE(BigInt(request.number), 0);
    writeSync(descriptor, bell, 0, bell.length, REQUEST_OFFSET);
    return ok(null);
  });
}

async function answerTo(
  number: number,
  owner: RingOwner,
  file: MappedRing,
  untilMs: number,
  { nowMs }: ReliefRequest,
): Promise<Result<ReliefAnswer, ReliefRefusal>> {
  for (;;) {
    const ring = readRing(owner, file);
    if (!ring.ok) return err({ kind: "ring", fault: ring.error });
    if (ring.value.answer?.request_number === number) return ok(ring.value.answer);
    if (nowMs() >= untilMs) return err({ kind: "no_answer" });
    await sleep(POLL_MS);
  }
}
