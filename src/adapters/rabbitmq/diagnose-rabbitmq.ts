import type { ChannelModel } from 'amqplib';
import type { Finding } from '../../lib/finding.ts';
import { messageOf } from '../../lib/message-of.ts';
import type { TlsFiles } from '../../lib/tls-files.ts';
import { diagnoseNodes, type LivingNode } from './diagnose-nodes.ts';
import { diagnoseQueue } from './diagnose-queue.ts';
import { managementAddress, type QueuePolicies, readPolicies, vhostOf } from './management.ts';
import { listNodes } from './nodes.ts';
import type { QueueTerms } from './queue.ts';
import { type QueueFacts, readQueueFacts } from './queue-facts.ts';
import { readCounts } from './queue-reader.ts';
import { withTls } from './tls.ts';

const about = 'RabbitMQ';

interface DiagnoseOptions extends QueueTerms {
  /** The address of one node, or of several (`listHosts`). */
  url: string;
  tls: TlsFiles;
  managementUrl: string;
  queues: readonly string[];
  /** Queues of events under another `data.rabbitmq.queues`, the numbered ones in order. */
  leftovers?: readonly string[];
}

/**
 * Reachability and version of each node, and every way in which a queue can lose a message. Creates missing
 * queues.
 */
export async function diagnoseRabbitmq(options: DiagnoseOptions): Promise<Finding[]> {
  const { findings, living } = await diagnoseNodes(options);
  const [first] = living;
  try {
    if (!first) return findings;
    const ofQueues = await diagnoseQueues(first, options);
    return [...findings, ...ofQueues, ...(await diagnoseLeftovers(first.model, options.leftovers ?? []))];
  } catch (error) {
    const what = `the queues cannot be checked: ${messageOf(error)}`;
    return [...findings, { about, level: 'problem', what, advice: 'look at the log of the broker' }];
  } finally {
    await Promise.all(living.map(({ model }) => model.close().catch(() => {})));
  }
}

async function diagnoseQueues(
  { node, model, version }: LivingNode,
  options: DiagnoseOptions,
): Promise<Finding[]> {
  const { managementUrl, deadLetterQueue } = options;
  const { url, options: tls } = withTls(node.url, options.tls);
  const vhost = vhostOf(url);
  const findings: Finding[] = [];
  let unseen: string | undefined;
  for (const queue of options.queues) {
    const facts = await readQueueFacts(model, queue, options);
    let policies: Partial<QueuePolicies> = {};
    try {
      if (unseen === undefined) policies = await readPolicies({ url, managementUrl, tls }, queue);
    } catch (error) {
      unseen = (error as Error).message || String((error as { code?: string }).code);
    }
    const brokerMajor = Number.parseInt(version, 10);
    findings.push(diagnoseQueue({ facts, deadLetterQueue, vhost, brokerMajor, ...policies }));
    findings.push(...diagnoseCopies(queue, facts, policies.members, listNodes(options.url).length));
  }
  if (unseen !== undefined) {
    const address = managementAddress({ url, managementUrl, tls });
    const what =
      `policies cannot be read without the management plugin (${address}: ${unseen}); ` +
      'check rabbitmqctl list_policies and list_operator_policies for message-ttl, expires, max-length, delivery-limit';
    findings.push({ about, level: 'ok', what, advice: '' });
  }
  return findings;
}

const copiesWanted = 3;

/** Whether a queue survives the loss of a node, where there are several. */
function diagnoseCopies(
  queue: string,
  facts: QueueFacts,
  members: readonly string[] | undefined,
  nodes: number,
): Finding[] {
  if (nodes === 1) return [];
  if (facts.arguments['x-queue-type'] !== 'quorum') {
    const what = `queue ${queue} is on one node: it is unavailable while that node is down`;
    const advice = 'use quorum queues: when it is empty delete it, set data.rabbitmq.queueType to quorum';
    return [{ about, level: 'warning', what, advice }];
  }
  const wanted = Math.min(copiesWanted, nodes);
  if (members === undefined || members.length >= wanted) return [];
  const what = `queue ${queue} has ${members.length} of ${wanted} copies: it is unavailable while the node of one is down`;
  return [
    { about, level: 'warning', what, advice: 'run rabbitmq-queues grow NODE all for each further node' },
  ];
}

/** Numbered queues are contiguous: after the first missing one there are no more. */
async function diagnoseLeftovers(model: ChannelModel, names: readonly string[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of names) {
    const counts = await readCounts(model, name);
    if (!counts && /\.\d+$/.test(name)) break;
    if (!counts || counts.ready === 0) continue;
    const what = `queue ${name} holds ${counts.ready} events that Weir published there under another data.rabbitmq.queues`;
    const advice = 'let a consumer read it until it is empty (docs/events.md, Several queues)';
    findings.push({ about, level: 'warning', what, advice });
  }
  return findings;
}
