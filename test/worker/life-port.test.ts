import { describe, expect, it } from 'vitest';
import { LifePort, probeLife } from '../../src/worker/life-port.ts';

describe('a life port', () => {
  it.each(['127.0.0.1', 'localhost'])('of %s tells its holder alive until it is let go (I4)', async (host) => {
    const port = await LifePort.open(host);
    expect(port.name).toMatch(/^(127\.0\.0\.1|\[::1\]):\d+@/);
    expect(await probeLife(port.name)).toBe('held');
    await port.close();
    expect(await probeLife(port.name)).toBe('released');
  });

  it.each(['192.0.2.1', 'no-such-host.invalid'])('is not opened on %s, which is no address of this machine', async (host) => {
    await expect(LifePort.open(host)).rejects.toMatchObject({ code: 'invalid_request', field: 'advertise' });
  });
});
