import type { ChannelModel } from 'amqplib';
import { accessRefused, declareQueue, type QueueTerms, queueArguments } from './queue.ts';

/** What a queue is, as far as AMQP shows it. */
export interface QueueFacts {
  queue: string;
  durable: boolean;
  autoDelete: boolean;
  arguments: Readonly<Record<string, unknown>>;
  /** Why the arguments are not known. */
  hidden?: string;
}

/** More than a queue can have arguments. */
const maxQuestions = 40;

/**
 * AMQP does not list the arguments of a queue, but refuses a declaration that differs and names one argument with its
 * value. So it is declared again with that value, until the broker accepts. A missing queue is made by the first one.
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
  // A type of queue that does not know an argument of ours.
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
