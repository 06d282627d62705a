import { useState } from 'preact/hooks';
import type { Sale } from '../../api/answers.ts';
import { formatCount } from '../format.ts';
import { say } from '../language.ts';
import { TimeChart } from '../parts/chart.tsx';

const stepMs = 2_000;
const keptSteps = 450;

/** Units sold as this page has seen them, by product: the API keeps no history of a sale. */
const seen = new Map<string, Map<number, number>>();

/** How far a sale has come since the page was opened; drawn when it is opened, since there may be fifty. */
export function SellThrough({ sale: { productId, sold }, nowMs }: { sale: Sale; nowMs: number }) {
  const [isOpen, setOpen] = useState(false);
  const steps = seen.get(productId) ?? new Map<number, number>();
  seen.set(productId, steps);
  steps.set(Math.floor(nowMs / stepMs), sold);
  for (const step of steps.keys()) {
    if (steps.size <= keptSteps) break;
    steps.delete(step);
  }
  return (
    <details onToggle={(event) => setOpen((event.currentTarget as HTMLDetailsElement).open)}>
      <summary>{say('sale.sellThrough')}</summary>
      {isOpen && (
        <TimeChart
          title={say('sale.sold')}
          kind="lines"
          legend="latest"
          isTabled={false}
          format={formatCount}
          data={spread(steps)}
        />
      )}
    </details>
  );
}

function spread(sold: ReadonlyMap<number, number>) {
  const times = [...sold.keys()];
  const first = Math.min(...times);
  const steps = Math.max(2, Math.max(...times) - first + 1);
  const values = Array.from({ length: steps }, (_, i) => sold.get(first + i) ?? Number.NaN);
  return { fromMs: first * stepMs, stepMs, steps, series: [{ name: say('sale.sold'), values }] };
}
