import type { Bench } from '../bench.ts';
import { readRssMiB } from '../machine/processes.ts';
import type { Recorder } from '../report/recorder.ts';
import { startBetweenStreamAndQueue, workOff } from './work-off.ts';

export const backlogRate = 'backlog: stream → confirmed';
export const backlogGrowth = 'resident memory, last tenth − first tenth';

interface Reading {
  readonly rows: number;
  readonly rssMiB: number;
}

/** Whether memory stays flat while a long stream is processed. Tenths are of the entries, not of the time. */
export async function measureBacklog(bench: Bench, recorder: Recorder): Promise<void> {
  const count = bench.options.backlogCount;
  const setup = await startBetweenStreamAndQueue(bench, { purpose: 'backlog' });
  const readings: Reading[] = [];
  const { perSecond, cpuMicrosPerItem } = await workOff(bench, setup, {
    count,
    everyMs: 100,
    title: 'backlog',
    onLook: (rows) => {
      const rssMiB = readRssMiB(setup.programs[0]?.pid ?? 0);
      if (rows > 0 && rssMiB !== undefined) readings.push({ rows, rssMiB });
    },
  });
  const first = meanRss(readings.filter(({ rows }) => rows <= count / 10));
  const last = meanRss(readings.filter(({ rows }) => rows >= (count * 9) / 10));
  const highest = Math.max(...readings.map(({ rssMiB }) => rssMiB));
  const note = `${count.toLocaleString('en-US')} entries at once`;
  recorder.add(backlogRate, '/s', { value: perSecond, cpuMicrosPerItem }, note);
  recorder.add(backlogGrowth, 'MiB', { value: last - first, figures: { first, last, highest } }, note);
  recorder.add('resident memory, highest', 'MiB', { value: highest }, note);
}

function meanRss(readings: readonly Reading[]): number {
  if (readings.length === 0) {
    throw new Error(
      'no reading of resident memory in a tenth: the backlog is too short, or there is no /proc here',
    );
  }
  return readings.reduce((sum, { rssMiB }) => sum + rssMiB, 0) / readings.length;
}
