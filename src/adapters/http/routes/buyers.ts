import type { FastifyInstance } from 'fastify';
import { WeirError } from '../../../errors.ts';
import type { LoopLag } from '../../../lib/loop-lag.ts';
import { addBuy, type BuyDeps } from './buy.ts';
import { addPurchases, type PurchaseDeps } from './purchases.ts';
import { addTicketStanding } from './tickets.ts';

export interface BuyerDeps extends BuyDeps, PurchaseDeps {
  /** Above this delay of the event loop a buyer gets 503. */
  maxLoopDelayMs: number;
  lag: LoopLag;
}

/** The routes that thousands call in the same second: shed first when the process cannot keep up. */
export async function addBuyers(http: FastifyInstance, deps: BuyerDeps): Promise<void> {
  http.addHook('onRequest', (_, __, done) => {
    const { lateMs } = deps.lag;
    if (lateMs <= deps.maxLoopDelayMs) return done();
    done(new WeirError('OVERLOADED', `overloaded: the event loop is ${Math.round(lateMs)} ms behind`));
  });
  addBuy(http, deps);
  addTicketStanding(http, deps);
  addPurchases(http, deps);
}
