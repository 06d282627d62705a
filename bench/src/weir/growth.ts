import type { Bench } from '../bench.ts';
import { createWeirDatabase } from '../limits/postgres.ts';
import type { Recorder } from '../report/recorder.ts';
import { type Subject, takeTurns } from '../rounds.ts';
import { fillSettled } from './fill-settled.ts';
import { pipelineSubject } from './pipeline.ts';

export const emptyTable = 'empty table, 1 product, 1 replica';
export const rowsBefore = (rows: number) => `${rows.toLocaleString('en-US')} rows before`;
export const manyReplicas = '4 replicas';
export const someRepeats = '5 % repeats';

/**
 * The pipeline on larger tables, with more products, more replicas, and entries that already have an
 * instance.
 */
export async function measureGrowth(bench: Bench, recorder: Recorder): Promise<void> {
  const subjects: Subject[] = [pipelineSubject(bench, emptyTable, { purpose: 'growth_0' })];
  for (const rows of bench.options.growthRows) {
    const database = await createWeirDatabase(bench, `rows_${rows}`);
    await fillSettled(bench, database, rows);
    subjects.push(pipelineSubject(bench, rowsBefore(rows), { purpose: `growth_${rows}`, database }));
  }
  for (const products of [10, 100]) {
    const purpose = `products_${products}`;
    subjects.push(pipelineSubject(bench, `${products} products`, { purpose }, { products }));
  }
  for (const replicas of [2, 4]) {
    const purpose = `replicas_${replicas}`;
    subjects.push(
      pipelineSubject(bench, `${replicas} replicas`, { purpose, replicas }, { products: replicas }),
    );
  }
  subjects.push(pipelineSubject(bench, someRepeats, { purpose: 'repeats' }, { repeats: 0.05, everyMs: 100 }));
  await takeTurns(bench, recorder, subjects);
}
