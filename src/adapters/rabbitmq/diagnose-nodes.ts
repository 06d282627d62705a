import type { ChannelModel } from 'amqplib';
import type { Finding } from '../../lib/finding.ts';
import { messageOf } from '../../lib/message-of.ts';
import { type BrokerAddress, type BrokerNode, connectTo, listNodes } from './nodes.ts';

const about = 'RabbitMQ';
const oldest = [3, 10];

/** A node that is reachable. The caller closes the connection. */
export interface LivingNode {
  node: BrokerNode;
  model: ChannelModel;
  version: string;
}

interface ServerProperties {
  version?: string;
  cluster_name?: string;
}

/** Whether each node is reachable, its version, and whether all are of one cluster. */
export async function diagnoseNodes(
  address: BrokerAddress,
): Promise<{ findings: Finding[]; living: LivingNode[] }> {
  const nodes = listNodes(address.url);
  const findings: Finding[] = [];
  const living: LivingNode[] = [];
  const clusters = new Set<string>();
  for (const node of nodes) {
    const subject = nodes.length > 1 ? `node ${node.name}: ` : '';
    try {
      const model = await connectTo(node, { tls: address.tls, among: nodes.length });
      model.on('error', () => {});
      const { version = '0.0', cluster_name = '' } = readProperties(model);
      living.push({ node, model, version });
      clusters.add(cluster_name);
      findings.push(diagnoseVersion(version, subject));
    } catch (error) {
      const what = `${subject}${messageOf(error)}`;
      const advice = adviceOn(messageOf(error), {
        isPlain:
          node.url.startsWith('amqp:') && Object.values(address.tls ?? {}).every((file) => file === ''),
        hasOthers: nodes.length > 1,
      });
      findings.push({ about, level: 'problem', what, advice });
    }
  }
  if (clusters.size > 1) {
    const what = `the nodes are of different clusters (${[...clusters].join(', ')}): each has queues of its own`;
    findings.push({
      about,
      level: 'problem',
      what,
      advice: 'list the nodes of one cluster in data.rabbitmq.url',
    });
  }
  return { findings, living };
}

function readProperties(model: ChannelModel): ServerProperties {
  return (model.connection as unknown as { serverProperties: ServerProperties }).serverProperties;
}

function adviceOn(message: string, { isPlain, hasOthers }: { isPlain: boolean; hasOthers: boolean }): string {
  if (message.startsWith('cannot read data.rabbitmq.tls')) return 'correct the path, or remove the setting';
  if (/ACCESS.REFUSED/.test(message)) return 'correct user and password in data.rabbitmq.url';
  if (message.startsWith('cannot open virtual host')) {
    return 'correct the path of data.rabbitmq.url, or run rabbitmqctl add_vhost and set_permissions';
  }
  if (/wrong version number/.test(message)) {
    return 'this port does not use TLS: write amqp:// in data.rabbitmq.url and unset data.rabbitmq.tls';
  }
  if (/alert|handshake failure|certificate required/i.test(message)) {
    return 'set data.rabbitmq.tls.cert and data.rabbitmq.tls.key where the server requires a client certificate';
  }
  if (/certificate|self.signed|issuer/i.test(message)) {
    return 'set data.rabbitmq.tls.ca to the certificate of the authority that signed the certificate of the server';
  }
  if (isPlain && /closed abruptly/.test(message)) {
    return 'check data.rabbitmq.url and that the node runs; amqps:// where it requires TLS';
  }
  if (hasOthers) return 'start the node, or correct data.rabbitmq.url; Weir uses the others meanwhile';
  return 'check data.rabbitmq.url and that the server runs';
}

function diagnoseVersion(version: string, subject: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldest;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) {
    return { about, level: 'ok', what: `${subject}reachable, version ${version}`, advice: '' };
  }
  return {
    about,
    level: 'problem',
    what: `${subject}version ${version} is too old`,
    advice: `use RabbitMQ ${oldest.join('.')} or newer`,
  };
}
