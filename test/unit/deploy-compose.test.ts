import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { findProxy } from '../../scripts/services/proxies.mjs';
import { readConfig } from '../../src/config/config.ts';
import { allSettings, type Role } from '../../src/config/settings.ts';
import { type ComposeService, deployFolder, readCompose, readDeployFile } from '../support/deploy-files.ts';
import { lacksProxy } from '../support/own-proxy.ts';
import { operatorKeys, secrets } from './config-samples.ts';

const root = new URL('../../', import.meta.url);
const schemas = dirname(createRequire(import.meta.url).resolve('dclint/package.json'));
const schema = JSON.parse(readFileSync(join(schemas, 'schemas/compose.schema.json'), 'utf8'));
// Ajv compares this identifier as text, and knows it with http.
schema.$schema = 'http://json-schema.org/draft-07/schema#';
const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);

const written = readDeployFile('compose/compose.ha.yaml');
const given: Record<string, string> = {
  WEIR_SERVER_HTTP_WEBHOOKSECRETS: secrets[0] as string,
  WEIR_SERVER_HTTP_OPERATORKEYS: operatorKeys[0] as string,
};
/** As Compose does it: the variable, the default after `:-`, else any word. */
const substituted = written.replaceAll(
  /\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}/g,
  (_, name, fallback) => given[name] ?? fallback ?? 'word',
);
const { services } = readCompose(substituted);
const roleOf = ({ environment }: ComposeService) => environment?.WEIR_SERVER_ROLES ?? '';
const weirs = Object.entries(services).filter(([name]) => name.startsWith('weir-'));
const configOf = ({ environment = {} }: ComposeService) =>
  // The variable of the Dockerfile.
  readConfig(undefined, { WEIR_SERVER_HTTP_ADDR: '0.0.0.0:8000', ...environment }).config;

describe.each(['deploy/compose/compose.ha.yaml', 'compose.yaml', 'compose.test.yaml'])('%s', (file) => {
  test('a compose file follows the compose specification', () => {
    validate(parse(readFileSync(new URL(file, root), 'utf8'), { merge: true }));
    expect(validate.errors).toBeNull();
  });
});

test('an unknown key of a service is found', () => {
  expect(validate({ services: { weir: { image: 'weir', restarts: 'always' } } })).toBe(false);
});

test('each role runs twice, and has 60 s to stop after it has drained', () => {
  const roles = allSettings.find(({ key }) => key === 'server.roles')?.setting.default as Role[];
  expect(weirs.map(([, service]) => roleOf(service)).sort()).toEqual([...roles].sort());
  for (const [, service] of weirs) {
    expect(service.deploy?.replicas).toBe(2);
    const grace = Number.parseInt(service.stop_grace_period ?? '0', 10) * 1000;
    expect(grace).toBeGreaterThanOrEqual(configOf(service).server.http.drainMs + 60_000);
  }
});

test('each role and the migration start with a valid configuration', () => {
  for (const [, service] of weirs) {
    const { data } = configOf(service);
    expect(data.database.migrate).toBe(false);
    expect(data.rabbitmq).toMatchObject({ url: 'amqp://weir:word@haproxy:5672/', queueType: 'quorum' });
  }
  const { data } = configOf(services.migrate as ComposeService);
  expect(data.database.source).toContain('@postgres1:5432,postgres2:5432/');
});

test('the Sentinels of the address are the ones that watch the primary of that name', () => {
  const sentinels = Object.keys(services).filter((name) => name.startsWith('sentinel'));
  const monitored = /^sentinel monitor (\S+) (\S+) 6379 2$/m.exec(readDeployFile('compose/sentinel.conf'));
  expect(sentinels).toHaveLength(3);
  expect(services).toHaveProperty(monitored?.[2] ?? 'none');
  const address = `redis+sentinel://${sentinels.map((name) => `${name}:26379`).join(',')}/${monitored?.[1]}`;
  for (const [, service] of weirs) expect(configOf(service).data.redis.addr).toBe(address);
});

test('the nodes of RabbitMQ form one cluster, behind one port of HAProxy', () => {
  const nodes = Object.keys(services).filter((name) => name.startsWith('rabbitmq'));
  expect(nodes).toHaveLength(3);
  const clustered = [...readDeployFile('compose/rabbitmq.conf').matchAll(/= rabbit@(\w+)$/gm)];
  expect(clustered.map(([, node]) => node)).toEqual(nodes);
  const balanced = [...readDeployFile('compose/haproxy.cfg').matchAll(/^ {2}server (\w+) \1:5672/gm)];
  expect(balanced.map(([, node]) => node)).toEqual(nodes);
});

test('every file that a container mounts and every service it waits for exists', () => {
  for (const { volumes = [], depends_on = {} } of Object.values(services)) {
    const mounted = volumes
      .map((volume) => volume.split(':')[0] ?? '')
      .filter((path) => path.startsWith('./'));
    for (const path of mounted) expect(existsSync(join(deployFolder, 'compose', path))).toBe(true);
    for (const name of Object.keys(depends_on)) expect(services).toHaveProperty(name);
  }
});

test.skipIf(lacksProxy('haproxy'))('HAProxy accepts its configuration', () => {
  const program = findProxy('haproxy') as string;
  const file = join(deployFolder, 'compose/haproxy.cfg');
  expect(() => execFileSync(program, ['-c', '-f', file], { encoding: 'utf8', stdio: 'pipe' })).not.toThrow();
});
