import type { Instance, InstanceStatus, InstanceStory, Page } from '../../api/answers.ts';
import { call, get, Problem, post } from '../api.ts';
import { say, sayCode } from '../language.ts';
import { findSale } from '../live/find-sales.ts';
import { pause } from '../live/pause.ts';
import { State } from '../parts/badge.tsx';
import { writeRoute } from '../route.ts';
import type { Tell, TryLog } from './try-log.ts';

const askAgainMs = 100;
const smallStock = 5;
const failAttempts = 3;

/** One unit through the admission of a small sale, which is opened for it where none is open. */
export async function buyInSale(productId: string, log: TryLog, signal: AbortSignal): Promise<void> {
  const { streamId, tell } = await buy(productId, log);
  const instance = await untilInstance(productId, streamId, signal);
  if (instance) await followToEnd(instance.instanceId, tell, signal);
}

/** Where the Resource Domain was faster the instance is what it is, and another one is bought. */
export async function buyAndFail(productId: string, log: TryLog, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; attempt <= failAttempts && !signal.aborted; attempt++) {
    const { streamId, tell } = await buy(productId, log);
    const instance = await untilInstance(productId, streamId, signal);
    if (!instance) return;
    await failInstance(instance.instanceId);
    if ((await followToEnd(instance.instanceId, tell, signal)) !== 'SUCCESS') return;
    tell(
      <>
        <State of="SUCCESS" /> {say('try.tooLate')}
      </>,
    );
  }
}

/** By the Resource Domain where it is simulated; in the place of a real one, which may contradict, where it is not. */
async function failInstance(instanceId: string): Promise<void> {
  const { fails } = await post<{ fails: boolean }>('try/failure', { instanceId });
  if (fails) return;
  try {
    await post(`instances/${instanceId}/result`, { status: 'FAILED', reason: say('try.failReason') });
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 409) throw error;
  }
}

/** Not by the payment callback: it is signed where a secret is set, and this pays an order just as well. */
export async function orderAndPay(productId: string, log: TryLog, signal: AbortSignal): Promise<void> {
  const userId = someUser();
  const order = await post<{ id: string }>('orders', { productId, userId });
  const purchase = { source: 'ORDER', sourceId: order.id, productId, userId };
  const { instanceId } = await post<Instance>('instances', purchase);
  await followToEnd(instanceId, log.begin(say('try.ordered', { id: order.id })), signal);
}

export async function receiveGift(productId: string, log: TryLog, signal: AbortSignal): Promise<void> {
  const sourceId = `PAGE${Date.now()}`;
  const purchase = { source: 'ACTIVITY', sourceId, productId, userId: someUser() };
  const { instanceId } = await post<Instance>('instances', purchase);
  await followToEnd(instanceId, log.begin(say('try.given', { id: sourceId })), signal);
}

const winners = 200;

/** Winners straight on the stream, for something to see in the charts. */
export async function winMany(productId: string, log: TryLog): Promise<void> {
  await post('try/seckill', { productId, firstUserId: someUser(), count: winners });
  const tell = log.begin(say('try.won', { count: winners }));
  tell(<a href={writeRoute('now')}>{say('try.seeNow')}</a>);
}

async function buy(productId: string, log: TryLog): Promise<{ streamId: string; tell: Tell }> {
  await prepareSale(productId);
  const { streamId } = await post<{ streamId: string }>(`sales/${productId}/buy`, { userId: someUser() });
  const tell = log.begin(say('try.bought', { id: streamId }));
  tell(say('try.onStream'));
  return { streamId, tell };
}

/** Open, with a unit left, whatever it was before. */
async function prepareSale(productId: string): Promise<void> {
  const sale = await findSale(productId);
  const change = (body: object) => call('PATCH', `sales/${productId}`, { body });
  if (!sale || sale.state === 'ENDED') await post('sales', { productId, stock: smallStock });
  else if (sale.state === 'PAUSED') await change({ action: 'resume' });
  else if (sale.state === 'SOLD_OUT') await change({ addStock: smallStock });
}

/** Entry ids are unique for each stream only, so the product is looked at as well. */
async function untilInstance(
  productId: string,
  streamId: string,
  signal: AbortSignal,
): Promise<Instance | undefined> {
  while (!signal.aborted) {
    const query = { source: 'SECKILL', sourceId: streamId, productId };
    const [instance] = (await get<Page<Instance>>('instances', query, signal)).items;
    if (instance) return instance;
    await pause(askAgainMs, signal);
  }
  return undefined;
}

const ends = ['RESTOCKED', 'REFUND_REQUESTED', 'NOTHING_OWED'];

/** Until it is settled, and of a failed one until what is owed is restocked. Goes on while other buttons are used. */
async function followToEnd(
  instanceId: string,
  tell: Tell,
  signal: AbortSignal,
): Promise<InstanceStatus | undefined> {
  for (; !signal.aborted; await pause(askAgainMs, signal)) {
    const { status, timeline } = await get<InstanceStory>(`instances/${instanceId}`, {}, signal);
    const back = timeline.findLast(({ step }) => ends.includes(step));
    tell(
      <>
        <State of={status} /> <a href={writeRoute('instances', instanceId)}>{instanceId}</a>{' '}
        {back && sayCode('back', back.step)}
      </>,
    );
    if (status === 'SUCCESS' || back) return status;
  }
  return undefined;
}

function someUser(): string {
  return String(1 + Math.floor(Math.random() * 1_000_000_000));
}
