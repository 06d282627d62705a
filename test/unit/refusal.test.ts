import { ReplyError } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { classifyRefusal, type RefusalReason, SilentError } from '../../src/adapters/redis/refusal.ts';

const reply = (text: string) => new (ReplyError as unknown as new (text: string) => Error)(text);
const ofScript = (text: string) => `${text} script: ${'a'.repeat(40)}, on @user_script:1.`;
const ofOldScript = (text: string) =>
  `ERR Error running script (call to f_${'a'.repeat(40)}): @user_script:6: @user_script: 6: -${text}`;

/** The texts of Redis 6.2, Redis 7.0 and Valkey 8.0. */
const replies: [text: string, reason: RefusalReason, reconnect: boolean][] = [
  ["READONLY You can't write against a read only replica.", 'READONLY', true],
  ['UNBLOCKED force unblock from blocking operation, instance state changed', 'READONLY', true],
  ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'MASTERDOWN', true],
  ['LOADING Redis is loading the dataset in memory', 'LOADING', true],
  ['NOREPLICAS Not enough good replicas to write.', 'NOREPLICAS', false],
  ['MISCONF Errors writing to the AOF file: No space left on device', 'MISCONF', false],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'OOM', false],
  ['BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.', 'BUSY', false],
  ["CROSSSLOT Keys in request don't hash to the same slot", 'CLUSTER', false],
  ['MOVED 5061 10.0.0.1:6379', 'MOVED', false],
  ['TRYAGAIN Multiple keys request during rehashing of slot', 'MOVED', false],
  ['CLUSTERDOWN Hash slot not served', 'CLUSTER', false],
  ["NOPERM this user has no permissions to run the 'xadd' command", 'NOPERM', false],
  ["ERR The user executing the script can't run this command or subcommand", 'NOPERM', false],
  ["ERR ACL failure in script: User lim has no permissions to run the 'xadd' command", 'NOPERM', false],
  ['NOAUTH Authentication required.', 'NOAUTH', false],
  ['WRONGPASS invalid username-password pair or user is disabled.', 'NOAUTH', false],
  ['ERR max number of clients reached', 'NOAUTH', false],
  ['WRONGTYPE Operation against a key holding the wrong kind of value', 'WRONGTYPE', false],
  ['ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.', 'NOFSYNC', false],
  ["ERR unknown command 'WAITAOF', with args beginning with: '1' '0' '1800'", 'NOFSYNC', false],
  ['ERR user_script:3: attempt to compare nil with number', 'OTHER', false],
];

describe('a reply of Redis', () => {
  test.each(replies)(
    'a reply has the same reason with and without a script (case %#)',
    (text, reason, reconnect) => {
      for (const each of [text, ofScript(text), ofOldScript(text)]) {
        expect(classifyRefusal(reply(each)), each).toMatchObject({ reason, reconnect });
        expect(classifyRefusal(reply(each))?.message).toBe(classifyRefusal(reply(text))?.message);
      }
    },
  );

  test.each([
    'NOGROUP No such key',
    'BUSYGROUP Consumer Group name already exists',
    'NOSCRIPT No matching script.',
  ])('%s refuses nothing', (text) => {
    expect(classifyRefusal(reply(text))).toBeUndefined();
  });

  test('a reply of Redis is not classified by what its arguments or a buyer wrote', () => {
    const text = "ERR unknown command 'xadd', with args beginning with: 's' '*' 'uid' 'OOM READONLY' ";
    expect(classifyRefusal(reply(text))).toMatchObject({
      reason: 'OTHER',
      message: "Redis refuses a command: ERR unknown command 'xadd'",
    });
  });
});

test('an error that is no reply reports that Redis is silent, with its cause', () => {
  expect(classifyRefusal(new SilentError('no answer within 5 ms'))).toMatchObject({
    reason: 'SILENT',
    message: 'Redis does not answer: no answer within 5 ms',
  });
  const twoAddresses = new AggregateError(
    [new Error('connect ECONNREFUSED ::1:1'), new Error('and 127.0.0.1:1')],
    '',
  );
  expect(classifyRefusal(twoAddresses)).toMatchObject({
    reason: 'UNREACHABLE',
    message: 'Redis is not connected: connect ECONNREFUSED ::1:1; and 127.0.0.1:1',
  });
  expect(classifyRefusal(new Error('Connection is closed.'))?.message).toBe('Redis is not connected');
});
