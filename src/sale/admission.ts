import type { ProductId, UserId } from '../core/instance/purchase.ts';
import { WeirError } from '../errors.ts';
import { ConcurrencyLimit } from '../lib/concurrency-limit.ts';
import type { BuyOutcome, Checkout, Refusal, TicketOutcome } from './checkout.ts';
import { EarlierSecrets } from './earlier-secrets.ts';
import { type Entrance, Entrances } from './entrances.ts';
import { rebuildingError } from './rebuilding-error.ts';
import type { SaleCache } from './sale-cache.ts';
import { isSigned, readTicket, signTicket, type Ticket } from './ticket.ts';

export interface Visitor {
  userId: UserId;
  idempotencyKey: string | undefined;
  /** The ticket as presented by the buyer. */
  ticket: string | undefined;
  traceparent?: string;
}

interface AdmissionOptions {
  /** Maximum number of requests waiting for the store. */
  maxWaiting: number;
  /** Maximum number of buyers in one call to the store. */
  maxBatch: number;
  nowMs?: () => number;
}

type TicketAnswer =
  | { kind: 'given' | 'repeat'; ticket: string; admittedAtMs: number }
  | Exclude<TicketOutcome, { number: number }>;

interface TicketStanding {
  ticket: Ticket;
  /** false: the ticket belongs to an earlier sale of the product. */
  isPresent: boolean;
  /** Visitors admitted before this one; 0 without a waiting room. */
  place: number;
  /** Milliseconds until admission; 0: admitted. */
  waitMs: number;
}

/** A visitor with a verified ticket, whom neither memory nor the store has refused. */
interface Admitted {
  entrance: Entrance;
  ticket: Ticket | undefined;
}

/**
 * Shields the checkout from a flood of requests. Refusals are answered from memory; other requests wait in a
 * bounded queue and reach the store in batches. A request with only a ticket has the ticket verified before
 * it enters the queue, so forged tickets cannot fill it.
 */
export class Admission {
  readonly #checkout: Checkout;
  readonly #entrances: Entrances;
  readonly #secrets: EarlierSecrets;
  readonly #queue: ConcurrencyLimit;
  readonly #strangers: ConcurrencyLimit;

  constructor(
    checkout: Checkout,
    { maxWaiting, maxBatch, nowMs = () => performance.now() }: AdmissionOptions,
  ) {
    this.#checkout = checkout;
    this.#entrances = new Entrances(checkout, { maxBatch, nowMs });
    this.#secrets = new EarlierSecrets(checkout);
    const refuse = (count: number) =>
      new WeirError('OVERLOADED', `${count} requests already wait for the sale`);
    this.#queue = new ConcurrencyLimit(maxWaiting, refuse);
    this.#strangers = new ConcurrencyLimit(maxWaiting, refuse);
  }

  /** Number of requests waiting for the store. */
  get waiting(): number {
    return this.#queue.running;
  }

  /** Returns a refusal known from memory, at most 250 ms old; undefined: only the store can decide. */
  refuse(productId: ProductId, visitor: Pick<Visitor, 'userId' | 'ticket'>): Refusal | undefined {
    const known = this.#entrances.find(productId)?.known;
    return known?.isFresh ? judge(known, visitor) : undefined;
  }

  /**
   * Buys for a visitor whose request carries a key.
   * @throws WeirError OVERLOADED, STORE_UNAVAILABLE
   */
  buy(productId: ProductId, visitor: Visitor): Promise<BuyOutcome> {
    return this.#queue.run(async () => {
      const admitted = await this.#admit(productId, visitor, false);
      return 'kind' in admitted ? admitted : sell(admitted, visitor);
    });
  }

  /**
   * Buys for a visitor who has only a ticket.
   * @param onVerified called before the visitor enters the queue; an error it throws rejects the visitor
   * @throws WeirError OVERLOADED, STORE_UNAVAILABLE
   */
  async buyByTicket(
    productId: ProductId,
    visitor: Visitor & { ticket: string },
    onVerified: () => void,
  ): Promise<BuyOutcome> {
    const ticket = readTicketOf(productId, visitor.ticket);
    if (ticket?.userId !== visitor.userId) return { kind: 'TICKET_INVALID' };
    const entrance = this.#findGenuine(ticket, visitor.ticket);
    const admitted = entrance
      ? { entrance, ticket }
      : await this.#strangers.run(() => this.#admit(productId, visitor, true));
    if ('kind' in admitted) return admitted;
    onVerified();
    return this.#queue.run(() => sell(admitted, visitor));
  }

  /** @throws WeirError OVERLOADED, STORE_UNAVAILABLE */
  issueTicket(productId: ProductId, holder: { userId: UserId; unit: number }): Promise<TicketAnswer> {
    return this.#queue.run(async () => {
      const outcome = await this.#checkout.issueTicket(productId, holder);
      if (!('number' in outcome)) return outcome;
      this.#entrances.addProduct(productId);
      const { kind, number, admittedAtMs, secret } = outcome;
      return {
        kind,
        admittedAtMs,
        ticket: signTicket({ productId, ...holder, number, admittedAtMs }, secret),
      };
    });
  }

  /**
   * Returns the position of a ticket's holder; undefined: not a ticket of this product's sales.
   * @throws as `buy`
   */
  async checkTicket(productId: ProductId, text: string): Promise<TicketStanding | undefined> {
    const ticket = readTicketOf(productId, text);
    if (!ticket) return undefined;
    const entrance =
      this.#findGenuine(ticket, text) ??
      (await this.#strangers.run(async () => {
        const entered = await this.#entrances.enter(productId, true);
        return entered && (await this.#isGenuine(entered, ticket, text)) ? entered : undefined;
      }));
    if (!entrance) return undefined;
    const { known } = entrance;
    const isPresent = ticket.number === known.number;
    const waitMs = Math.max(0, ticket.admittedAtMs - known.storeMs);
    return { ticket, isPresent, waitMs, place: known.countAdmittedBefore(ticket.admittedAtMs) };
  }

  async #admit(
    productId: ProductId,
    visitor: Visitor,
    isStranger: boolean,
  ): Promise<Admitted | { kind: Refusal }> {
    const entrance = await this.#entrances.enter(productId, isStranger);
    const refusal = entrance ? judge(entrance.known, visitor) : 'SALE_NOT_FOUND';
    if (!entrance || refusal) return { kind: refusal ?? 'SALE_NOT_FOUND' };
    if (visitor.ticket === undefined) return { entrance, ticket: undefined };
    const ticket = readTicketOf(productId, visitor.ticket);
    if (ticket?.userId !== visitor.userId) return { kind: 'TICKET_INVALID' };
    const isGenuine = await this.#isGenuine(entrance, ticket, visitor.ticket);
    return isGenuine ? { entrance, ticket } : { kind: 'TICKET_INVALID' };
  }

  /**
   * Almost always without a call to the store while a sale runs, so that forged tickets do not delay valid
   * ones.
   */
  #findGenuine(ticket: Ticket, text: string): Entrance | undefined {
    const entrance = this.#entrances.find(ticket.productId);
    const isKnown = entrance?.known.isFresh && ticket.number === entrance.known.number;
    return isKnown && isSignedBy(entrance.known.ticketSecret, text) ? entrance : undefined;
  }

  async #isGenuine({ known }: Entrance, ticket: Ticket, text: string): Promise<boolean> {
    // The sale was opened moments ago: only the store knows its tickets.
    if (ticket.number > known.number && !known.isYoung) await known.refresh();
    if (ticket.number === known.number) return isSignedBy(known.ticketSecret, text);
    // The holder of an earlier ticket that bought something gets that entry, whatever is on sale now.
    if (ticket.number > known.number) return false;
    return isSignedBy(await this.#secrets.find(ticket.productId, ticket.number), text);
  }
}

async function sell({ entrance, ticket }: Admitted, visitor: Visitor): Promise<BuyOutcome> {
  const outcome = await entrance.buy({ ...visitor, ticket });
  if (outcome.kind === 'REBUILDING') throw rebuildingError();
  return outcome;
}

function readTicketOf(productId: ProductId, text: string): Ticket | undefined {
  const ticket = readTicket(text);
  return ticket?.productId === productId ? ticket : undefined;
}

function isSignedBy(secret: string | undefined, text: string): boolean {
  return secret !== undefined && isSigned(text, secret);
}

/** A ticket of an earlier sale may have bought an entry, which only the store knows. */
function judge(
  known: SaleCache,
  { userId, ticket }: Pick<Visitor, 'userId' | 'ticket'>,
): Refusal | undefined {
  const refusal = known.refuse(userId);
  if (refusal === undefined || ticket === undefined) return refusal;
  const number = readTicket(ticket)?.number ?? 0;
  return number > 0 && number < known.number ? undefined : refusal;
}
