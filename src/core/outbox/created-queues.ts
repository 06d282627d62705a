/** The queues of INSTANCE_CREATED events: `name`, or `name.0` to `name.<count-1>` (docs/events.md). */
export function nameCreatedQueues(name: string, count: number): string[] {
  return count === 1 ? [name] : Array.from({ length: count }, (_, i) => `${name}.${i}`);
}

/** Selects by the instance id, which is the message id: its unsigned 64 bits modulo the number of queues. */
export function pickQueue(queues: readonly string[], messageId: string): string {
  const [first = ''] = queues;
  return queues.length === 1 ? first : (queues[remainder(messageId, queues.length)] ?? first);
}

const digitsAtOnce = 7;

/** Computed in parts that a number holds exactly. Another id than a number selects the first queue. */
function remainder(decimal: string, divisor: number): number {
  if (!/^\d{1,20}$/.test(decimal)) return 0;
  let rest = 0;
  for (let at = 0; at < decimal.length; at += digitsAtOnce) {
    const part = decimal.slice(at, at + digitsAtOnce);
    rest = (rest * 10 ** part.length + Number(part)) % divisor;
  }
  return rest;
}
