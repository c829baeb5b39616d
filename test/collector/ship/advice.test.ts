// What an operator is told: which trouble it is, by the innermost error, and what to mend.
import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import { describeFailure } from "../../../collector/ship/advice.ts";
import { createTrouble } from "../../../collector/ship/trouble.ts";

const named = (name: string, message = "no") => Object.assign(new Error(message), { name });
const coded = (code: string) => Object.assign(new Error(`it is ${code}`), { code });

const table: readonly [unknown, string, RegExp | null][] = [
  [new Error("cannot reach stream", { cause: named("ExpiredTokenException") }), "ExpiredTokenException", /have expired/],
  [new Error("cannot reach stream", { cause: named("CredentialsProviderError") }), "CredentialsProviderError", /AWS_PROFILE/],
  [new Error("cannot reach stream", { cause: named("ResourceNotFoundException") }), "ResourceNotFoundException", /AWS_REGION/],
  [new Error("cannot reach stream", { cause: coded("ENOTFOUND") }), "ENOTFOUND", /DNS/],
  [new Error("cannot reach stream", { cause: named("LimitExceededException") }), "LimitExceededException", /throttled/],
  [coded("ENOSPC"), "ENOSPC", /the disk is full/],
  [new Error("cannot be made", { cause: coded("EROFS") }), "EROFS", /read-only/],
  [named("SomethingNewException"), "SomethingNewException", null],
  ["thrown text", "thrown text", null],
];

test("the kind is the innermost error's, and the advice fits it", () => {
  for (const [error, kind, advice] of table) {
    const failure = describeFailure(error);
    equal(failure.kind, kind);
    if (advice === null) equal(failure.advice, null);
    else match(failure.advice ?? "", advice);
  }
});

test("the text tells all messages from the outside in; an error that is its own cause ends", () => {
  const error: Error & { cause?: unknown } = new Error("outer", { cause: new Error("inner") });
  equal(describeFailure(error).text, "outer: inner");
  error.cause = error;
  match(describeFailure(error).text, /^outer(: outer){7}$/);
});

test("trouble is told once, again when it changes, and when it is over, with how long it took", () => {
  const told: string[] = [];
  let nowMs = 0;
  const trouble = createTrouble(
    "delivery",
    () => nowMs,
    (message, fields) => void told.push(`${message} ${JSON.stringify(fields)}`),
  );
  for (const kind of [null, "ENOTFOUND", "ENOTFOUND", "TimeoutError", "TimeoutError", null, null]) {
    trouble.note(kind);
    nowMs += 10_000;
  }
  deepEqual(told, [
    'delivery is in trouble {"kind":"ENOTFOUND"}',
    'delivery is in trouble {"kind":"TimeoutError"}',
    'delivery is well again {"after_s":40}',
  ]);
});
