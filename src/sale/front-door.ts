import { WeirError } from '../errors.ts';
import type { ProductId, UserId } from '../instance/purchase.ts';
import { gather } from '../lib/gather.ts';
import { KnownSale } from './known-sale.ts';
import { isSigned, readTicket, signTicket, type Ticket } from './ticket.ts';
import type { Buyer, BuyOutcome, Refusal, TicketOutcome, Till } from './till.ts';

export interface Visitor {
  userId: UserId;
  idempotencyKey: string | undefined;
  /** As the buyer presented it. */
  ticket: string | undefined;
  traceparent?: string;
}

export interface FrontDoorOptions {
  /** Requests that wait for the store at most. */
  maxWaiting: number;
  /** Buyers in one step of the store at most. */
  maxBatch: number;
  nowMs?: () => number;
}

export type TicketAnswer =
  | { kind: 'given' | 'repeat'; ticket: string; admittedAtMs: number }
  | Exclude<TicketOutcome, { number: number }>;

export interface TicketStanding {
  ticket: Ticket;
  /** Visitors who are admitted before this one; 0 where the sale has no waiting room. */
  place: number;
  /** 0: admitted. */
  waitMs: number;
}

interface Entrance {
  known: KnownSale;
  buy: (buyer: Buyer) => Promise<BuyOutcome>;
}

const maxSalesKnown = 10_000;

/**
 * Stands before the till while thousands come at once. Who can only be refused is refused from memory; the others wait in a
 * queue of bounded length and reach the store many at a time.
 */
export class FrontDoor {
  readonly #till: Till;
  readonly #options: FrontDoorOptions;
  readonly #entrances = new Map<ProductId, Entrance>();
  #waiting = 0;

  constructor(till: Till, options: FrontDoorOptions) {
    this.#till = till;
    this.#options = options;
  }

  /** Requests that wait for the store. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The refusal that memory knows, at most a quarter of a second old; undefined: `buy` has to ask. */
  refuse(productId: ProductId, userId: UserId): Refusal | undefined {
    const known = this.#entrances.get(productId)?.known;
    return known?.isFresh ? known.refuse(userId) : undefined;
  }

  /** @throws WeirError OVERLOADED, STORE_AWAY */
  buy(productId: ProductId, visitor: Visitor): Promise<BuyOutcome> {
    return this.#wait(async () => {
      const { known, buy } = this.#enter(productId);
      if (!known.isFresh) await known.refresh();
      const refusal = known.refuse(visitor.userId);
      if (refusal) return { kind: refusal };
      const ticket = await this.#verify(known, productId, visitor.ticket);
      if (visitor.ticket !== undefined && ticket?.userId !== visitor.userId)
        return { kind: 'TICKET_INVALID' };
      return buy({ ...visitor, ticket });
    });
  }

  /** @throws WeirError OVERLOADED, STORE_AWAY */
  giveTicket(productId: ProductId, holder: { userId: UserId; unit: number }): Promise<TicketAnswer> {
    return this.#wait(async () => {
      const outcome = await this.#till.giveTicket(productId, holder);
      if (!('number' in outcome)) return outcome;
      const { kind, number, admittedAtMs, secret } = outcome;
      return {
        kind,
        admittedAtMs,
        ticket: signTicket({ productId, ...holder, number, admittedAtMs }, secret),
      };
    });
  }

  /** Where the holder of a ticket stands; undefined: it is not one of the present sale. @throws as `buy` */
  judgeTicket(productId: ProductId, text: string): Promise<TicketStanding | undefined> {
    return this.#wait(async () => {
      const { known } = this.#enter(productId);
      if (!known.isFresh) await known.refresh();
      const ticket = await this.#verify(known, productId, text);
      if (!ticket) return undefined;
      const waitMs = Math.max(0, ticket.admittedAtMs - known.storeMs);
      return { ticket, waitMs, place: known.countAdmittedBefore(ticket.admittedAtMs) };
    });
  }

  async #verify(
    known: KnownSale,
    productId: ProductId,
    text: string | undefined,
  ): Promise<Ticket | undefined> {
    const ticket = text === undefined ? undefined : readTicket(text);
    if (text === undefined || ticket?.productId !== productId) return undefined;
    // A sale that was opened a moment ago: its tickets are known to the store only.
    if (ticket.number > known.number && !known.isYoung) await known.refresh();
    if (ticket.number !== known.number || known.ticketSecret === undefined) return undefined;
    return isSigned(text, known.ticketSecret) ? ticket : undefined;
  }

  #enter(productId: ProductId): Entrance {
    let entrance = this.#entrances.get(productId);
    if (!entrance) {
      const { maxBatch, nowMs = () => performance.now() } = this.#options;
      entrance = {
        known: new KnownSale(this.#till, productId, nowMs),
        // Two at a time: while one is answered the next is on its way.
        buy: gather((buyers: Buyer[]) => this.#till.buy(productId, buyers), {
          maxItems: maxBatch,
          maxInFlight: 2,
        }),
      };
      const [oldest] = this.#entrances.size >= maxSalesKnown ? this.#entrances.keys() : [];
      if (oldest !== undefined) this.#entrances.delete(oldest);
      this.#entrances.set(productId, entrance);
    }
    return entrance;
  }

  async #wait<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= this.#options.maxWaiting) {
      throw new WeirError('OVERLOADED', `${this.#waiting} requests are waiting for the sale already`);
    }
    this.#waiting++;
    try {
      return await work();
    } finally {
      this.#waiting--;
    }
  }
}
