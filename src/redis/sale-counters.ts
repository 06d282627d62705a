import type { Redis } from 'ioredis';
import type { HeldUnit, SaleCounters, UnitOutcome } from '../sale/give-back.ts';
import { withDeadline } from './connect.ts';
import { saleKeys } from './sale-keys.ts';
import { giveBackUnits } from './sale-scripts.ts';

const answerDeadlineMs = 10_000;

export function redisSaleCounters(redis: Redis): SaleCounters {
  return {
    async giveBack(units) {
      const outcomes = new Map<HeldUnit, UnitOutcome>();
      for (const [stream, held] of groupByStream(units)) {
        const { sale, units: unitsKey, buyers } = saleKeys(stream);
        const ids = held.map(({ entryId }) => entryId);
        const reply = giveBackUnits(redis, [sale, unitsKey, buyers], ...ids) as Promise<number[]>;
        const found = await withDeadline(redis, answerDeadlineMs, reply);
        held.forEach((unit, i) => {
          outcomes.set(unit, found[i] === 1 ? 'GIVEN_BACK' : 'NO_SALE');
        });
      }
      return units.map((unit) => outcomes.get(unit) ?? 'NO_SALE');
    },
  };
}

function groupByStream(units: readonly HeldUnit[]): Map<string, HeldUnit[]> {
  const groups = new Map<string, HeldUnit[]>();
  for (const unit of units) {
    const group = groups.get(unit.stream);
    if (group) group.push(unit);
    else groups.set(unit.stream, [unit]);
  }
  return groups;
}
