import { readFileSync } from 'node:fs';

// test/vectors/wire-contract.md is the contract; nothing of it is repeated here.
const contract = readFileSync(new URL('../vectors/wire-contract.md', import.meta.url), 'utf8');

export interface UserIdVector {
  userId: bigint;
  uuid: string;
}

/** The rows of the table of user ids: those with a UUID, and the rejected ones. */
export function readUserIdVectors(): { accepted: UserIdVector[]; refused: bigint[] } {
  const rows = [...contract.matchAll(/^\| *(.+?) *\| *(.+?) *\|$/gm)].slice(1);
  const accepted: UserIdVector[] = [];
  const refused: bigint[] = [];
  for (const [, numbers = '', meaning = ''] of rows) {
    if (/^-+$/.test(numbers)) continue;
    const ids = numbers
      .replace(/\(.*\)/, '')
      .split(',')
      .map(readInteger);
    if (meaning.startsWith('refused')) refused.push(...ids);
    else accepted.push(...ids.map((userId) => ({ userId, uuid: meaning })));
  }
  return { accepted, refused };
}

export interface EventVector {
  eventType: string;
  instanceId: bigint;
  userId: string;
  name: string;
  cpus: number;
  memoryMb: number;
  gpu: number;
  image: string;
  seconds: bigint;
  nanos: number;
  bytes: Buffer;
}

/** The Event in protobuf's text format and its bytes. */
export function readEventVector(): EventVector {
  const [, text = '', hex = ''] = /## Event\n+```\n([^`]+)```\n+([0-9a-f]+)\n/.exec(contract) ?? [];
  const find = (field: string) => {
    const value = new RegExp(`\\b${field}: (?:"([^"]*)"|(\\d+))`).exec(text);
    if (!value) throw new Error(`the Event in the wire contract has no ${field}`);
    return value[1] ?? value[2] ?? '';
  };
  return {
    eventType: find('event_type'),
    instanceId: BigInt(find('instance_id')),
    userId: find('user_id'),
    name: find('name'),
    cpus: Number(find('cpus')),
    memoryMb: Number(find('memory_mb')),
    gpu: Number(find('gpu')),
    image: find('image'),
    seconds: BigInt(find('seconds')),
    nanos: Number(find('nanos')),
    bytes: Buffer.from(hex, 'hex'),
  };
}

function readInteger(text: string): bigint {
  const [, base, exponent] = /^(\d+)\^(\d+)$/.exec(text.trim()) ?? [];
  return base && exponent ? BigInt(base) ** BigInt(exponent) : BigInt(text.trim());
}
