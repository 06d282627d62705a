import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../src/config/config.ts';
import { allSettings, type Role } from '../../src/config/settings.ts';
import { createMetrics } from '../../src/ops/telemetry/metrics/metrics.ts';
import { containerOf, deployFolder, manifests, ofKind, readDeployFile } from '../support/deploy-files.ts';
import { findManifestMistakes } from '../support/kubernetes-schema.ts';
import { createFile, safe } from './config-samples.ts';

const roles = allSettings.find(({ key }) => key === 'server.roles')?.setting.default as Role[];
const deployments = ofKind('Deployment');
const roleOf = (deployment: (typeof deployments)[number]) =>
  containerOf(deployment).env.find(({ name }) => name === 'WEIR_SERVER_ROLES')?.value ?? '';
const configs = ['kubernetes/base/weir.yaml', 'kubernetes/overlays/example/weir.yaml'];
const overlay = 'kubernetes/overlays/example/';
const examples = readdirSync(deployFolder + overlay).filter((name) => name.endsWith('.env.example'));
/** By the name of the Secret, the names of its keys. */
const secretKeys = Object.fromEntries(
  examples.map((name) => [
    name.replace('.env.example', ''),
    [...readDeployFile(overlay + name).matchAll(/^(\w+)=(.*)$/gm)].map(([, key = '', value = '']) => ({
      key,
      value,
    })),
  ]),
);
/** The configuration of a pod: the file, and the variables of its Secrets and of its own. */
async function configOf(workload: (typeof deployments)[number], file = configs[0] as string) {
  const given: NodeJS.ProcessEnv = {
    ...safe,
    WEIR_DATA_DATABASE_SOURCE: 'postgres://db/shop',
    WEIR_DATA_REDIS_ADDR: 'redis+sentinel://s1,s2,s3/weir',
    WEIR_DATA_RABBITMQ_URL: 'amqp://mq/',
  };
  const { env, envFrom } = containerOf(workload);
  const names = envFrom.flatMap(({ secretRef }) => secretKeys[secretRef.name]?.map(({ key }) => key) ?? []);
  const values = Object.fromEntries(names.map((name) => [name, given[name] ?? 'unknown']));
  for (const { name, value } of env) values[name] = value;
  return readConfig(await createFile(readDeployFile(file)), values);
}

describe.each(manifests)('$file: $manifest.kind $manifest.metadata.name', ({ manifest }) => {
  test('a manifest follows the schema of its kind and has no unknown field', () => {
    expect(findManifestMistakes(manifest)).toEqual([]);
  });
});

test('a misspelt field and a field of the wrong type are both found', () => {
  const [first] = deployments.map((deployment) => structuredClone(deployment));
  if (!first) throw new Error('there is no Deployment');
  first.spec.template.spec.terminationGracePeriodSecond = 5;
  expect(findManifestMistakes(first)).toEqual([
    '/spec/template/spec/terminationGracePeriodSecond is unknown',
  ]);
  first.spec.template.spec.terminationGracePeriodSeconds = 'long';
  expect(findManifestMistakes(first).join()).toContain('terminationGracePeriodSeconds');
});

describe.each(['kubernetes/base/', overlay])('%s', (folder) => {
  const {
    resources,
    configMapGenerator,
    secretGenerator = [],
  } = parse(readDeployFile(`${folder}kustomization.yaml`));
  test('a kustomization lists every manifest of its folder, and nothing that is missing', () => {
    const written = readdirSync(deployFolder + folder).filter((name) => name.endsWith('.yaml'));
    const own = resources.filter((name: string) => name.endsWith('.yaml'));
    const files = [...own, ...configMapGenerator.flatMap(({ files }: { files: string[] }) => files)];
    expect([...files, 'kustomization.yaml'].sort()).toEqual(written.sort());
    for (const name of resources) expect(existsSync(join(deployFolder, folder, name))).toBe(true);
  });

  test('a Secret is made of a file that only exists as an example without values', () => {
    for (const { name, envs } of secretGenerator) expect(envs).toEqual([`${name}.env`]);
    for (const { key, value } of Object.values(secretKeys).flat()) expect([key, value]).toEqual([key, '']);
  });
});

test('each role has one Deployment, a budget for evictions and two replicas', () => {
  expect(deployments.map(roleOf).sort()).toEqual([...roles].sort());
  const names = deployments.map(({ metadata }) => metadata.name).sort();
  expect(
    ofKind('PodDisruptionBudget')
      .map(({ metadata }) => metadata.name)
      .sort(),
  ).toEqual(names);
  const scaled = ofKind('HorizontalPodAutoscaler').map(({ spec }) => [
    spec.scaleTargetRef.name,
    spec.minReplicas,
  ]);
  const fixed = deployments.map(({ metadata, spec }) => [metadata.name, spec.replicas]);
  const counts = [...scaled, ...fixed].filter(([, count]) => count !== undefined);
  expect(counts.map(([name]) => name).sort()).toEqual(names);
  for (const [, count] of counts) expect(count).toBeGreaterThanOrEqual(2);
});

test.each(configs)('each role accepts %s and its Secrets', async (file) => {
  for (const deployment of deployments) {
    const { config, warnings } = await configOf(deployment, file);
    expect(warnings).toEqual([]);
    expect(config.server.roles).toEqual([roleOf(deployment)]);
    expect(config.data.database.migrate).toBe(false);
    for (const address of [config.data.database.source, config.data.redis.addr, config.data.rabbitmq.url])
      expect(address).not.toBe('');
  }
});

test('the Job that migrates starts with the configuration and a Secret of its own', async () => {
  const [job] = ofKind('Job');
  if (!job) throw new Error('there is no Job');
  const { config, warnings } = await configOf(job);
  expect(warnings).toEqual([]);
  expect(config.data.database.source).not.toBe('');
  expect(containerOf(job).args[0]).toBe('migrate');
});

describe.each(deployments)('$metadata.name', (deployment) => {
  const container = containerOf(deployment);
  const { spec: pod, metadata } = deployment.spec.template;

  test('a pod has 60 s to stop after it has drained', async () => {
    const { drainMs } = (await configOf(deployment)).config.server.http;
    expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThanOrEqual(drainMs + 60_000);
  });

  test('every probe asks a health route on the port that Weir listens on', async () => {
    const port = Number((await configOf(deployment)).config.server.http.addr.split(':')[1]);
    expect(container.ports).toEqual([{ name: 'http', containerPort: port }]);
    const { startupProbe, readinessProbe, livenessProbe } = container;
    const paths = [startupProbe, readinessProbe, livenessProbe].map(({ httpGet }) => httpGet);
    expect(paths).toEqual([
      { path: '/healthz', port: 'http' },
      { path: '/readyz', port: 'http' },
      { path: '/healthz', port: 'http' },
    ]);
  });

  test('a process has no rights that it does not need', () => {
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  test('its selectors and the budget select its own pods and no others', () => {
    const budget = ofKind('PodDisruptionBudget').find(
      (one) => one.metadata.name === deployment.metadata.name,
    );
    const spread = pod.topologySpreadConstraints.map(({ labelSelector }: never) => labelSelector);
    for (const selector of [deployment.spec.selector, budget?.spec.selector, ...spread])
      expect(selector).toEqual({ matchLabels: metadata.labels });
  });

  test('it differs from the other roles only in its names, resources, Secrets and scale', () => {
    const shapeOf = (one: typeof deployment) => {
      const copy = structuredClone(one);
      Object.assign(containerOf(copy), { resources: {}, envFrom: [] });
      delete copy.spec.replicas;
      return JSON.stringify(copy).replaceAll(new RegExp(`\\b${roleOf(one)}"`, 'g'), 'ROLE"');
    };
    const [settle] = deployments.filter((one) => roleOf(one) === 'settle');
    const withoutHttp = (shape: string) => shape.replaceAll(/"(name|port)":"(http|ROLE)"/g, '"$1":"P"');
    expect(withoutHttp(shapeOf(deployment))).toBe(withoutHttp(shapeOf(settle as typeof deployment)));
  });
});

test('only the role http gets the webhook secrets and operator keys', () => {
  const holders = deployments.filter((one) =>
    containerOf(one).envFrom.some(({ secretRef }) => secretRef.name === 'weir-http'),
  );
  expect(holders.map(roleOf)).toEqual(['http']);
});

test('the metric that scales ingest is one that its processes report', async () => {
  const registry = new Registry();
  const everything = readConfig(undefined, { WEIR_SERVER_ROLES: 'ingest' }).config;
  createMetrics(registry, everything);
  const metrics = ofKind('HorizontalPodAutoscaler').flatMap(({ spec }) => spec.metrics);
  const named = metrics.flatMap(({ external }) => (external ? [external.metric.name] : []));
  expect(named).toEqual(['weir_stream_waiting_entries']);
  for (const name of named) expect(registry.getSingleMetric(name)).toBeDefined();
});
