// Settings of the Lambdas, read from the environment once at cold start; every problem is reported at once.
// Each entry names the settings that it uses; what they mean to the deployment is infra's.

import * as z from "zod/mini";
import english from "zod/v4/locales/en.js";

// The small edition of zod has no messages of its own, and its list of locales holds fifty.
z.config(english());

const bucket = z.string().check(z.minLength(3));
const topicArn = z.string().check(z.regex(/^arn:[^:]+:sns:[^:]+:\d{12}:[\w-]+$/, "expected the ARN of an SNS topic"));
const secretArn = z.string().check(z.regex(/^arn:[^:]+:secretsmanager:/, "expected the ARN of a secret"));
const count = (most: number, usual: number) => z._default(z.coerce.number().check(z.int(), z.gte(1), z.lte(most)), usual);

/** JSON object of numbers by parameter name; `{}` leaves every query its defaults. */
const thresholds = z.pipe(
  z._default(z.string(), "{}"),
  z.pipe(
    z.transform((text: string, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.issues.push({ code: "custom", message: "expected a JSON object of numbers", input: text });
        return z.NEVER;
      }
    }),
    z.record(z.string(), z.number()),
  ),
);

const environment = z.object({
  TIDEMARK_RAW_BUCKET: bucket,
  TIDEMARK_LAKE_BUCKET: bucket,
  TIDEMARK_WORKGROUP: z.string().check(z.minLength(1)),
  TIDEMARK_DATABASE: z.string().check(z.minLength(1)),
  TIDEMARK_ALERTS_TOPIC_ARN: topicArn,
  TIDEMARK_REPORTS_TOPIC_ARN: topicArn,
  TIDEMARK_THRESHOLDS: thresholds,
  /** One cycle of the traffic; a day unless time is compressed. */
  TIDEMARK_PERIOD_SECONDS: count(31_622_400, 86_400),
  /** Periods in a window: a rise that lasts is told from noise by its troughs. */
  TIDEMARK_PERIODS: count(366, 7),
  TIDEMARK_SLACK_SECRET_ARN: secretArn,
  /** An address that alerts link to, or a path that they name. */
  TIDEMARK_RUNBOOK_URL: z._default(z.string(), "docs/runbook.md"),
});

const lake = { TIDEMARK_LAKE_BUCKET: true, TIDEMARK_WORKGROUP: true, TIDEMARK_DATABASE: true } as const;
const judgement = { TIDEMARK_THRESHOLDS: true, TIDEMARK_PERIOD_SECONDS: true, TIDEMARK_PERIODS: true } as const;

export const convertSettings = z.pick(environment, { TIDEMARK_RAW_BUCKET: true, TIDEMARK_LAKE_BUCKET: true });
export const rollupSettings = z.pick(environment, { ...lake, TIDEMARK_PERIOD_SECONDS: true });
export const detectSettings = z.pick(environment, {
  ...lake,
  ...judgement,
  TIDEMARK_ALERTS_TOPIC_ARN: true,
  TIDEMARK_RUNBOOK_URL: true,
});
export const reportSettings = z.pick(environment, { ...lake, ...judgement, TIDEMARK_REPORTS_TOPIC_ARN: true });
export const slackSettings = z.pick(environment, { TIDEMARK_SLACK_SECRET_ARN: true });

export type LakeSettings = Pick<z.output<typeof environment>, keyof typeof lake>;

/** Throws one error that names every setting that is missing or wrong, its value and what was expected. */
export function readSettings<T extends z.ZodMiniObject>(
  settings: T,
  env: Readonly<Record<string, string | undefined>>,
): z.output<T> {
  const parsed = settings.safeParse(env);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    return `${name} is ${env[name] ?? "not set"}: ${message}${path.length > 1 ? ` at ${path.slice(1).join(".")}` : ""}`;
  });
  throw new Error(problems.join("\n"));
}
