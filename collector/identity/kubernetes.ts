// What a pod's environment says about the app in it, by variables that people commonly fill from the downward API. Pure.
// The API server is never asked: it would need rights, and ten thousand hosts asking it are a load of their own.
import { clean } from "./clean.ts";

export interface PodNames {
  readonly service: string | null;
  readonly service_version: string | null;
  readonly environment: string | null;
}

/** Spellings in the order of their precedence. Source: Kubernetes documentation, "Expose Pod Information to Containers", and Helm charts in the field. */
const SPELLINGS = {
  app: ["K8S_APP_NAME", "K8S_APP", "APP_NAME", "K8S_DEPLOYMENT_NAME", "K8S_STATEFULSET_NAME", "K8S_DAEMONSET_NAME"],
  container: ["K8S_CONTAINER_NAME", "CONTAINER_NAME"],
  pod: ["K8S_POD_NAME", "POD_NAME", "MY_POD_NAME"],
  version: ["K8S_APP_VERSION", "APP_VERSION"],
  namespace: ["K8S_NAMESPACE", "K8S_NAMESPACE_NAME", "K8S_POD_NAMESPACE", "POD_NAMESPACE", "MY_POD_NAMESPACE"],
} as const;

/** In every pod, unless it asks not to have it (enableServiceLinks does not remove this one). */
const IN_A_POD = "KUBERNETES_SERVICE_HOST";
/** The pod's name unless it is on the host's network; then the node's. */
const HOST_NAME = "HOSTNAME";

const VARIABLES: ReadonlySet<string> = new Set([...Object.values(SPELLINGS).flat(), IN_A_POD, HOST_NAME]);
export const isKubernetesVariable = (name: string): boolean => VARIABLES.has(name);

const NOTHING: PodNames = { service: null, service_version: null, environment: null };

/** APP_NAME and its like mean something else outside of a pod, so without a sign of one there are no names. */
export function podNames(environ: ReadonlyMap<string, string>, podUid: string | null): PodNames {
  if (podUid === null && !environ.has(IN_A_POD)) return NOTHING;
  const given = (spellings: readonly string[]) =>
    spellings.map((name) => clean(environ.get(name))).find((value) => value !== null) ?? null;
  const pod = given(SPELLINGS.pod);
  const app =
    given(SPELLINGS.app) ?? (pod === null ? null : workloadOf(pod)) ?? deploymentOf(clean(environ.get(HOST_NAME)) ?? "");
  const container = given(SPELLINGS.container);
  return {
    // As on ECS: a sidecar is not the app.
    service: clean(app === null || container === null || container === app ? app : `${app}/${container}`),
    service_version: given(SPELLINGS.version),
    environment: given(SPELLINGS.namespace),
  };
}

/** Letters of generated names: no vowels, so that no words come about. Source: k8s.io/apimachinery/pkg/util/rand. */
const GENERATED = "[bcdfghjklmnpqrstvwxz2456789]";
const OF_DEPLOYMENT = new RegExp(`^(.+)-${GENERATED}{6,10}-${GENERATED}{5}$`);
const OF_DAEMON_SET = new RegExp(`^(.+)-${GENERATED}{5}$`);
const OF_STATEFUL_SET = /^(.+)-\d{1,5}$/;

/** `checkout-7d4b9c6f5d-x2x9z`, `db-0` and `agent-x2x9z` without what the controller put behind: pods come and go, the service stays. */
const workloadOf = (pod: string): string =>
  deploymentOf(pod) ?? OF_STATEFUL_SET.exec(pod)?.[1] ?? OF_DAEMON_SET.exec(pod)?.[1] ?? pod;

/** Only what no host is called. */
const deploymentOf = (pod: string): string | null => OF_DEPLOYMENT.exec(pod)?.[1] ?? null;
