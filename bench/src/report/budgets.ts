import type { Results } from './results.ts';

export interface Verdict {
  readonly budget: string;
  readonly figure: string;
  readonly limit: string;
  readonly outcome: 'met' | 'below' | 'not judged';
}

/** One verdict for each budget whose figures are there. Without durable settings nothing is judged. */
export function judge(results: Results, isDurable: boolean): Verdict[] {
  const { seed, weir, lifecycle, callback, backlog, embedded, views, door, observability } = results;
  const verdicts: Verdict[] = [];
  const add = (budget: string, figure: string, limit: string, isMet: boolean, isJudged = true) =>
    verdicts.push({ budget, figure, limit, outcome: isJudged ? (isMet ? 'met' : 'below') : 'not judged' });

  if (weir?.ofBroker) {
    add(
      'weir / broker alone beside it, medians',
      formatRatio(weir.ofBroker),
      '>= 0.65',
      weir.ofBroker >= 0.65,
      isDurable,
    );
  }
  // Weir's median against the best that the seed's flow ever reached: noise may only count against Weir.
  if (weir && seed) {
    const ratio = weir.median.perSecond / seed.best.perSecond;
    add("weir / seed's flow at its best", formatRatio(ratio), '>= 4.5', ratio >= 4.5, isDurable);
  }
  if (lifecycle) {
    const rate = lifecycle.median.perSecond;
    const ratio = weir && rate / weir.median.perSecond;
    const figure = `${rate.toLocaleString('en-US')}/s${ratio ? `, ${formatRatio(ratio)} of weir` : ''}`;
    const isMet = rate >= 8000 || (ratio !== undefined && ratio >= 0.4);
    add('whole life, purchase to settled', figure, '>= 8,000/s or 0.4', isMet, isDurable);
  }
  if (callback?.weir) {
    const ratio = callback.weir.perSecond / callback.bestBaseline.perSecond;
    add('callback / one transaction a request', formatRatio(ratio), '>= 2', ratio >= 2, isDurable);
  }
  if (backlog) {
    add(
      'memory growth over a backlog',
      `${backlog.growthMiB.toFixed(1)} MiB`,
      '< 64 MiB',
      backlog.growthMiB < 64,
    );
  }
  if (embedded) {
    const rate = embedded.perSecond;
    add('embedded, to its queue', `${rate.toLocaleString('en-US')}/s`, '>= 5,000/s', rate >= 5000);
  }
  if (views) {
    const { view, medianMs } = views.slowest;
    const budget = `every view of ${views.rows.toLocaleString('en-US')} rows, medians`;
    add(budget, `${medianMs} ms (${view})`, '<= 200 ms', medianMs <= 200);
  }
  if (door) {
    const soldOut = door.soldOut.perSecond / door.bare.perSecond;
    add('sold out / bare route, medians', formatRatio(soldOut), '>= 0.6', soldOut >= 0.6);
    const accepted = door.accepted.perSecond / door.bare.perSecond;
    add('accepted / bare route, medians', formatRatio(accepted), '>= 0.3', accepted >= 0.3);
  }
  if (observability) {
    const { ofUnobserved } = observability;
    const budget = 'fully observed / not at all, medians';
    add(budget, formatRatio(ofUnobserved), '>= 0.95', ofUnobserved >= 0.95, isDurable);
  }
  return verdicts;
}

function formatRatio(ratio: number): string {
  return ratio.toFixed(2);
}
