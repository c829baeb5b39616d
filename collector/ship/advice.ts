// What went wrong with delivery or the disk, in words that tell an operator what to mend.
// When it is said is trouble.ts's.

export interface Failure {
  /** Tells one trouble from the next: the innermost error's name or code. */
  readonly kind: string;
  /** Messages from the outside in. */
  readonly text: string;
  readonly advice: string | null;
}

/** Causes nested deeper than this are somebody's loop. */
const DEPTH_MAX = 8;

/** By exception of Firehose, STS and the SDK, and by errno of the resolver and the socket. */
const adviceByKind: Readonly<Record<string, string>> = {
  ExpiredTokenException: "the credentials have expired: whoever renews them has stopped",
  ExpiredToken: "the credentials have expired: whoever renews them has stopped",
  CredentialsProviderError: "no credentials were found: give the host a role, or set AWS_PROFILE or AWS_ACCESS_KEY_ID",
  UnrecognizedClientException: "the credentials are not known in this region: wrong account, revoked, or wrong AWS_REGION",
  InvalidSignatureException: "the request's signature is refused: wrong secret key, or a host clock that is minutes off",
  AccessDeniedException: "the role may not put records: attach the collector's policy",
  ResourceNotFoundException: "there is no such stream here: check TIDEMARK_FIREHOSE_STREAM, AWS_REGION and the account",
  KMSAccessDeniedException: "the stream's key may not be used: enable it or mend its policy",
  ENOTFOUND: "the endpoint's name does not resolve: check DNS and AWS_REGION",
  EAI_AGAIN: "the name server does not answer",
  ECONNREFUSED: "nothing listens at the endpoint: check AWS_ENDPOINT_URL, proxies and VPC endpoints",
  TimeoutError: "the endpoint does not answer: open the way to it (port 443)",
  ServiceUnavailableException: "the stream is throttled: ask for a higher quota; records wait meanwhile",
  ThrottlingException: "the stream is throttled: ask for a higher quota; records wait meanwhile",
  LimitExceededException: "the stream is throttled: ask for a higher quota; records wait meanwhile",
  ENOSPC: "the disk is full",
  EDQUOT: "the quota of the disk is used up",
  EROFS: "the disk is read-only",
  EACCES: "the collector's user may not write there",
};

export function describeFailure(error: unknown): Failure {
  const chain: Error[] = [];
  for (let at = error; at instanceof Error && chain.length < DEPTH_MAX; at = at.cause) chain.push(at);
  const kinds = chain.flatMap((link) => [(link as NodeJS.ErrnoException).code, link.name]);
  const known = kinds.findLast((kind) => kind !== undefined && Object.hasOwn(adviceByKind, kind));
  const kind = known ?? kinds.findLast((name) => typeof name === "string" && name !== "Error") ?? String(error).slice(0, 80);
  const text = chain.length === 0 ? String(error) : chain.map(({ message }) => message).join(": ");
  return { kind, text, advice: known === undefined ? null : (adviceByKind[known] ?? null) };
}
