// What EC2's instance metadata service says about this instance: version 2 only, one token, which never leaves this file.
// Source: EC2 user guide, "Use the Instance Metadata Service". When it is asked, and how often, is instance.ts's.
import * as z from "zod";
import { err, ok, type Result } from "../../schema/result.ts";
import { type AskFault, ask } from "./ask.ts";
import { clean } from "./clean.ts";

export interface Instance {
  readonly instanceId: string;
  readonly account_id: string | null;
  readonly region: string | null;
  readonly zone: string | null;
  readonly instance_type: string | null;
  /** Both are tags: null unless the instance allows tags in its metadata. */
  readonly autoscaling_group: string | null;
  readonly instance_name: string | null;
}

export type ImdsFault = AskFault | { readonly kind: "malformed"; readonly url: string; readonly problem: string };

export const IMDS_ENDPOINT = "http://169.254.169.254";

/** As printed in instance ids of the old and the new length. */
export const INSTANCE_ID = /^i-[0-9a-f]{8}(?:[0-9a-f]{9})?$/;
/** The token serves one round of questions. */
const TOKEN_TTL_S = 60;
/** Tokens are 56 characters of base64 today. What else comes back must not become a header. */
const TOKEN = /^[A-Za-z0-9_=+/-]{1,512}$/;

/** A part that is not as it should be is null; without an instance id the rest means nothing. Region becomes a host name. */
const part = (shape: RegExp) => z.string().regex(shape).nullable().catch(null);
const document = z.object({
  instanceId: z.string().regex(INSTANCE_ID),
  accountId: part(/^\d{12}$/),
  region: part(/^[a-z]{2,8}(-[a-z]{1,16}){1,3}-\d{1,2}$/),
  availabilityZone: part(/^[a-z0-9-]{1,64}$/),
  instanceType: part(/^[a-z0-9][a-z0-9.-]{0,63}$/),
});

/** Four questions at most. Loopback stands in for `endpoint` in tests. */
export async function askInstance(endpoint: string): Promise<Result<Instance, ImdsFault>> {
  const tokenUrl = `${endpoint}/latest/api/token`;
  const ttl = { "x-aws-ec2-metadata-token-ttl-seconds": String(TOKEN_TTL_S) };
  const token = await ask({ url: tokenUrl, method: "PUT", headers: ttl });
  if (!token.ok) return token;
  if (!TOKEN.test(token.value)) return err({ kind: "malformed", url: tokenUrl, problem: "expected a token" });
  const headers = { "x-aws-ec2-metadata-token": token.value };

  const documentUrl = `${endpoint}/latest/dynamic/instance-identity/document`;
  const text = await ask({ url: documentUrl, headers });
  if (!text.ok) return text;
  const parsed = document.safeParse(jsonOf(text.value));
  if (!parsed.success) return err({ kind: "malformed", url: documentUrl, problem: "expected a document with an instanceId" });

  const tag = async (name: string): Promise<string | null> => {
    const value = await ask({ url: `${endpoint}/latest/meta-data/tags/instance/${name}`, headers });
    return value.ok ? clean(value.value) : null;
  };
  const [autoscaling_group, instance_name] = await Promise.all([tag("aws:autoscaling:groupName"), tag("Name")]);
  const { instanceId, accountId, region, availabilityZone, instanceType } = parsed.data;
  return ok({
    instanceId,
    account_id: accountId,
    region,
    zone: availabilityZone,
    instance_type: instanceType,
    autoscaling_group,
    instance_name,
  });
}

/** Undefined, which no shape takes, where it is no JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
