import { resolve } from 'node:path';
import { diagnosePostgres } from '../../adapters/postgres/diagnose/diagnose-postgres.ts';
import { hasSeveralHosts } from '../../adapters/postgres/hosts/postgres-hosts.ts';
import { diagnoseRabbitmq } from '../../adapters/rabbitmq/diagnose-rabbitmq.ts';
import { diagnoseRedis } from '../../adapters/redis/diagnose-redis.ts';
import { createdQueuesOf, deadLetterQueueOf, formerCreatedQueuesOf } from '../../app/queues.ts';
import { readConnections, redisOf, toConnectionOptions } from '../../app/stores.ts';
import { type Config, readConfig } from '../../config/config.ts';
import { toVariable } from '../../config/config-variables.ts';
import { allSettings, valueAt } from '../../config/settings.ts';
import type { Finding } from '../../lib/finding.ts';
import { exitCodes } from '../exit-codes.ts';
import { printJson, printLine } from '../output/output.ts';
import { printTable } from '../output/table.ts';
import { describeDatabase } from './describe-database.ts';
import { diagnoseAccess } from './diagnose-access.ts';
import { diagnoseEmbedded } from './diagnose-embedded.ts';
import { diagnosePairing } from './stores.ts';

interface DoctorOptions {
  config?: string;
  json?: boolean;
  settings?: boolean;
}

/** Checks every configured store. @returns the exit code for findings when one loses data or does not work */
export async function runDoctor(options: DoctorOptions): Promise<number> {
  const { config, warnings } = readConfig(options.config, process.env);
  if (options.settings) {
    printSettings(config, options.json ?? false);
    return exitCodes.ok;
  }
  const findings: Finding[] = [
    ...warnings.map((what) => ({
      about: 'configuration',
      level: 'warning' as const,
      what,
      advice: 'remove the key',
    })),
    ...(
      await Promise.all([
        diagnoseDatabase(config),
        diagnoseStreams(config),
        diagnoseQueues(config),
        diagnoseAccess(config),
        diagnosePairing(config),
      ])
    ).flat(),
  ];
  const configuration = describeConfiguration(options.config);
  const database = describeDatabase(config);
  if (options.json) printJson({ configuration, database, findings });
  else {
    printLine(`Configuration: ${configuration}`);
    printLine(`Database: ${database}`);
    for (const finding of findings) printFinding(finding);
  }
  return findings.some(({ level }) => level !== 'ok') ? exitCodes.findings : exitCodes.ok;
}

/**
 * Names the source of the settings: with another configuration than the service's, the checks would be
 * useless.
 */
function describeConfiguration(file: string | undefined): string {
  const set = allSettings.map(({ key }) => toVariable(key));
  const variables = set.filter((variable) => process.env[variable] !== undefined);
  const source = file === undefined ? 'no file (-conf FILE names one)' : resolve(file);
  return [source, ...variables].join(', ');
}

async function diagnoseDatabase(config: Config): Promise<Finding[]> {
  const { database, embedded } = config.data;
  if (database.source === '') return [await diagnoseEmbedded(resolve(embedded.folder))];
  const options = toConnectionOptions(database);
  return diagnosePostgres(options, {
    isMigrated: database.migrate,
    schema: database.schema,
    // One more at each of several hosts asks whether it is the primary.
    connections: database.maxConnections + readConnections + (hasSeveralHosts(options) ? 1 : 0),
  });
}

async function diagnoseStreams(config: Config): Promise<Finding[]> {
  if (config.data.redis.addr !== '') return diagnoseRedis(redisOf(config));
  return [{ about: 'streams', level: 'ok', what: 'embedded in the database, as durable as it', advice: '' }];
}

async function diagnoseQueues(config: Config): Promise<Finding[]> {
  const { rabbitmq } = config.data;
  if (rabbitmq.url === '') {
    return [{ about: 'queue', level: 'ok', what: 'embedded in the database, as durable as it', advice: '' }];
  }
  const { resultQueue, releaseQueue, refundQueue } = rabbitmq;
  const deadLetterQueue = deadLetterQueueOf(rabbitmq);
  const queues = [deadLetterQueue, ...createdQueuesOf(rabbitmq), resultQueue, releaseQueue, refundQueue];
  const leftovers = formerCreatedQueuesOf(rabbitmq);
  return diagnoseRabbitmq({ ...rabbitmq, queues, leftovers, deadLetterQueue });
}

const marks = { ok: ['green', '✓'], warning: ['yellow', '!'], problem: ['red', '✗'] } as const;

function printFinding({ about, level, what, advice }: Finding): void {
  const [style, mark] = marks[level];
  printLine({ style, text: mark }, ` ${about}: ${what}`);
  if (advice) printLine(`    → ${advice}`);
}

function printSettings(config: Config, json: boolean): void {
  const rows = allSettings.map(({ key, setting }) => ({
    key,
    variable: toVariable(key),
    value: setting.isSecret ? mask(valueAt(config, key)) : String(valueAt(config, key)),
    default: String(setting.default),
    sentence: setting.sentence,
  }));
  if (json) printJson(rows);
  else
    printTable(
      [
        'KEY',
        { title: 'VARIABLE', rank: 1 },
        { title: 'VALUE', isProse: true },
        { title: 'MEANING', isProse: true },
      ],
      rows.map((row) => [row.key, row.variable, row.value, row.sentence]),
      { whole: true },
    );
}

function mask(value: unknown): string {
  return String(value) === '' ? '' : '(set)';
}
