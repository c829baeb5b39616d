// Settings of the Lambdas, read from the environment once at cold start; every problem is reported at once.
// Each entry names the settings that it uses; what they mean to the deployment is infra's.
import { z } from "zod";

const bucket = z.string().min(3);
const topicArn = z.string().regex(/^arn:[^:]+:sns:[^:]+:\d{12}:[\w-]+$/, "expected the ARN of an SNS topic");
const secretArn = z.string().regex(/^arn:[^:]+:secretsmanager:/, "expected the ARN of a secret");

/** JSON object of numbers by parameter name; `{}` leaves every query its defaults. */
const thresholds = z
  .string()
  .default("{}")
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: "custom", message: "expected a JSON object of numbers" });
      return z.NEVER;
    }
  })
  .pipe(z.record(z.string(), z.number()));

const environment = z.object({
  TIDEMARK_RAW_BUCKET: bucket,
  TIDEMARK_LAKE_BUCKET: bucket,
  TIDEMARK_WORKGROUP: z.string().min(1),
  TIDEMARK_DATABASE: z.string().min(1),
  TIDEMARK_ALERTS_TOPIC_ARN: topicArn,
  TIDEMARK_REPORTS_TOPIC_ARN: topicArn,
  TIDEMARK_THRESHOLDS: thresholds,
  /** One cycle of the traffic; a day unless time is compressed. */
  TIDEMARK_PERIOD_SECONDS: z.coerce.number().int().min(1).max(31_622_400).default(86_400),
  /** Periods in a window: a rise that lasts is told from noise by its troughs. */
  TIDEMARK_PERIODS: z.coerce.number().int().min(1).max(366).default(7),
  TIDEMARK_SLACK_SECRET_ARN: secretArn,
});

const lake = { TIDEMARK_LAKE_BUCKET: true, TIDEMARK_WORKGROUP: true, TIDEMARK_DATABASE: true } as const;
const judgement = { TIDEMARK_THRESHOLDS: true, TIDEMARK_PERIOD_SECONDS: true, TIDEMARK_PERIODS: true } as const;

export const convertSettings = environment.pick({ TIDEMARK_RAW_BUCKET: true, TIDEMARK_LAKE_BUCKET: true });
export const rollupSettings = environment.pick({ ...lake, TIDEMARK_PERIOD_SECONDS: true });
export const detectSettings = environment.pick({ ...lake, ...judgement, TIDEMARK_ALERTS_TOPIC_ARN: true });
export const reportSettings = environment.pick({ ...lake, ...judgement, TIDEMARK_REPORTS_TOPIC_ARN: true });
export const slackSettings = environment.pick({ TIDEMARK_SLACK_SECRET_ARN: true });

export type LakeSettings = Pick<z.output<typeof environment>, keyof typeof lake>;

/** Throws one error that names every setting that is missing or wrong, its value and what was expected. */
export function readSettings<T extends z.ZodObject>(
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
