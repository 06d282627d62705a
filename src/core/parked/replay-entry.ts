import { WeirError } from '../../errors.ts';
import {
  type Purchase,
  parseInt64,
  parseSaleUnit,
  parseSourceId,
  parseTraceparent,
  parseUserId,
  type UserId,
} from '../instance/purchase.ts';
import { parseStreamKey } from '../triggers/seckill-key.ts';
import { seckill } from '../triggers/seckill-streams.ts';
import type { ParkedDetail } from './parked-item.ts';
import type { ReplayOptions } from './replay.ts';

/** @throws WeirError of the field that is wrong; NOTHING_TO_REPLAY when the entry was gone before it was read */
export function readEntry({ original, scope, sourceId }: ParkedDetail, found: UserId | undefined): Purchase {
  const fields = readEntryFields(original);
  if (fields.size === 0 && found === undefined) {
    throw new WeirError(
      'NOTHING_TO_REPLAY',
      'the entry was deleted before it was read: replay it with its userId',
    );
  }
  return {
    source: seckill,
    scope,
    sourceId: parseSourceId(sourceId),
    productId: parseStreamKey(scope),
    userId: found ?? parseUserId(fields.get('uid')),
    ...parseTraceparent(fields.get('traceparent')),
    ...parseSaleUnit(fields.get('unit'), fields.get('key')),
  };
}

function readEntryFields(original: Buffer): Map<unknown, unknown> {
  const deps: unknown[] = original.length === 0 ? [] : JSON.parse(original.toString());
  const fields = new Map<unknown, unknown>();
  for (let i = 0; i + 1 < deps.length; i += 2) {
    // As on the stream, the last of two fields with the same name counts.
    fields.set(deps[i], deps[i + 1]);
  }
  return fields;
}

/** @throws WeirError REQUEST_INVALID, PURCHASE_CONFLICT for another user than the entry names */
export function requireFitting(
  { origin, original }: ParkedDetail,
  { userId, acceptAmount }: ReplayOptions,
): void {
  if (acceptAmount !== undefined && origin !== 'PAYMENT') {
    throw new WeirError('REQUEST_INVALID', 'acceptAmount must be left out except for a payment');
  }
  if (userId === undefined) return;
  if (origin !== 'STREAM')
    throw new WeirError('REQUEST_INVALID', 'userId must be left out except for a stream entry');
  const named = readEntryFields(original).get('uid');
  if (parseInt64(named) !== undefined && named !== userId.toString()) {
    throw new WeirError('PURCHASE_CONFLICT', `userId must be left out: the entry names user ${named}`);
  }
}
