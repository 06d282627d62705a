import { describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';
import { openTerminal } from '../support/pseudo-terminal.ts';
import { builtProgram } from '../support/seeded-bug.ts';
import { createPostgresDatabase } from '../support/stores.ts';
import { startWeir } from '../support/weir.ts';
import { sendRaw } from './share-weir.ts';

const start = async (drainMs: number) =>
  startWeir({
    WEIR_DATA_DATABASE_SOURCE: await createPostgresDatabase(),
    WEIR_SERVER_HTTP_DRAINMS: String(drainMs),
  });

describe('a process that drains', () => {
  test('a draining process is not ready, serves all else, and ends at a second signal', async () => {
    const weir = await start(600_000);
    const before = await sendRaw(weir.url, 'GET', '/v1/products', { connection: 'keep-alive' });
    expect(before).toMatchObject({ status: 200, headers: { connection: 'keep-alive' } });
    const stream = await fetch(`${weir.url}/v1/now/stream`);

    weir.process.kill('SIGTERM');
    await weir.waitFor('stopping');
    // The live stream ends, so that its listeners connect to another process.
    expect(await stream.text()).toContain('retry:');
    const send = (method: string, path: string, body?: string) =>
      sendRaw(weir.url, method, path, { connection: 'keep-alive', 'content-type': 'application/json' }, body);
    const unready = await send('GET', '/readyz');
    expect(unready).toMatchObject({ status: 503, headers: { connection: 'close', 'retry-after': '1' } });
    expect(JSON.parse(unready.text)).toEqual({ status: 'stopping' });
    expect(await send('GET', '/healthz')).toMatchObject({ status: 200, headers: { connection: 'close' } });
    const product = JSON.stringify({ id: '4711', name: 'x', cpus: 1, memoryMb: 1, image: 'x' });
    const created = await send('POST', '/v1/products', product);
    expect(created).toMatchObject({ status: 201, headers: { connection: 'close' } });

    weir.process.kill('SIGTERM');
    expect(await weir.exited).toBe(1);
    expect(weir.lines.at(-1)?.msg).toContain('second signal');
  });

  test('a draining process stops in order when the time is over', async () => {
    const weir = await start(400);
    const begin = performance.now();
    expect(await weir.stop()).toBe(0);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(400);
    expect(weir.lines.at(-1)?.msg).toBe('stopped');
  });
});

test('Ctrl-C on a terminal stops without draining', async () => {
  const terminal = openTerminal([process.execPath, builtProgram(), 'start'], {
    WEIR_LOG_FORMAT: 'json',
    WEIR_SERVER_HTTP_ADDR: '127.0.0.1:0',
    WEIR_SERVER_HTTP_DRAINMS: '600000',
    WEIR_DATA_DATABASE_SOURCE: await createPostgresDatabase(),
  });
  await pollUntil('Weir to start', 15_000, async () => expect(terminal.output).toContain('"msg":"started"'));
  // The byte that a terminal turns into SIGINT.
  terminal.child.stdin?.write('\x03');
  expect(await terminal.ended).toBe(0);
  expect(terminal.output).toContain('"signal":"SIGINT"');
});
