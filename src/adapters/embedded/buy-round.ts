import type { Buyer, Refusal } from '../../sale/checkout.ts';
import { needsTicket, stateOfSale } from '../../sale/sale.ts';
import { type SaleRow, toStored } from './sale-row.ts';

export interface Earlier {
  /** How many units a buyer holds, and the buyer's last entry. */
  held: Map<string, { count: number; entry: string }>;
  /** From buyer and idempotency key to the resulting entry. */
  keys: Map<string, string>;
  /** From ticket to the entry that it bought, and whether that unit was restocked. */
  used: Map<string, { entry: string; isBack: boolean }>;
}

/** `ordinal`: position among the units sold in this round. */
type Decision =
  | { refusal: Refusal }
  | { kind: 'repeat'; entry: string }
  | { kind: 'accepted' | 'repeat'; ordinal: number };

/** The buyers of one transaction, in order: each sees what the previous ones have bought. */
export class BuyRound {
  readonly sold: Buyer[] = [];
  readonly #closed: Refusal | undefined;
  readonly #row: SaleRow;
  readonly #earlier: Earlier;
  readonly #lastOf = new Map<string, number>();
  readonly #byKey = new Map<string, number>();

  constructor(row: SaleRow, earlier: Earlier) {
    this.#row = row;
    this.#earlier = earlier;
    const state = stateOfSale(toStored(row), row.now.getTime());
    if (state === 'SCHEDULED') this.#closed = 'NOT_STARTED';
    else if (state === 'PAUSED' || state === 'ENDED') this.#closed = state;
  }

  decide(buyer: Buyer): Decision {
    const user = buyer.userId.toString();
    const key = keyOf(buyer);
    const known = this.#findUsed(buyer.ticket) ?? this.#findKnown(user, key && `${user} ${key}`);
    if (known) return known;
    const refusal = this.#closed ?? this.#checkTicket(buyer) ?? this.#checkStock(user);
    if (refusal) return { refusal };
    const ordinal = this.sold.push(buyer) - 1;
    this.#lastOf.set(user, ordinal);
    if (key) this.#byKey.set(`${user} ${key}`, ordinal);
    return { kind: 'accepted', ordinal };
  }

  /** When its unit was restocked, a ticket is valid for another one while the sale is open. */
  #findUsed(ticket: Buyer['ticket']): Decision | undefined {
    const used = ticket && this.#earlier.used.get(nameTicket(ticket));
    if (!used) return undefined;
    const buysAgain = used.isBack && ticket.number === this.#row.number && this.#closed === undefined;
    return buysAgain ? undefined : { kind: 'repeat', entry: used.entry };
  }

  #findKnown(user: string, key: string | undefined): Decision | undefined {
    const ofKey = key === undefined ? undefined : this.#earlier.keys.get(key);
    if (ofKey !== undefined) return { kind: 'repeat', entry: ofKey };
    const now = key === undefined ? undefined : this.#byKey.get(key);
    if (now !== undefined) return { kind: 'repeat', ordinal: now };
    if (this.#row.per_user_limit !== 1) return undefined;
    const last = this.#lastOf.get(user);
    if (last !== undefined) return { kind: 'repeat', ordinal: last };
    const held = this.#earlier.held.get(user);
    return held && held.count > 0 ? { kind: 'repeat', entry: held.entry } : undefined;
  }

  #checkTicket({ ticket }: Buyer): Refusal | undefined {
    if (!needsTicket(toStored(this.#row))) return undefined;
    if (!ticket) return 'TICKET_REQUIRED';
    if (ticket.number !== this.#row.number) return 'TICKET_INVALID';
    return ticket.admittedAtMs > this.#row.now.getTime() ? 'NOT_ADMITTED' : undefined;
  }

  #checkStock(user: string): Refusal | undefined {
    const bought = this.sold.filter(({ userId }) => userId.toString() === user).length;
    const held = (this.#earlier.held.get(user)?.count ?? 0) + bought;
    if (held >= this.#row.per_user_limit) return 'LIMIT_REACHED';
    const left = Number(this.#row.remaining) + Number(this.#row.restocked) - this.sold.length;
    return left > 0 ? undefined : 'SOLD_OUT';
  }
}

/** Identifies a purchase of a user within one round. One ticket is one purchase, however often it is used. */
function keyOf({ ticket, idempotencyKey }: Buyer): string | undefined {
  if (ticket) return `ticket:${ticket.number}.${ticket.unit}`;
  return idempotencyKey === undefined ? undefined : `key:${idempotencyKey}`;
}

function nameTicket({ number, userId, unit }: NonNullable<Buyer['ticket']>): string {
  return `${number}.${userId}.${unit}`;
}
