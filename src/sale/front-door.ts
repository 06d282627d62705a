import { WeirError } from '../errors.ts';
import type { ProductId, UserId } from '../instance/purchase.ts';
import { gather } from '../lib/gather.ts';
import { BuyerBudget, KnownSale } from './known-sale.ts';
import { rebuildingError } from './rebuilding-error.ts';
import { isSigned, readTicket, signTicket, type Ticket } from './ticket.ts';
import type { Buyer, BuyOutcome, Refusal, TicketOutcome, Till, TillOutcome } from './till.ts';

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
  /** false: of an earlier sale of the product. */
  isPresent: boolean;
  /** Visitors who are admitted before this one; 0 where the sale has no waiting room. */
  place: number;
  /** 0: admitted. */
  waitMs: number;
}

interface Entrance {
  known: KnownSale;
  /** Of earlier sales, as far as their tickets were shown. */
  secrets: Map<number, string | undefined>;
  buy: (buyer: Buyer) => Promise<TillOutcome>;
}

const maxSalesKnown = 10_000;
const maxSecretsKnown = 100;

/**
 * Stands before the till while thousands come at once. Who can only be refused is refused from memory; the others wait in a
 * queue of bounded length and reach the store many at a time.
 */
export class FrontDoor {
  readonly #till: Till;
  readonly #options: FrontDoorOptions;
  readonly #entrances = new Map<ProductId, Entrance>();
  readonly #budget = new BuyerBudget();
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
  refuse(productId: ProductId, visitor: Pick<Visitor, 'userId' | 'ticket'>): Refusal | undefined {
    const known = this.#entrances.get(productId)?.known;
    return known?.isFresh ? judge(known, visitor) : undefined;
  }

  /** @throws WeirError OVERLOADED, STORE_AWAY */
  buy(productId: ProductId, visitor: Visitor): Promise<BuyOutcome> {
    return this.#wait(async () => {
      const { known, buy, secrets } = this.#enter(productId);
      if (!known.isFresh) await known.refresh();
      const refusal = judge(known, visitor);
      if (refusal) return { kind: refusal };
      const ticket = await this.#verify(known, secrets, productId, visitor.ticket);
      if (visitor.ticket !== undefined && ticket?.userId !== visitor.userId)
        return { kind: 'TICKET_INVALID' };
      const outcome = await buy({ ...visitor, ticket });
      if (outcome.kind === 'REBUILDING') throw rebuildingError();
      return outcome;
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

  /** Where the holder of a ticket stands; undefined: it is not a ticket of this product's sales. @throws as `buy` */
  judgeTicket(productId: ProductId, text: string): Promise<TicketStanding | undefined> {
    return this.#wait(async () => {
      const { known, secrets } = this.#enter(productId);
      if (!known.isFresh) await known.refresh();
      const ticket = await this.#verify(known, secrets, productId, text);
      if (!ticket) return undefined;
      const isPresent = ticket.number === known.number;
      const waitMs = Math.max(0, ticket.admittedAtMs - known.storeMs);
      return { ticket, isPresent, waitMs, place: known.countAdmittedBefore(ticket.admittedAtMs) };
    });
  }

  async #verify(
    known: KnownSale,
    secrets: Entrance['secrets'],
    productId: ProductId,
    text: string | undefined,
  ): Promise<Ticket | undefined> {
    const ticket = text === undefined ? undefined : readTicket(text);
    if (text === undefined || ticket?.productId !== productId) return undefined;
    // A sale that was opened a moment ago: its tickets are known to the store only.
    if (ticket.number > known.number && !known.isYoung) await known.refresh();
    const secret =
      ticket.number < known.number
        ? await this.#findSecret(secrets, productId, ticket.number)
        : ticket.number === known.number
          ? known.ticketSecret
          : undefined;
    return secret !== undefined && isSigned(text, secret) ? ticket : undefined;
  }

  /** The holder of an earlier ticket that bought something gets the entry, whatever is on sale now. */
  async #findSecret(
    secrets: Entrance['secrets'],
    productId: ProductId,
    number: number,
  ): Promise<string | undefined> {
    if (!secrets.has(number)) {
      const secret = await this.#till.findSecret(productId, number);
      const [oldest] = secrets.size >= maxSecretsKnown ? secrets.keys() : [];
      if (oldest !== undefined) secrets.delete(oldest);
      secrets.set(number, secret);
    }
    return secrets.get(number);
  }

  #enter(productId: ProductId): Entrance {
    let entrance = this.#entrances.get(productId);
    if (!entrance) {
      const { maxBatch, nowMs = () => performance.now() } = this.#options;
      entrance = {
        known: new KnownSale(this.#till, productId, nowMs, this.#budget),
        secrets: new Map(),
        // Two at a time: while one is answered the next is on its way.
        buy: gather((buyers: Buyer[]) => this.#till.buy(productId, buyers), {
          maxItems: maxBatch,
          maxInFlight: 2,
        }),
      };
      const [oldest] = this.#entrances.size >= maxSalesKnown ? this.#entrances.keys() : [];
      if (oldest !== undefined) {
        this.#entrances.get(oldest)?.known.forgetBuyers();
        this.#entrances.delete(oldest);
      }
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

/** A ticket of an earlier sale may have bought an entry, which the store alone knows. */
function judge(
  known: KnownSale,
  { userId, ticket }: Pick<Visitor, 'userId' | 'ticket'>,
): Refusal | undefined {
  const refusal = known.refuse(userId);
  if (refusal === undefined || ticket === undefined) return refusal;
  const number = readTicket(ticket)?.number ?? 0;
  return number > 0 && number < known.number ? undefined : refusal;
}
