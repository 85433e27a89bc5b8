import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

/** Runs handles in a process of its own, whose garbage collector obeys, and answers what the gateway was asked. */
async function collected(act: string): Promise<{ closed: string[]; warned: string[] }> {
  const entry = new URL('../../dist/src/client/mayfly-handle.js', import.meta.url).href;
  const script = `
    const { MayflyHandle } = await import(${JSON.stringify(entry)});
    const closed = [], warned = [];
    const ids = [1, 2, 3].map((n) => '00000000-0000-4000-8000-00000000000' + n);
    let opened = 0;
    const gateway = {
      openSession: async (tenant) => ({ session_id: ids[opened++], tenant_id: tenant, state: 'active', created_at: new Date().toISOString(), expires_at: null,
        timeout_ms: null, idle_timeout_ms: null, labels: {}, node_id: 'n' }),
      describeSession: async (tenant, id) => ({ session_id: id, tenant_id: tenant, state: 'active', tables: [] }),
      closeSession: async (tenant, id, reason) => { closed.push(id + ' ' + reason); return { session_id: id, event: 'closed' }; },
      sessionEnded: () => new Promise(() => {}),
    };
    const open = (autoCloseOnCollect) => new MayflyHandle(gateway, { autoCloseOnCollect, warn: (message, fields) => warned.push(fields.session_id) });
    const collect = async () => {
      for (let round = 0; round < 20; round += 1) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        gc();
      }
    };
    ${act}
    process.stdout.write(JSON.stringify({ closed, warned }));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], { timeout: 20_000 });
  return JSON.parse(stdout) as { closed: string[]; warned: string[] };
}

const FIRST = '00000000-0000-4000-8000-000000000001';

describe('a session whose handle is garbage-collected', () => {
  it('is closed with a warning when an embedded handle opened it, even while somebody waits for its end', async () => {
    const act = `await (async () => { const s = await open(true).tenant('acme').openSession(); void s.ended; })(); await collect();`;
    expect(await collected(act)).toEqual({ closed: [`${FIRST} close`], warned: [FIRST] });
  });

  it('is left alone while the handle is held', async () => {
    const act = `const held = await open(true).tenant('acme').openSession(); await collect(); if (held.state !== 'active') throw new Error();`;
    expect(await collected(act)).toEqual({ closed: [], warned: [] });
  });

  it('is not closed again when it was closed before', async () => {
    const act = `await (async () => { const s = await open(true).tenant('acme').openSession(); await s.close(); })(); await collect();`;
    expect(await collected(act)).toEqual({ closed: [`${FIRST} close`], warned: [] });
  });

  it('is left alone by attached handles and by remote ones', async () => {
    const act = `await (async () => { open(true).tenant('acme').session('${FIRST}'); await open(false).tenant('acme').openSession(); })(); await collect();`;
    expect(await collected(act)).toEqual({ closed: [], warned: [] });
  });
});
