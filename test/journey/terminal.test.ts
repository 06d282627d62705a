import { stripVTControlCharacters } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { widthOf } from '../../src/cli/output/text.ts';
import { pollUntil } from '../support/poll-until.ts';
import { openTerminal } from '../support/pseudo-terminal.ts';
import { builtModule, builtProgram } from '../support/seeded-bug.ts';
import { shareWeir } from './share-weir.ts';

/** A forged line, an erased screen, a title by C1, reordered text. */
const hostile = 'x\n✓ all is well\x1b[45m\x1b[2J\u009d0;title\u009c\u202egnp.exe';
const visible = String.raw`x\n✓ all is well\x1b[45m\x1b[2J\x9d0;title\x9c\u202egnp.exe`;

/** Bold, dim, the colors of words, and their ends. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: colors begin with one
const ownColors = /\x1b\[(?:1|2|22|3[1-6]|39)m/g;

const weir = shareWeir({ WEIR_RESOURCE_SIMULATE: 'false' });
let failedId: string;
let parkedId: string;

beforeAll(async () => {
  await weir.database.query(
    `INSERT INTO products (id, name, cpus, memory_mb, image, price_cents) VALUES
       (1001, '云服务器 GPU 🚀 Small', 4, 16384, 'ubuntu-22.04-cuda', 19900), (1002, $1, 8, 32768, 'ubuntu', 0)`,
    [hostile],
  );
  const ids: string[] = [];
  for (const sourceId of ['ACT123456', 'ACT123457']) {
    const purchase = { source: 'ACTIVITY', sourceId, productId: '1001', userId: '9007199254740993' };
    ids.push((await weir.request('POST', '/v1/instances', purchase)).body.instanceId);
  }
  failedId = ids[0] ?? '';
  const result = { status: 'FAILED', reason: hostile };
  await weir.request('POST', `/v1/instances/${failedId}/result`, result);
  await weir.redis.xadd('stream:seckill:1001', '*', 'uid', hostile);
  await weir.request('POST', '/v1/sales', { productId: '1001', stock: 3 });
  parkedId = await pollUntil('the bad entry to be parked', 15_000, async () => {
    const { rows } = await weir.database.query('SELECT id FROM parked');
    if (rows.length === 0) throw new Error('nothing is parked');
    return String(rows[0].id);
  });
});

/** Each command on one terminal of 80 columns and in one process. @returns what each has printed */
async function runInTerminal(commands: readonly (readonly string[])[]): Promise<string[]> {
  const driver = `
    const { runCli } = await import(process.argv[1]);
    for (const args of JSON.parse(process.argv[2])) {
      await runCli(args);
      process.stdout.write('\\f');
    }`;
  const module = builtProgram().includes('modules')
    ? builtProgram().replace('main.js', 'cli/program.js')
    : builtModule('cli/program');
  const args = commands.map((command) => [...command, '--url', weir.url]);
  const terminal = openTerminal(
    [process.execPath, '--input-type=module', '-e', driver, module, JSON.stringify(args)],
    {},
  );
  expect(await terminal.ended, terminal.output).toBe(0);
  return terminal.output.replaceAll('\r\n', '\n').split('\f').slice(0, -1);
}

test('no command on a terminal prints a control character or a line of foreign text', async () => {
  const screens = await runInTerminal([
    ['instances', 'list'],
    ['instances', 'show', failedId],
    ['parked', 'list'],
    ['parked', 'show', parkedId],
    ['parked', 'discard', parkedId, '--because', hostile],
    ['parked', 'list', '--state', 'ALL'],
    ['products', 'list'],
    ['products', 'enable', '1002'],
    ['instances', 'show', hostile],
    ['products', 'list', '--json'],
  ]);
  for (const screen of screens) {
    expect(screen.replaceAll(ownColors, '')).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    expect(screen).not.toMatch(/^✓ all is well/m);
    expect(screen).toContain('all is well');
  }
  const [list = '', , , parked = ''] = screens;
  expect(list).toMatch(/REASON/);
  expect(list).toContain(visible.slice(0, 20));
  expect(parked.indexOf('originalText')).toBeLessThan(parked.search(/^original /m));
  expect(JSON.parse(screens.at(-1) ?? '').items[1].name).toBe(hostile);
});

test('no table is wider than a terminal of 80 columns, and no id or time in it is cut', async () => {
  const orderId = (
    await weir.request('POST', '/v1/orders', { productId: '1001', userId: '9007199254740993' })
  ).body.id;
  await weir.request('POST', `/v1/orders/${orderId}/paid`, {
    paymentId: 'P'.repeat(200),
    amountCents: '19900',
  });
  const screens = await runInTerminal([
    ['instances', 'list'],
    ['instances', 'show', failedId],
    ['parked', 'list', '--state', 'all'],
    ['products', 'list'],
    ['sale', 'list'],
    ['stats'],
    ['trend', '--from', '15m'],
    ['top', '--once'],
    ['audit'],
    ['activity'],
    ['orders', 'list'],
    ['orders', 'show', orderId],
  ]);
  for (const screen of screens) {
    // The advice for a parked item is a sentence below the table.
    const lines = stripVTControlCharacters(screen)
      .split('\n')
      .filter((line) => !line.includes('More: docs/'));
    for (const line of lines) expect(widthOf(line), line).toBeLessThanOrEqual(80);
    expect(screen).not.toMatch(/\d{4,}…/);
  }
  expect(screens[0]).toContain(failedId);
  expect(screens[0]).toMatch(/No room for .*PRODUCT/);
});

test('the live screen quits at q and gives the terminal back', async () => {
  const top = openTerminal([process.execPath, builtProgram(), 'top', '--url', weir.url], {});
  await pollUntil('the first screen', 10_000, async () => expect(top.output).toContain('q quits'));
  top.child.stdin?.write('q');
  expect(await top.ended).toBe(0);
  expect(top.output.trimEnd().endsWith('\x1b[?25h\x1b[?1049l')).toBe(true);
});
