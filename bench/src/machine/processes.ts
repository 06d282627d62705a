import { readdirSync, readFileSync } from 'node:fs';

// Linux reports CPU time in ticks of 10 ms on every platform Node runs on.
const msPerTick = 10;

/**
 * CPU microseconds for each purchase; undefined when the process cannot be read (another machine or system).
 */
export interface CpuPerItem {
  readonly program: number | undefined;
  readonly bench: number;
  readonly postgres: number | undefined;
  readonly redis: number | undefined;
  readonly rabbitmq: number | undefined;
  /** A server that an alternative starts. */
  readonly others?: number | undefined;
}

export type CpuSnapshot = ReadonlyMap<number, ProcessTime>;

interface ProcessTime {
  readonly name: string;
  readonly parentPid: number;
  readonly cpuMs: number;
}

export function takeCpuSnapshot(): CpuSnapshot {
  const snapshot = new Map<number, ProcessTime>();
  for (const pid of listPids()) {
    const time = parseStat(readProc(`${pid}/stat`));
    if (time !== undefined) snapshot.set(pid, time);
  }
  return snapshot;
}

/** Servers are found by name, so work they do for other clients is counted too. */
export function cpuPerItem(before: CpuSnapshot, items: number, ...programPids: number[]): CpuPerItem {
  const after = takeCpuSnapshot();
  const share = (belongs: (time: ProcessTime, pid: number) => boolean) => {
    const ms = spentBetween(filterMap(before, belongs), filterMap(after, belongs));
    return ms === undefined || items === 0 ? undefined : Math.round((ms * 10_000) / items) / 10;
  };
  return {
    program: programPids.length === 0 ? undefined : share((_, pid) => programPids.includes(pid)),
    bench: share((_, pid) => pid === process.pid) ?? 0,
    postgres: share(({ name }) => name === 'postgres'),
    redis: share(({ name }) => name === 'redis-server' || name === 'valkey-server'),
    rabbitmq: share(({ name }) => name === 'beam.smp'),
    others: share(({ name }) => name === 'restate-server') || undefined,
  };
}

// The CPU time of a process that has ended was added to its parent (a closed backend to PostgreSQL); what it
// had used before is subtracted there. When the parent is none of these, another server was stopped, which is
// not counted.
function spentBetween(before: CpuSnapshot, after: CpuSnapshot): number | undefined {
  if (after.size === 0) return undefined;
  let ms = 0;
  for (const { cpuMs } of after.values()) ms += cpuMs;
  for (const [pid, { parentPid, cpuMs }] of before) {
    if (after.has(pid) || after.has(parentPid)) ms -= cpuMs;
  }
  return ms;
}

function filterMap(snapshot: CpuSnapshot, belongs: (time: ProcessTime, pid: number) => boolean): CpuSnapshot {
  return new Map([...snapshot].filter(([pid, time]) => belongs(time, pid)));
}

export function readRssMiB(pid: number): number | undefined {
  const kiB = readProc(`${pid}/status`)?.match(/^VmRSS:\s+(\d+) kB$/m)?.[1];
  return kiB === undefined ? undefined : Number(kiB) / 1024;
}

// The name is in parentheses and may contain anything, so the fields are counted from the last parenthesis.
function parseStat(text: string | undefined): ProcessTime | undefined {
  if (text === undefined) return undefined;
  const nameEnd = text.lastIndexOf(')');
  const fields = text.slice(nameEnd + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return {
    name: text.slice(text.indexOf('(') + 1, nameEnd),
    parentPid: Number(fields[1]),
    cpuMs: ticks * msPerTick,
  };
}

function listPids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return undefined; // it has ended meanwhile, or there is no /proc
  }
}
