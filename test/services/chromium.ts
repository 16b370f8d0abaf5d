import { access, constants } from 'node:fs/promises';
import { chromium, type Browser } from 'playwright-core';
import { systemPackage } from './system-package.js';
import { which } from './which.js';

/** What keeps the browser to itself: it asks nobody for anything, and needs no display and no rights. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Finds or installs a Chromium, and starts it without a window, with a profile of its own. */
export async function startChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: await findExecutable(), headless: true, args: ARGS });
}

async function findExecutable(): Promise<string> {
  const refusals: string[] = [];
  const sources: Record<string, () => Promise<string>> = {
    'that of CHROMIUM_PATH': givenPath,
    'chromium on the PATH': () => which('chromium'),
    'the package chromium of the system': () => systemPackage('chromium'),
  };
  for (const [name, find] of Object.entries(sources)) {
    try {
      return await find();
    } catch (error) {
      refusals.push(`- ${name}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new Error(
    `These tests need a Chromium, and none could be had:\n${refusals.join('\n')}\n` +
      `Set CHROMIUM_PATH, or install it: apt-get install -y --no-install-recommends chromium.`,
  );
}

async function givenPath(): Promise<string> {
  const path = process.env['CHROMIUM_PATH'];
  if (path === undefined || path === '') throw new Error('it is not set');
  await access(path, constants.X_OK);
  return path;
}
