import type { TrendStep } from '../../../api/answers.ts';
import { WeirError } from '../../../errors.ts';
import { isStorableTime } from '../../../lib/storable-time.ts';

export interface TrendQuery {
  minutes: number | undefined;
  from: Date | undefined;
  to: Date | undefined;
  step: TrendStep | undefined;
  source: string | undefined;
}

/** Both times lie on step boundaries in UTC. */
export interface TrendWindow {
  /** As requested. */
  minutes?: number;
  from: Date;
  to: Date;
  step: TrendStep;
  source: string | undefined;
}

const stepMs: Readonly<Record<TrendStep, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};
const defaultMinutes = 60;
/** More points are not useful on a chart. */
const maxSteps = 2_000;

/** @throws WeirError REQUEST_INVALID */
export function readWindow(query: TrendQuery, now: Date): TrendWindow {
  const { minutes = query.from || query.to ? undefined : defaultMinutes, source } = query;
  if (minutes !== undefined && (query.from || query.to)) {
    throw new WeirError('REQUEST_INVALID', 'specify either minutes or from and to');
  }
  if (query.to && !query.from) throw new WeirError('REQUEST_INVALID', 'from must be given with to');
  const to = query.to ?? now;
  const from = query.from ?? new Date(to.getTime() - (minutes ?? defaultMinutes) * stepMs.minute);
  if (from >= to) throw new WeirError('REQUEST_INVALID', 'from must be before to');
  const step = query.step ?? chooseStep(to.getTime() - from.getTime());
  const length = stepMs[step];
  const fromMs = Math.floor(from.getTime() / length) * length;
  const toMs = Math.ceil(to.getTime() / length) * length;
  if (!isStorableTime(new Date(fromMs)) || !isStorableTime(new Date(toMs))) {
    throw new WeirError(
      'REQUEST_INVALID',
      'from and to must be in the years 1 to 9999, with their whole steps',
    );
  }
  if ((toMs - fromMs) / length > maxSteps) {
    throw new WeirError('REQUEST_INVALID', `step must be longer: a trend has at most ${maxSteps} steps`);
  }
  return {
    ...(minutes === undefined ? {} : { minutes }),
    from: new Date(fromMs),
    to: new Date(toMs),
    step,
    source,
  };
}

function chooseStep(lengthMs: number): TrendStep {
  if (lengthMs <= stepMs.day) return 'minute';
  return lengthMs <= 60 * stepMs.day ? 'hour' : 'day';
}
