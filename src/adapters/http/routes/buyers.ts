import type { FastifyInstance } from 'fastify';
import type { Config } from '../../../config/config.ts';
import { WeirError } from '../../../errors.ts';
import { LoopLag } from '../../../lib/loop-lag.ts';
import { addBuy, type BuyDeps } from './buy.ts';
import { addPurchases, type PurchaseDeps } from './purchases.ts';
import { addTicketStanding } from './tickets.ts';

export interface BuyerDeps extends BuyDeps, PurchaseDeps {
  config: Config;
}

/** What thousands ask for in the same second: shed first when the process cannot keep up. */
export async function addBuyers(http: FastifyInstance, deps: BuyerDeps): Promise<void> {
  const lag = new LoopLag();
  const { saleMaxLoopDelayMs } = deps.config;
  http.addHook('onClose', async () => lag.close());
  http.addHook('onRequest', (_, __, done) => {
    const { lateMs } = lag;
    if (lateMs <= saleMaxLoopDelayMs) return done();
    done(new WeirError('OVERLOADED', `this process is ${Math.round(lateMs)} ms late`));
  });
  addBuy(http, deps);
  addTicketStanding(http, deps);
  addPurchases(http, deps);
}
