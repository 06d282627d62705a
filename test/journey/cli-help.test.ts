import { describe, expect, test } from 'vitest';
import { runHere } from '../support/run-here.ts';
import { deadPort, serve } from './cli-support.ts';

describe('help and arguments', () => {
  const commands = [
    [],
    ['start'],
    ['migrate'],
    ['demo'],
    ['doctor'],
    ['load'],
    ['instances'],
    ['instances', 'list'],
    ['instances', 'search'],
    ['instances', 'show'],
    ['instances', 'create'],
    ['instances', 'retry'],
    ['top'],
    ['stats'],
    ['trend'],
    ['completion'],
    ['orders'],
    ['orders', 'list'],
    ['orders', 'show'],
    ['orders', 'cancel'],
    ['orders', 'mark-refunded'],
    ['orders', 'refund-again'],
    ['orders', 'paid'],
    ['orders', 'refunded'],
    ['parked'],
    ['parked', 'list'],
    ['parked', 'show'],
    ['parked', 'replay'],
    ['parked', 'discard'],
    ['parked', 'jobs'],
    ['parked', 'jobs', 'list'],
    ['parked', 'jobs', 'show'],
    ['parked', 'jobs', 'results'],
    ['parked', 'jobs', 'abort'],
    ['audit'],
    ['products'],
    ['products', 'list'],
    ['products', 'create'],
    ['products', 'enable'],
    ['products', 'disable'],
    ['sale'],
    ['sale', 'list'],
    ['sale', 'open'],
    ['sale', 'show'],
    ['sale', 'pause'],
    ['sale', 'resume'],
    ['sale', 'end'],
    ['sale', 'add'],
    ['sale', 'restock'],
    ['sale', 'ticket'],
    ['resource'],
    ['keys'],
    ['keys', 'create'],
    ['keys', 'list'],
    ['keys', 'revoke'],
  ];

  test('every command explains itself', async () => {
    for (const command of commands) {
      const { code, stdout, stderr } = await runHere([...command, '--help']);
      expect({ code, stderr }, command.join(' ')).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^Usage: weir/);
    }
  });

  test('help of a command within a command is the help of that one', async () => {
    for (const command of commands.filter(({ length }) => length > 0)) {
      const { code, stdout } = await runHere(['help', ...command]);
      expect({ code, stdout }).toEqual({ code: 0, stdout: (await runHere([...command, '--help'])).stdout });
    }
  });

  test('a mistyped command is unknown, and the nearest one is suggested', async () => {
    const { code, stderr } = await runHere(['stat']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: unknown command 'stat'\n\(Did you mean .*stats.*\?\)\n/);
    expect((await runHere(['sale', 'opne'])).stderr).toMatch(
      /unknown command 'opne'\n\(Did you mean open\?\)/,
    );
    expect((await runHere(['nonsense'])).stderr).toMatch(/^error: unknown command 'nonsense'\n\(weir --help/);
  });

  test.for([
    [['help', 'nonsense'], 'weir'],
    [['nonsense', '--help'], 'weir'],
    [['help', 'instances', 'nonsense'], 'weir instances'],
    [['instances', 'nonsense', '--help'], 'weir instances'],
  ] as [string[], string][])(
    'an unknown command is reported as one of %s (case %#)',
    async ([args, group]) => {
      const { code, stdout, stderr } = await runHere(args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^error: unknown command 'nonsense'\n/);
      expect(stderr).toContain(`(${group} --help lists the valid ones)`);
    },
  );

  test.for([
    [['sale', 'open', '1001'], 'weir sale open'],
    [['instances', 'list', '--status', 'GONE'], 'weir instances list'],
    [['stats', '--from', 'soon'], 'weir stats'],
    [['load', '--rate', '0'], 'weir load'],
  ] as [string[], string][])(
    'a mistake points to the help of its command (case %#)',
    async ([args, command]) => {
      expect((await runHere(args)).stderr).toContain(`(${command} --help lists the valid ones)`);
    },
  );

  test('fixed words of options are taken in any case, and reach the API as it has them', async () => {
    const asked: (string | undefined)[] = [];
    const url = await serve(({ url }, response) => {
      asked.push(url);
      response.end('{"items":[],"nextCursor":null}');
    });
    const options = ['--status', 'failed', '--source', 'gift', '--url', url];
    expect((await runHere(['instances', 'list', ...options])).code).toBe(0);
    const filter = ['--state', 'all', '--origin', 'Stream', '--reason', 'product_not_found', '--url', url];
    expect((await runHere(['parked', 'list', ...filter])).code).toBe(0);
    expect(asked[0]).toContain('source=GIFT&status=FAILED');
    expect(asked[1]).toContain('reason=PRODUCT_NOT_FOUND&origin=STREAM&state=ALL');
  });

  test.for([
    ['instances list --from', 'from', -900_000],
    ['stats --from', 'from', -900_000],
    ['trend --to', 'to', -900_000],
    ['sale open 1001 --stock 1 --starts', 'startsAt', 900_000],
  ] as const)('%s 15m is a quarter of an hour from now', async ([command, field, distanceMs]) => {
    let asked = '';
    const url = await serve((request, response) => {
      asked += request.url;
      request.on('data', (chunk) => {
        asked += chunk;
      });
      request.on('end', () => response.writeHead(400).end('{"code":"X","detail":"x"}'));
    });
    await runHere([...command.split(' '), '15m', '--url', url]);
    const [, text = ''] = new RegExp(`${field}[=":]+([^"&]+)`).exec(asked) ?? [];
    const at = Date.parse(decodeURIComponent(text)) - Date.now() - distanceMs;
    expect(Math.abs(at), asked).toBeLessThan(10_000);
  });

  test('the help lists every command, the exit codes and how the seed names its file', async () => {
    const { stdout } = await runHere(['--help']);
    for (const name of new Set(commands.map(([first]) => first).filter(Boolean)))
      expect(stdout).toContain(`  ${name}`);
    for (const code of [0, 1, 2, 3, 4, 5]) expect(stdout).toMatch(new RegExp(`\\b${code}  \\S`));
    expect((await runHere(['start', '--help'])).stdout).toContain('-conf');
  });

  test('the version is the one of the package', async () => {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
    for (const flag of ['--version', '-V', '-v'])
      expect(await runHere([flag])).toMatchObject({ code: 0, stdout: `${manifest.version}\n` });
  });

  test.for([
    [['nonsense']],
    [['--nonsense']],
    [['start', '--nonsense']],
    [['start', 'extra']],
    [['start', '--config']],
    [['instances', 'nonsense']],
    [['instances', 'show']],
    [['instances', 'list', '--status', 'GONE']],
    [['instances', 'list', '--from', 'soon']],
    [['instances', 'list', '--from', '5']],
    [['instances', 'list', '--json', '--ndjson']],
    [['trend', '--step', 'week']],
    [['trend', '--minutes', '5', '--from', '2026-11-27']],
    [['completion', 'tcsh']],
    [['doctor', '--json=maybe']],
    [['start', '--roles', 'http,cook']],
    [['start', '--roles', '']],
    [['load', '--rate', 'many']],
    [['load', '--duration', '10']],
    [['load', '--stage', '30s']],
    [['load', '--stage', '1s:20001']],
    [['load', '--duration', '61m']],
    [['load', '--arrivals', 'bursts']],
    [['load', '--mix', 'cook']],
    [['load', '--fail-if', 'p99>fast']],
    [['load', '--product', 'abc']],
    [['load', '--source', 'ORDER']],
    [['load', '--connections', '0']],
    [['load', '--max-in-flight', '1.5']],
    [['load', '--wait', 'long']],
    [['load', '--url', 'shop.example.com']],
    [['load', '--url', 'http://192.0.2.1:8000']],
    [['load', '--json', '/nowhere/load.json']],
    [['parked', 'replay']],
    [['parked', 'replay', '1', '--all']],
    [['parked', 'discard', '1']],
    [['parked', 'discard', '--all']],
    [['parked', 'jobs', 'show']],
    [['parked', 'jobs', 'list', '--state', 'LOST']],
    [['orders', 'paid']],
    [['orders', 'list', '--status', 'LOST']],
    [['orders', 'list', '--from', 'soon']],
    [['orders', 'mark-refunded', 'ORD1']],
    [['instances', 'create', '--source', 'SECKILL', '--product', '1001', '--user', '1']],
    [['products', 'enable']],
    [['products', 'create', '7', '--name', 'x', '--cpus', 'many', '--memory', '1', '--image', 'x']],
    [['sale', 'restock', '1001', '--since', 'soon']],
    [['sale', 'list', '--url', 'foo']],
    [['sale', 'list', '--url', 'localhost:8000']],
    [['sale', 'list', '--url', '127.0.0.1:8000']],
    [['sale', 'open', '1001']],
    [['sale', 'open', '1001', '--stock', '0']],
    [['sale', 'open', '1001', '--stock', '2147483648']],
    [['sale', 'open', '1001', '--stock', '5', '--admit', 'all']],
    [['sale', 'open', '1001', '--stock', '5', '--starts', 'soon']],
    [['sale', 'add', '1001', 'many']],
    [['keys', 'create', 'somebody']],
    [['keys', 'create', 'somebody', '--scope', 'all']],
    [['keys', 'create', 'two words', '--scope', 'read']],
    [['keys', 'create', 'somebody', '--scope', 'read', '--expires', 'soon']],
    [['keys', 'create', 'somebody', '--scope', 'read', '--expires', '2020-01-01']],
    [['resource']],
    [['resource', '--fail', 'most']],
  ] as [string[]][])('invalid arguments end with 2 and the reason (case %#)', async ([args]) => {
    const { code, stdout, stderr } = await runHere(args, {
      WEIR_SERVER_HTTP_ADDR: `127.0.0.1:${deadPort}`,
      WEIR_DATA_EMBEDDED_FOLDER: '/nowhere',
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/\S/);
  });
});
