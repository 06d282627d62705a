import { createRequire } from 'node:module';
import { dirname } from 'node:path';

/** Generated from a JSON schema of Kubernetes, or of the Prometheus Operator. */
interface Validator {
  (data: unknown): boolean;
  errors?: { instancePath: string; message?: string }[] | null;
}

const require = createRequire(import.meta.url);
const kubernetes = `${dirname(require.resolve('kubernetes-models/package.json'))}/_schemas/IoK8sApi`;
const operator = dirname(require.resolve('@kubernetes-models/prometheus-operator/package.json'));
/** By `apiVersion kind`, so that a wrong version of the API is found as well. */
const schemas: Readonly<Record<string, string>> = {
  'v1 Namespace': `${kubernetes}CoreV1Namespace`,
  'v1 Service': `${kubernetes}CoreV1Service`,
  'v1 ServiceAccount': `${kubernetes}CoreV1ServiceAccount`,
  'apps/v1 Deployment': `${kubernetes}AppsV1Deployment`,
  'autoscaling/v2 HorizontalPodAutoscaler': `${kubernetes}AutoscalingV2HorizontalPodAutoscaler`,
  'batch/v1 Job': `${kubernetes}BatchV1Job`,
  'networking.k8s.io/v1 Ingress': `${kubernetes}NetworkingV1Ingress`,
  'networking.k8s.io/v1 NetworkPolicy': `${kubernetes}NetworkingV1NetworkPolicy`,
  'policy/v1 PodDisruptionBudget': `${kubernetes}PolicyV1PodDisruptionBudget`,
  'monitoring.coreos.com/v1 ServiceMonitor': `${operator}/_schemas/MonitoringCoreosComV1ServiceMonitor`,
};

/**
 * What the schema of its kind finds wrong with a manifest, unknown fields included. These schemas allow
 * unknown fields, but a validator reads each field that it knows: what it never reads it does not know.
 */
export function findManifestMistakes(manifest: { apiVersion: string; kind: string }): string[] {
  const schema = schemas[`${manifest.apiVersion} ${manifest.kind}`];
  if (!schema) return [`no schema for ${manifest.apiVersion} ${manifest.kind}`];
  const { validate } = require(`${schema}.js`) as { validate: Validator };
  const unread = new Set<string>();
  validate(watch(manifest, '', unread));
  const wrong = (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  return [...wrong, ...[...unread].map((path) => `${path} is unknown`)];
}

/** The value as a proxy, which removes each field that is read from `unread`. */
function watch(value: unknown, path: string, unread: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const copy = (Array.isArray(value) ? [] : {}) as Record<string, unknown>;
  for (const [key, inner] of Object.entries(value)) {
    unread.add(`${path}/${key}`);
    copy[key] = watch(inner, `${path}/${key}`, unread);
  }
  return new Proxy(copy, {
    get(target, key) {
      unread.delete(`${path}/${String(key)}`);
      return Reflect.get(target, key);
    },
  });
}
