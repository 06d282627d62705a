import type { Gap } from '../judge/recovery.ts';
import { type Kind, kinds, type Violation } from '../judge/violation.ts';
import type { Verdict } from '../verdict.ts';

// Sentences that the text and the page share.

export function describeOutcome({ run, holds, violations }: Verdict): string {
  return holds ? `Run ${run}: HOLDS` : `Run ${run}: VIOLATED (${violations.length} in all)`;
}

export function describeRun({ ways, seconds, target }: Verdict): string {
  const sent = Object.values(ways).reduce((sum, way) => sum + way.sent, 0);
  return `${sent} purchases in ${seconds.toFixed(0)} s at ${target.urls.join(', ')}`;
}

export function describeGap({ lane, gapMs, fromMs }: Gap): string {
  const what = lane === 'events' ? 'a new event' : `an answer to ${lane}`;
  const at = new Date(fromMs).toISOString().slice(11, 19);
  return `${(gapMs / 1000).toFixed(1)} s without ${what}, from ${at} UTC`;
}

/** Each figure with its name, those that were read. */
export function listFigures({ instances, messages, sale }: Verdict): [string, string][] {
  const join = (figures: object) =>
    Object.entries(figures)
      .map(([name, value]) => `${value} ${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}`)
      .join(', ');
  return [
    ...(instances ? [['instances', join(instances)] as [string, string]] : []),
    ...(messages ? [['messages', join(messages)] as [string, string]] : []),
    ...(sale ? [['sale', join(sale)] as [string, string]] : []),
  ];
}

export interface Group {
  kind: Kind;
  meaning: string;
  count: number;
  /** The first of them; all are in the JSON. */
  shown: Violation[];
}

const shownOfKind = 10;

/** By kind, worst first. */
export function groupByKind(violations: readonly Violation[]): Group[] {
  return Object.entries(kinds).flatMap(([kind, meaning]) => {
    const found = violations.filter((violation) => violation.kind === kind);
    const group = { kind: kind as Kind, meaning, count: found.length, shown: found.slice(0, shownOfKind) };
    return found.length > 0 ? [group] : [];
  });
}
