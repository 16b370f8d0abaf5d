import { access, constants } from 'node:fs/promises';
import { chromium, type Browser } from 'playwright-core';
import { firstOf } from './first-source.js';
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

function findExecutable(): Promise<string> {
  return firstOf(
    [
      { name: 'that of CHROMIUM_PATH', find: givenPath },
      { name: 'chromium on the PATH', find: () => which('chromium') },
      { name: 'the package chromium of the system', find: () => systemPackage('chromium') },
    ],
    {
      what: 'a Chromium',
      advice: `Set CHROMIUM_PATH, or install it: apt-get install -y --no-install-recommends chromium.`,
    },
  );
}

async function givenPath(): Promise<string> {
  const path = process.env['CHROMIUM_PATH'];
  if (path === undefined || path === '') throw new Error('it is not set');
  await access(path, constants.X_OK);
  return path;
}
