export interface SeededBug {
  name: string;
  promise: string;
  /** Below src/; the text must stand in the TypeScript and in the built JavaScript alike. */
  file: string;
  find: string;
  replace: string;
  /** The suite that must turn red, and the law in it that the bug breaks. */
  suite: string;
  law: string;
}

export const seededBugs: readonly SeededBug[] = [
  {
    name: 'redelivery-is-a-new-purchase',
    promise: 'P1',
    file: 'triggers/seckill-stream.ts',
    find: 'scope: stream,',
    replace: 'scope: stream + performance.now(),',
    suite: 'test/faults/crash.test.ts',
    law: 'after-commit: after the commit, before the acknowledgement',
  },
  {
    name: 'high-water-mark-forgotten',
    promise: 'P1',
    file: 'postgres/worker-leases.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is source text
    find: 'greatest(high_water_ms, ${nowMs}) + $1::bigint',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is source text
    replace: '${nowMs} + $1::bigint',
    suite: 'test/unit/instance-id.test.ts',
    law: 'whatever the clocks do',
  },
  {
    name: 'event-forgotten-in-a-small-commit',
    promise: 'P2',
    file: 'postgres/instance-logs.ts',
    find: 'WHERE inserted_rows > 0',
    replace: 'WHERE inserted_rows > 1',
    suite: 'test/contract/create-instances.test.ts',
    law: 'one purchase makes one row and one event with the same id',
  },
  {
    name: 'duplicate-announces-a-second-id',
    promise: 'P1',
    file: 'postgres/instance-logs.ts',
    find: 'CASE WHEN inserted_rows = input_rows THEN',
    replace: 'CASE WHEN inserted_rows <= input_rows THEN',
    suite: 'test/contract/create-instances.test.ts',
    law: 'a repeat beside new purchases announces the new ones only',
  },
  {
    name: 'returned-message-counts-as-delivered',
    promise: 'P3',
    file: 'rabbitmq/publisher.ts',
    find: 'this.#returned.size > 0 &&',
    replace: 'this.#returned.size < 0 &&',
    suite: 'test/integration/rabbitmq.test.ts',
    law: 'a queue that is deleted while events flow is made again, and none is lost',
  },
  {
    name: 'refused-message-dropped',
    promise: 'P3',
    file: 'outbox/relay.ts',
    find: 'if (!first) {',
    replace: 'if (!first || first) {',
    suite: 'test/contract/relay.test.ts',
    law: 'a refused message waits alone',
  },
  {
    name: 'content-not-compared',
    promise: 'P4',
    file: 'instance/create-instances.ts',
    find: 'instance.userId !== purchase.userId',
    replace: 'instance.userId === undefined',
    suite: 'test/contract/create-instances.test.ts',
    law: 'a repeat with another user or product is a conflict',
  },
  {
    name: 'malformed-entry-acknowledged-and-gone',
    promise: 'P5',
    file: 'triggers/seckill-stream.ts',
    find: 'if (unfit.length > 0)',
    replace: 'if (unfit.length < 0)',
    suite: 'test/integration/redis.test.ts',
    law: 'a malformed entry is parked and its neighbours become instances',
  },
  {
    name: 'damaged-frame-ignored',
    promise: 'P5',
    file: 'outbox/relay.ts',
    find: 'return [...verdicts, ...damaged];',
    replace: 'return verdicts;',
    suite: 'test/contract/relay.test.ts',
    law: 'a frame that cannot be read is parked',
  },
  {
    name: 'acknowledged-before-the-commit',
    promise: 'P8',
    file: 'triggers/seckill-stream.ts',
    find: 'const outcomes = purchases.length > 0 ?',
    replace:
      'await this.#parts.streams.acknowledge(stream, entries.map(({ id }) => id)); const outcomes = purchases.length > 0 ?',
    suite: 'test/faults/crash.test.ts',
    law: 'before-insert: before anything is written',
  },
];
