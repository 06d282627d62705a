import type { ChannelModel } from 'amqplib';
import { accessRefused, declareQueue, type QueueTerms, queueArguments } from './queue.ts';

/** The properties of a queue, as far as AMQP shows them. */
export interface QueueFacts {
  queue: string;
  durable: boolean;
  autoDelete: boolean;
  arguments: Readonly<Record<string, unknown>>;
  /** Why the arguments are unknown. */
  hidden?: string;
}

/** More than a queue can have arguments. */
const maxQuestions = 40;

/**
 * AMQP does not list the arguments of a queue, but refuses a declaration that differs, naming one argument
 * with its value. So the declaration is repeated with that value until the broker accepts it. The first
 * declaration creates a missing queue.
 */
export async function readQueueFacts(
  connection: ChannelModel,
  queue: string,
  terms: QueueTerms,
): Promise<QueueFacts> {
  const facts = { queue, durable: true, autoDelete: false, arguments: queueArguments(queue, terms) };
  for (let question = 0; question < maxQuestions; question++) {
    const refusal = await declareQueue(connection, queue, facts.arguments, facts);
    if (!refusal) return facts;
    if (refusal.code === accessRefused || !learn(facts, refusal.message)) {
      return { ...facts, hidden: refusal.message };
    }
  }
  return { ...facts, hidden: `more than ${maxQuestions} arguments` };
}

interface Learned {
  durable: boolean;
  autoDelete: boolean;
  arguments: Record<string, unknown>;
}

/** @returns false when the message contains no new fact */
function learn(facts: Learned, message: string): boolean {
  // The queue type does not support one of the arguments.
  const invalid = /invalid arg '([^']+)'/.exec(message)?.[1];
  if (invalid !== undefined) return delete facts.arguments[invalid];
  const [, name, current] =
    /inequivalent arg '([^']+)' for queue .* but current is (.*)$/s.exec(message) ?? [];
  if (name === undefined || current === undefined) return false;
  const [, typed, type, plain] = /^(?:the value '(.*?)' of type '(\w+)'|'(.*?)')/s.exec(current) ?? [];
  const value = toValue(typed ?? plain, type);
  if (name === 'durable') facts.durable = value === true;
  else if (name === 'auto_delete') facts.autoDelete = value === true;
  else if (value === undefined) delete facts.arguments[name];
  else facts.arguments[name] = value;
  return true;
}

function toValue(text: string | undefined, type: string | undefined): unknown {
  if (text === undefined || type === 'longstr') return text;
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+$/.test(text) ? Number(text) : text;
}
