import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

interface Entry {
  pid: number;
  parent: number;
  zombie: boolean;
}

/**
 * Stops a process and all its descendants, and returns their pids. A process group is not enough: each
 * PostgreSQL backend leads its own and would continue to serve. Top down, and again until nothing new
 * appears, since a process may fork between being listed and being stopped.
 */
export function freezeTree(root: number): number[] {
  const frozen = new Set<number>();
  let found = [root];
  while (found.length > 0) {
    for (const pid of found) {
      signal(pid, 'SIGSTOP');
      frozen.add(pid);
    }
    found = findDescendants(root).filter((pid) => !frozen.has(pid));
  }
  return [...frozen];
}

export function thaw(pids: readonly number[]): void {
  for (const pid of pids) signal(pid, 'SIGCONT');
}

/** Frozen first, so that no child notices its parent's end and has time to write. */
export function killTree(root: number): number[] {
  const pids = freezeTree(root);
  for (const pid of pids) signal(pid, 'SIGKILL');
  return pids;
}

export function killGroup(leader: number): void {
  signal(-leader, 'SIGKILL');
}

/** A zombie counts as ended: in a container whose first process reaps no children it stays for ever. */
export function findAlive(pids: readonly number[]): number[] {
  return listProcesses()
    .filter((entry) => pids.includes(entry.pid) && !entry.zombie)
    .map((entry) => entry.pid);
}

function findDescendants(root: number): number[] {
  const entries = listProcesses();
  const collect = (parent: number): number[] =>
    entries
      .filter((entry) => entry.parent === parent && !entry.zombie)
      .flatMap((entry) => [entry.pid, ...collect(entry.pid)]);
  return collect(root);
}

function listProcesses(): Entry[] {
  if (process.platform !== 'linux') return listWithPs();
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const stat = readStat(pid);
    // The name is in parentheses and may itself contain spaces and parentheses.
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state ? [{ pid: Number(pid), parent: Number(parent), zombie: state === 'Z' }] : [];
  });
}

function listWithPs(): Entry[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line) => {
    const [pid, parent, state = ''] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), zombie: state.startsWith('Z') };
  });
}

function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return '';
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
