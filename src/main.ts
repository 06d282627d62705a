#!/usr/bin/env node
import { ignoreClosedReaders } from './cli/output/output.ts';
import { runCli } from './cli/program.ts';

ignoreClosedReaders();
process.exitCode = await runCli(process.argv.slice(2));
