import type { Now, NowRest } from '../../api/answers.ts';
import type { CodeAndParams } from '../../api/describe.ts';
import type { Status } from './status.ts';

export type Trouble =
  | { kind: 'unreachable' }
  /** Several are one entry where one server holds them and fails for one reason. */
  | { kind: 'store'; names: string[]; storeKind: string; why: CodeAndParams | null }
  | { kind: 'intakePaused' }
  | { kind: 'audit'; exceptions: number }
  | { kind: 'backlog'; what: string; waitedMs: number };

/** As the alerts WeirPurchasesWait and WeirEventsWait. How long an instance may take is a setting, and its rescuer watches it. */
const backlogMs = 60_000;
const watchedBacklogs = ['stream', 'outbox'];

/** What an operator must see on every view, the worst first. Empty: all is well as far as it is known. */
export function listTroubles(isReachable: boolean, status: Status, nowMs = Date.now()): Trouble[] {
  if (!isReachable) return [{ kind: 'unreachable' }];
  if (!status) return [];
  const isWhole = 'at' in status;
  return [
    ...listStores(status.stores),
    ...(isWhole && status.intakePaused ? [{ kind: 'intakePaused' } as const] : []),
    ...(isWhole ? listAudit(status.audit) : []),
    ...listBacklog(status.waiting, isWhole ? Date.parse(status.at) : nowMs),
  ];
}

function listStores(stores: NowRest['stores']): Trouble[] {
  const byServer = new Map<string, Trouble & { kind: 'store' }>();
  for (const { name, kind, ok, why } of stores) {
    if (ok !== false) continue;
    const server = `${kind} ${JSON.stringify(why)}`;
    const known = byServer.get(server);
    if (known) known.names.push(name);
    else byServer.set(server, { kind: 'store', names: [name], storeKind: kind, why });
  }
  return [...byServer.values()];
}

function listAudit(audit: Now['audit']): Trouble[] {
  return !audit || audit.ok ? [] : [{ kind: 'audit', exceptions: audit.exceptions }];
}

/** The oldest alone: the table of the view *Now* has the rest. */
function listBacklog(waiting: NowRest['waiting'], nowMs: number): Trouble[] {
  const ages = waiting.flatMap(({ what, oldestAt }) =>
    oldestAt === null || !watchedBacklogs.includes(what)
      ? []
      : [{ kind: 'backlog' as const, what, waitedMs: nowMs - Date.parse(oldestAt) }],
  );
  const oldest = ages.sort((a, b) => b.waitedMs - a.waitedMs)[0];
  return oldest && oldest.waitedMs > backlogMs ? [oldest] : [];
}
