#!/usr/bin/env node
import { forgiveLeavingReaders } from './cli/output/output.ts';
import { runCli } from './cli/program.ts';

forgiveLeavingReaders();
process.exitCode = await runCli(process.argv.slice(2));
