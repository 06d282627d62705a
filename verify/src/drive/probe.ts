import type { ResourceDomain } from '../domain/resource-domain.ts';
import { nameOf, type Operation, outcomeOf, type Way, ways } from '../history/operation.ts';
import type { Weirs } from '../installation/weirs.ts';
import { CannotRun } from '../options.ts';
import { pause } from '../pause.ts';
import type { Mix } from './plan.ts';
import type { Traffic } from './traffic.ts';

export interface ProbeDeps {
  traffic: Traffic;
  mix: Mix;
  perform: (operation: Operation) => Promise<void>;
  weirs: Weirs;
  domain: ResourceDomain | undefined;
}

const deadlineMs = 30_000;

/**
 * One purchase of each way, down to its event. A wrong address, key or secret shows here, where it is no fault of the
 * installation.
 *
 * @returns how many purchases that took
 * @throws CannotRun
 */
export async function probe(deps: ProbeDeps): Promise<number> {
  const firsts = takeOneOfEach(deps);
  const endsAtMs = Date.now() + deadlineMs;
  // What is late by then goes on being repeated, and is given up with the run.
  await Promise.race([Promise.all(firsts.map(deps.perform)), pause(deadlineMs)]);
  for (const operation of firsts) {
    requireAccepted(operation);
    await requireInstance(deps, operation, endsAtMs);
  }
  return firsts.length;
}

function takeOneOfEach({ traffic, mix }: ProbeDeps): Operation[] {
  const wanted = new Set(ways.filter((way) => mix[way] > 0));
  const firsts: Operation[] = [];
  // Those of a way that was already taken are bought as well: a number that is left out would be missed.
  while (wanted.size > 0) {
    const operation = traffic.next();
    wanted.delete(operation.way);
    firsts.push(operation);
  }
  return firsts;
}

function requireAccepted(operation: Operation): void {
  if (outcomeOf(operation) === 'ok') return;
  const answer = operation.attempts.at(-1)?.answer;
  const said = answer?.outcome === 'refused' ? answer.code : answer?.outcome === 'unknown' && answer.cause;
  throw new CannotRun(`the first ${nameOf(operation)} was not accepted: ${said || 'no answer'}`);
}

const advice: Readonly<Record<Way, string>> = {
  stream: ': is --redis the Redis of this Weir?',
  buy: ': does a Weir with role ingest run?',
  order: '',
  instance: '',
};

async function requireInstance(
  { weirs, domain }: ProbeDeps,
  { way, userId, productId }: Operation,
  endsAtMs: number,
): Promise<void> {
  const path = `/v1/instances?productId=${productId}&userId=${userId}`;
  for (;;) {
    const [row] = await weirs.list<{ instanceId: string }>(path).catch(() => []);
    if (row && (!domain || domain.events.find(row.instanceId))) return;
    if (Date.now() > endsAtMs) {
      const within = `within ${deadlineMs / 1000} s`;
      if (!row) throw new CannotRun(`no instance of the first ${way} ${within}${advice[way]}`);
      throw new CannotRun(
        `no event of the first ${way} ${within}: is --rabbitmq the broker of this Weir, and does its relay run?`,
      );
    }
    await pause(50);
  }
}
