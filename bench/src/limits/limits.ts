import type { Bench } from '../bench.ts';
import { Load } from '../load/load.ts';
import type { Recorder } from '../report/recorder.ts';
import { takeTurns } from '../rounds.ts';
import { brokerSubject } from './broker.ts';
import { httpSubjects } from './http.ts';
import { commitAndConfirm } from './one-at-a-time.ts';
import { insertBatches } from './postgres.ts';
import { readAndAcknowledge, writePurchases } from './redis.ts';

/** The limits of each store and of HTTP alone on this machine, with the settings that Weir uses. */
export async function measureLimits(bench: Bench, recorder: Recorder): Promise<void> {
  const subjects = [
    await readAndAcknowledge(bench),
    await insertBatches(bench),
    await brokerSubject(bench),
    await writePurchases(bench),
    ...(await httpSubjects(bench, new Load(bench))),
    await commitAndConfirm(bench),
  ];
  await takeTurns(bench, recorder, subjects);
}
