import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { openPglite } from '../../src/adapters/embedded/pglite.ts';
import type { Database } from '../../src/lib/sql.ts';
import { skipsWithout } from '../support/gates.ts';
import { GiveUp, pollUntil } from '../support/poll-until.ts';
import { builtProgram } from '../support/seeded-bug.ts';
import { type HttpAnswer, type LogLine, sendRequest } from '../support/weir.ts';

const program = process.env.WEIR_TEST_CHROMIUM ?? '/usr/bin/chromium';
const missing = `no Chromium at ${program}: install the package chromium, or name the program in WEIR_TEST_CHROMIUM`;

/** @throws when it is missing and the run requires every gate */
export function hasBrowser(): boolean {
  return !skipsWithout('browser', existsSync(program), missing);
}

/**
 * The built program with embedded stores, and one browser, for all tests of a file. A test fails when the
 * console of its page shows anything: an error, a warning, a violation of the content security policy.
 */
export function sharePage(
  settings: Record<string, string>,
  seed: (database: Database) => Promise<void>,
): SharedPage {
  const shared = new SharedPage(settings);
  let failed = false;
  beforeAll(() => shared.open(seed), 120_000);
  afterEach(async ({ task }) => {
    await shared.leavePages();
    failed ||= task.result?.state === 'fail';
    expect(shared.takeComplaints()).toEqual([]);
  });
  afterAll(() => shared.close(failed));
  return shared;
}

class SharedPage {
  url = '';
  readonly #settings: Record<string, string>;
  #folder = '';
  #child: ChildProcess | undefined;
  #browser: Browser | undefined;
  readonly #pages = new Map<string, Page>();
  readonly #complaints: string[] = [];

  constructor(settings: Record<string, string>) {
    this.#settings = settings;
  }

  async open(seed: (database: Database) => Promise<void>): Promise<void> {
    // Root cannot use Chromium's sandbox.
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    const launched = chromium.launch({ executablePath: program, args });
    launched.catch(() => {});
    this.#folder = await mkdtemp(join(tmpdir(), 'weir-test-page-'));
    await cp(process.env.WEIR_TEST_PGLITE_TEMPLATE ?? '', this.#folder, { recursive: true });
    const database = await openPglite(this.#folder);
    await seed(database);
    await database.close();
    [this.#browser] = await Promise.all([launched, this.#start()]);
  }

  /** With the key of the settings, where there is one. */
  request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<HttpAnswer> {
    const key = this.#settings.WEIR_SERVER_HTTP_OPERATORKEYS;
    const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` };
    return sendRequest(this.url + path, method, body, { ...authorization, ...headers });
  }

  /** @returns the id of the instance */
  async giveGift(userId: string, sourceId: string, productId = '1001'): Promise<string> {
    const gift = { source: 'ACTIVITY', sourceId, productId, userId };
    const { status, body } = await this.request('POST', '/v1/instances', gift);
    expect(status).toBe(201);
    return body.instanceId;
  }

  /** The page for a user with these preferences, in English by default; the browser keeps its cache. */
  async openPage(hash: string, options: BrowserContextOptions = {}): Promise<Page> {
    const person = JSON.stringify(options);
    const page = this.#pages.get(person) ?? (await this.#makePage(options));
    this.#pages.set(person, page);
    await page.goto(`${this.url}/${hash}`);
    await page.locator('h1').waitFor();
    return page;
  }

  /** With the key of the settings; does nothing while the browser has a session. */
  async logIn(page: Page): Promise<void> {
    const field = page.locator('#key');
    await field.or(page.locator('#log-out')).first().waitFor();
    if (!(await field.isVisible())) return;
    await field.fill(this.#settings.WEIR_SERVER_HTTP_OPERATORKEYS ?? '');
    await page.keyboard.press('Enter');
    await page.locator('#log-out').waitFor();
    // The browser complains of the 401 that led here.
    this.#complaints.splice(0);
  }

  takeComplaints(): string[] {
    return this.#complaints.splice(0);
  }

  /** Nothing of one test continues in the next. */
  async leavePages(): Promise<void> {
    await Promise.all([...this.#pages.values()].map((page) => page.goto('about:blank')));
  }

  async #kill(): Promise<void> {
    if (!this.#child || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  async #start(): Promise<void> {
    const lines: LogLine[] = [];
    const child = spawn(process.execPath, [builtProgram(), 'start'], {
      env: {
        PATH: process.env.PATH ?? '',
        WEIR_LOG_FORMAT: 'json',
        WEIR_SERVER_HTTP_ADDR: '127.0.0.1:0',
        WEIR_DATA_EMBEDDED_FOLDER: this.#folder,
        ...this.#settings,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line.startsWith('{') ? JSON.parse(line) : { msg: line });
    });
    const started = await pollUntil('Weir should start', 90_000, async () => {
      const line = lines.find(({ msg }) => msg === 'started');
      if (line) return line;
      const last = JSON.stringify(lines.at(-1));
      if (child.exitCode !== null) throw new GiveUp(`Weir ended with ${child.exitCode}: ${last}`);
      throw new Error(`its last line is ${last}`);
    });
    this.url = String(started.addr);
  }

  async close(keep: boolean): Promise<void> {
    await this.#browser?.close();
    await this.#kill();
    if (keep) console.error(`kept for a look: folder ${this.#folder}`);
    else await rm(this.#folder, { recursive: true, force: true });
  }

  async #makePage(options: BrowserContextOptions): Promise<Page> {
    if (!this.#browser) throw new Error('the browser is not open');
    const context = await this.#browser.newContext({ locale: 'en-US', reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(30_000);
    const page = await context.newPage();
    page.on('pageerror', ({ message }) => this.#complaints.push(message));
    page.on('console', (message) => {
      this.#complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    });
    return page;
  }
}
