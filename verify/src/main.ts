#!/usr/bin/env node
import { writeFileSync } from 'node:fs';
import { runCli } from './cli/run-cli.ts';

const stop = new AbortController();
// The second one ends it at once.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

process.exitCode = await runCli(process.argv.slice(2), process.env, {
  print: (text) => process.stdout.write(text),
  warn: (text) => process.stderr.write(text),
  write: writeFileSync,
  isTerminal: process.stderr.isTTY,
  signal: stop.signal,
});
