import calculateSlot from 'cluster-key-slot';
import { usualTag } from '../sale-keys.ts';

const slotCount = 16_384;

/** A range of CLUSTER SLOTS: first slot, last slot, its primary, its replicas; each host, port, id. */
export type SlotRange = [first: number, last: number, primary: Node, ...replicas: Node[]];
type Node = [host: string | null, port: number, ...rest: unknown[]];

/** Which node serves which slot. Nodes are named `host:port`. */
export class SlotMap {
  readonly #primaries: (string | undefined)[] = new Array(slotCount).fill(undefined);
  readonly #tags = new Map<string, string>();
  /** Primaries that serve a slot. */
  readonly primaries = new Set<string>();
  /** Every node, replicas too. */
  readonly nodes = new Set<string>();
  /** The cluster's epoch: of two maps the one with the higher is newer. */
  readonly epoch: number;
  /** How many nodes the cluster has, in any state; the slots name only replicas that have received data. */
  readonly knownNodes: number;

  /** `askedHost`: a node that does not know its own address leaves it out. */
  constructor(ranges: readonly SlotRange[], askedHost: string, epoch: number, knownNodes: number) {
    this.epoch = epoch;
    this.knownNodes = knownNodes;
    for (const [first, last, primary, ...replicas] of ranges) {
      const name = nameOf(primary, askedHost);
      this.primaries.add(name);
      this.#primaries.fill(name, first, last + 1);
      for (const node of [primary, ...replicas]) this.nodes.add(nameOf(node, askedHost));
    }
  }

  primaryOf(key: string): string | undefined {
    return this.#primaries[calculateSlot(key)];
  }

  /** Slots that no node serves. */
  get missing(): number {
    let missing = 0;
    for (const primary of this.#primaries) if (primary === undefined) missing++;
    return missing;
  }

  /**
   * What keys of this node may begin with: an ACL for sales allows it, and no product has an id below 1. Of a node that serves
   * no slot there is no such key.
   */
  tagOf(node: string): string {
    const known = this.#tags.get(node);
    if (known !== undefined || !this.primaries.has(node)) return known ?? usualTag;
    for (let i = 0; ; i++) {
      const tag = i === 0 ? usualTag : `{stream:seckill:0.${i}}`;
      if (this.primaryOf(tag) !== node) continue;
      this.#tags.set(node, tag);
      return tag;
    }
  }

  /** Whether every slot has the same primary. */
  equals(other: SlotMap): boolean {
    return this.#primaries.every((primary, slot) => primary === other.#primaries[slot]);
  }
}

function nameOf([host, port]: Node, askedHost: string): string {
  const known = host === null || host === '' || host === '?' ? askedHost : host;
  return `${known.includes(':') ? `[${known}]` : known}:${port}`;
}
