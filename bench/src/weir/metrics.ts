export interface Counters {
  readonly created: number;
  readonly confirmed: number;
  /** Results that changed an instance. */
  readonly settled: number;
}

/** The progress of the purchases, summed over all labels. */
export async function readMetrics(origin: string): Promise<Counters> {
  const response = await fetch(`${origin}/metrics`, { signal: AbortSignal.timeout(30_000) });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`GET /metrics answered ${response.status}: ${text}`);
  return {
    created: sumOf(text, 'weir_instances_created_total'),
    confirmed: sumOf(text, 'weir_events_confirmed_total'),
    settled: sumOf(text, 'weir_results_total', 'outcome="applied"'),
  };
}

// A labelled counter has no line before its first event: that is a 0, not an error.
function sumOf(text: string, metric: string, label = ''): number {
  const line = new RegExp(`^${metric}(?:\\{[^}]*${label}[^}]*\\})? (\\S+)`, 'gm');
  return [...text.matchAll(line)].reduce((sum, [, value]) => sum + Number(value), 0);
}
