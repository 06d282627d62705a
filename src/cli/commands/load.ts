import { closeSync, openSync, writeFileSync } from 'node:fs';
import { openStreamWriter } from '../../adapters/redis/open-redis.ts';
import { redisOf } from '../../app/stores.ts';
import { readConfig } from '../../config/config.ts';
import { escapeHidden } from '../../lib/escape-hidden.ts';
import { listRedisHosts } from '../../lib/redis-address.ts';
import { Api, type ApiOptions } from '../client/api.ts';
import { LoadClient } from '../client/load-client.ts';
import { CliError, exitCodes } from '../exit-codes.ts';
import { checkLoad } from '../load/check-load.ts';
import { confirmTarget } from '../load/confirm-target.ts';
import { followPurchases } from '../load/follow-purchases.ts';
import { buildLoadReport } from '../load/load-report.ts';
import type { LoadTally } from '../load/load-tally.ts';
import { type LoadPlan, type PlanOptions, readLoadPlan } from '../load/read-load-plan.ts';
import { runLoad } from '../load/run-load.ts';
import { printJson, printLine, printProgress } from '../output/output.ts';
import { printLoadReport } from '../output/print-load-report.ts';

interface LoadOptions extends ApiOptions, PlanOptions {
  /** true: to standard output, in place of the tables. */
  json?: boolean | string;
}

/** Open-loop load on a Weir; Ctrl-C ends it early with the results so far. */
export async function runLoadCommand(options: LoadOptions): Promise<number> {
  const plan = readLoadPlan(options);
  const { config } = readConfig(options.config, process.env);
  const { redis } = config.data;
  const api = new Api(options);
  const hasRedis = plan.mix.has('stream') && redis.addr !== '';
  await confirmTarget(
    [hostOf(api.url), ...(hasRedis ? listRedisHosts(redis.addr).map(hostOf) : [])],
    options.yes ?? false,
  );
  if (typeof options.json === 'string') requireWritable(options.json);
  await checkLoad(api, { ...plan, hasRedis });

  const stop = new AbortController();
  // A second signal ends it immediately.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const writer = hasRedis ? await openStreamWriter(redisOf(config)) : undefined;
  try {
    const run = await runLoad(plan, {
      client: new LoadClient(api.url, api.authorization(), plan.connections),
      webhookSecret: config.server.http.webhookSecrets[0],
      addEntry: writer?.add,
      signal: stop.signal,
      onSecond: (tally) => printProgress(describeProgress(tally, plan)),
    });
    const isInterrupted = stop.signal.aborted;
    const followed =
      plan.waitMs > 0 && !isInterrupted
        ? await followPurchases(api, run.accepted.values, plan.waitMs, stop.signal)
        : undefined;
    printProgress(' '.repeat(progressWidth));
    printProgress('');
    const report = buildLoadReport(plan, run, followed, { url: api.url, isInterrupted });
    if (options.json !== true) printLoadReport(report);
    else printJson(report);
    if (typeof options.json === 'string') {
      writeFileSync(options.json, `${escapeHidden(JSON.stringify(report, null, 2))}\n`);
      printLine(`Wrote ${options.json}`);
    }
    if (stop.signal.aborted) return exitCodes.interrupted;
    return report.rules.some(({ breached }) => breached) ? exitCodes.findings : exitCodes.ok;
  } finally {
    writer?.close();
  }
}

const progressWidth = 76;

function describeProgress(tally: LoadTally, { durationMs }: LoadPlan): string {
  const last = tally.series.at(-2);
  const { errors = 0, dropped = 0 } = tally.figures() ?? {};
  const rate = last ? `${last.answered}/s, p99 ${Math.round(last.p99Ms ?? 0)} ms` : '';
  const text = `${last?.second ?? 0}/${Math.ceil(durationMs / 1000)} s  ${rate}  errors ${errors}  dropped ${dropped}`;
  return text.slice(0, progressWidth).padEnd(progressWidth);
}

/** The host of a URL, or of a Redis address `host:port`. */
function hostOf(address: string): string {
  const { hostname } = new URL(/^[a-z]+:\/\//i.test(address) ? address : `redis://${address}`);
  return hostname.replace(/^\[|\]$/g, '');
}

/** Checked before the run: the report should not be lost to a mistyped path. */
function requireWritable(file: string): void {
  try {
    closeSync(openSync(file, 'a'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(exitCodes.usage, `--json ${file}: expected a file that can be written (${code})`);
  }
}
