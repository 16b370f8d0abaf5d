import { access, constants } from 'node:fs/promises';
import { chromium, type Browser } from 'playwright-core';
import { firstAvailable } from './first-available.js';
import { installSystemPackage } from './system-package.js';
import { which } from './which.js';

/** Runs the browser without network requests of its own, a display or privileges. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Finds or installs Chromium, and starts it headless with a new profile. */
export async function startChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: await findExecutable(), headless: true, args: ARGS });
}

function findExecutable(): Promise<string> {
  return firstAvailable(
    [
      { name: 'CHROMIUM_PATH', find: configuredPath },
      { name: 'chromium on the PATH', find: () => which('chromium') },
      { name: 'the system package chromium', find: () => installSystemPackage('chromium') },
    ],
    {
      tool: 'Chromium',
      advice: `Set CHROMIUM_PATH, or install it: apt-get install -y --no-install-recommends chromium.`,
    },
  );
}

async function configuredPath(): Promise<string> {
  const path = process.env['CHROMIUM_PATH'];
  if (path === undefined || path === '') throw new Error('it is not set');
  await access(path, constants.X_OK);
  return path;
}
