import type { Page, Parked, Product, Replayed } from '../../api/answers.ts';
import { get, post } from '../api.ts';
import { say } from '../language.ts';
import { pause } from '../live/pause.ts';
import { State } from '../parts/badge.tsx';
import { What } from '../parts/server-text.tsx';
import { writeRoute } from '../route.ts';
import { findProductOf } from './switch-product.tsx';
import type { TryLog } from './try-log.ts';

const askAgainMs = 200;
const firstMissingId = 9_001;
const reason = 'PRODUCT_NOT_FOUND';

/** A winner of a product that does not exist: what the server makes of it is what an operator would meet. */
export async function parkSomething(_: string, log: TryLog, signal: AbortSignal): Promise<void> {
  const productId = await findMissingId();
  const firstUserId = String(1 + Math.floor(Math.random() * 1_000_000_000));
  const sent = await post<{ firstStreamId: string; stream: string }>('try/seckill', {
    productId,
    firstUserId,
  });
  const tell = log.begin(say('try.sentUnknown', { productId }));
  tell(say('try.onStream'));
  while (!signal.aborted) {
    const { items } = await get<Page<Parked>>('parked', { reason, scope: sent.stream }, signal);
    const item = items.find(({ sourceId }) => sourceId === sent.firstStreamId);
    if (item) {
      return tell(
        <>
          <State of="PARKED" /> <a href={writeRoute('parked', item.id)}>#{item.id}</a>{' '}
          {say('reason.PRODUCT_NOT_FOUND')}
        </>,
      );
    }
    await pause(askAgainMs, signal);
  }
}

/** The advice next to the parked item. */
export async function createMissingProduct(_: string, log: TryLog): Promise<void> {
  const item = await findLatest();
  const id = item && findProductOf(item);
  if (!id) return log.begin(say('try.create'))(say('try.parkFirst'));
  await post('products', { id, name: `Demo ${id}`, cpus: 1, memoryMb: 1_024, image: 'ubuntu-22.04' });
  log.begin(say('try.created', { productId: id }))(say('try.nowReplay'));
}

export async function replayIt(_: string, log: TryLog): Promise<void> {
  const item = await findLatest();
  if (!item) return log.begin(say('try.replay'))(say('try.parkFirst'));
  const { state, code, detail, instanceId } = await post<Replayed>(`parked/${item.id}/replay`);
  log.begin(say('parked.itemTitle', { id: item.id }))(
    <>
      <State of={state ?? 'PARKED'} /> {state !== 'REPLAYED' && <What code={code} detail={detail} />}
      {instanceId && <a href={writeRoute('instances', instanceId)}>{instanceId}</a>}
    </>,
  );
}

async function findLatest(): Promise<Parked | undefined> {
  const { items } = await get<Page<Parked>>('parked', { reason, origin: 'STREAM' });
  return items.find(findProductOf);
}

async function findMissingId(): Promise<string> {
  const { items } = await get<Page<Product>>('products', { limit: 500 });
  const taken = new Set(items.map(({ id }) => id));
  let id = firstMissingId;
  while (taken.has(String(id))) id++;
  return String(id);
}
