#!/usr/bin/env node
import { surviveClosedPipes } from './output.js';
import { runCommand } from './run-command.js';

surviveClosedPipes();
process.exitCode = await runCommand(process.argv.slice(2));
