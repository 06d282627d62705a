import underPressure from '@fastify/under-pressure';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config.ts';
import { WeirError } from '../errors.ts';
import { addBuy, type BuyParts } from './buy.ts';
import { addPurchases, type PurchaseParts } from './purchases.ts';
import { addTicketStanding } from './tickets.ts';

export interface BuyerParts extends BuyParts, PurchaseParts {
  config: Config;
}

/** What thousands ask for in the same second: shed first when the process cannot keep up. */
export async function addBuyers(http: FastifyInstance, parts: BuyerParts): Promise<void> {
  await http.register(underPressure, {
    maxEventLoopDelay: parts.config.saleMaxLoopDelayMs,
    sampleInterval: 250,
    pressureHandler: (_, __, type, value) => {
      throw new WeirError('OVERLOADED', `this process cannot keep up: ${type} ${Math.round(value ?? 0)}`);
    },
  });
  addBuy(http, parts);
  addTicketStanding(http, parts);
  addPurchases(http, parts);
}
