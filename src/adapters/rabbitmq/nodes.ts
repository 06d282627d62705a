import { type ChannelModel, connect } from 'amqplib';
import { ignoreLateTlsErrors } from '../../lib/late-tls-errors.ts';
import { listHosts, nameHost } from '../../lib/list-hosts.ts';
import { messageOf } from '../../lib/message-of.ts';
import type { TlsFiles } from '../../lib/tls-files.ts';
import { vhostOf } from './management.ts';
import { withTls } from './tls.ts';

/** A node of a broker. */
export interface BrokerNode {
  /** Host and port as configured, without credentials. */
  name: string;
  url: string;
}

export interface BrokerAddress {
  /** The address of one node, or of several (`listHosts`). */
  url: string;
  tls?: TlsFiles | undefined;
}

/** A node that failed or blocked its publishers within this is no better than the current one. */
const troubleMs = 60_000;
/** Where there are other nodes, a silent one is given up earlier. */
const timeoutMs = { alone: 5_000, amongOthers: 3_000 };
/** A connection is given up after two of these without a sign of life. */
const heartbeatSeconds = { alone: 10, amongOthers: 5 };

export function listNodes(url: string): BrokerNode[] {
  return listHosts(url).map((each) => ({ name: nameHost(each), url: each }));
}

/** The order in which one connection tries the nodes; it starts at a random one, so that replicas spread. */
export class NodeOrder {
  readonly #nodes: readonly BrokerNode[];
  readonly #nowMs: () => number;
  readonly #troubles = new Map<BrokerNode, { why: string; atMs: number }>();
  #at: number;
  #workedAtMs = Number.NEGATIVE_INFINITY;

  constructor(url: string, random = Math.random, nowMs = () => performance.now()) {
    this.#nodes = listNodes(url);
    this.#nowMs = nowMs;
    this.#at = Math.floor(random() * this.#nodes.length);
  }

  get count(): number {
    return this.#nodes.length;
  }

  get current(): BrokerNode {
    return this.#nodes[this.#at] as BrokerNode;
  }

  /** Records why the current node is not used. */
  note(why: string): void {
    this.#troubles.set(this.current, { why, atMs: this.#nowMs() });
  }

  /** Records that the current node works. */
  clear(): void {
    this.#troubles.delete(this.current);
    this.#workedAtMs = this.#nowMs();
  }

  moveOn(): void {
    this.#at = (this.#at + 1) % this.#nodes.length;
  }

  /** Whether another node has not failed or blocked lately. */
  hasBetter(): boolean {
    const sinceMs = this.#nowMs() - troubleMs;
    return this.#nodes.some(
      (node) =>
        node !== this.current && (this.#troubles.get(node)?.atMs ?? Number.NEGATIVE_INFINITY) < sinceMs,
    );
  }

  /** Each node that has failed since one worked, with the reason. */
  explain(): string {
    return [...this.#troubles]
      .filter(([, { atMs }]) => atMs >= this.#workedAtMs)
      .map(([{ name }, { why }]) => `${name}: ${why}`)
      .join('; ');
  }
}

/** `among`: the number of nodes. @throws one sentence */
export async function connectTo(
  node: BrokerNode,
  { tls, among }: { tls: TlsFiles | undefined; among: number },
): Promise<ChannelModel> {
  const which = among > 1 ? 'amongOthers' : 'alone';
  // Read on each attempt: certificates are renewed while the process runs.
  const { url, options } = withTls(node.url, tls);
  ignoreLateTlsErrors();
  try {
    return await connect(withHeartbeat(url, heartbeatSeconds[which]), {
      ...options,
      timeout: timeoutMs[which],
      keepAlive: true,
      noDelay: true,
    });
  } catch (error) {
    if (!closedOnOpen.test(messageOf(error))) throw error;
    const vhost = vhostOf(url);
    throw new Error(`cannot open virtual host ${vhost}: it does not exist, or the user may not use it`, {
      cause: error,
    });
  }
}

/** amqplib hides the reason for which the broker refuses the virtual host. */
const closedOnOpen = /ConnectionOpenOk; got <ConnectionClose/;

/** Connects to the first usable node. @throws one sentence that names every node when none is */
export async function connectToAny({
  url,
  tls,
}: BrokerAddress): Promise<{ model: ChannelModel; node: BrokerNode }> {
  const nodes = listNodes(url);
  const failures: { node: BrokerNode; error: unknown }[] = [];
  for (const node of nodes) {
    try {
      const model = await connectTo(node, { tls, among: nodes.length });
      model.on('error', () => {});
      return { model, node };
    } catch (error) {
      failures.push({ node, error });
    }
  }
  const [first] = failures;
  if (failures.length === 1) throw first?.error;
  const each = failures.map(({ node, error }) => `${node.name}: ${messageOf(error)}`);
  throw new Error(`no node of RabbitMQ can be used: ${each.join('; ')}`, { cause: first?.error });
}

function withHeartbeat(url: string, seconds: number): string {
  const parsed = new URL(url);
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', String(seconds));
  return parsed.href;
}
