import { existsSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
/** Without these the browser looks for its maker's hosts; the sandbox needs rights that a container's root lacks. */
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update'];

/** A browser of this machine, headless: PATH first, then where Debian puts it. */
export function startChromium(): Promise<Browser> {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== ''), '/usr/bin'];
  const executablePath = folders.flatMap((folder) => NAMES.map((name) => path.join(folder, name))).find((file) => existsSync(file));
  if (executablePath === undefined) throw new Error('There is no Chromium on this machine. On Debian or Ubuntu: sudo apt-get install -y chromium');
  return chromium.launch({ executablePath, args: FLAGS });
}

/** What went wrong or elsewhere in a page while it was watched. */
export interface Seen {
  /** Errors and warnings of the console, uncaught exceptions, violations of the page's policy. */
  readonly troubles: string[];
  /** Every address that was asked for. */
  readonly requests: string[];
}

/** A page of its own: no cookies, no storage shared with another. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<{ page: Page; seen: Seen }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const seen: Seen = { troubles: [], requests: [] };
  page.on('request', (request) => seen.requests.push(request.url()));
  page.on('pageerror', (error) => seen.troubles.push(`uncaught: ${error.message}`));
  page.on('dialog', (dialog) => {
    seen.troubles.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') seen.troubles.push(`${message.type()}: ${message.text()} ${message.location().url}`);
  });
  return { page, seen };
}
