import { expect, it } from 'vitest';
import type { NatsServer } from '../../src/cli/cluster/nats-server.ts';
import type { NodeProcess } from '../../src/cli/cluster/node-process.ts';
import type { TenantHandle } from '../../src/index.ts';
import { idsOf, untilOpening } from './live-sessions.ts';
import { endsOf, openFilled, startCluster } from './running-cluster.ts';

interface Following {
  readonly offsets: readonly number[];
  readonly stop: () => Promise<void>;
}

function follow(tenant: TenantHandle, from: number): Following {
  const offsets: number[] = [];
  const stopped = new AbortController();
  const reading = (async () => {
    for await (const { offset } of tenant.lifecycle({ from, follow: true, signal: stopped.signal })) offsets.push(offset);
  })().catch(() => undefined);
  return {
    offsets,
    stop: async () => {
      stopped.abort();
      await reading;
    },
  };
}

async function replayed(tenant: TenantHandle): Promise<number[]> {
  const offsets: number[] = [];
  for await (const { offset } of tenant.lifecycle({ from: 0 })) offsets.push(offset);
  return offsets;
}

/** Offsets of the server-sent events after `last`, until there are so many. */
async function resumed({ url }: NodeProcess, last: number, count: number): Promise<number[]> {
  const headers = { 'mayfly-tenant': 'acme', accept: 'text/event-stream', 'last-event-id': String(last) };
  const stop = new AbortController();
  const answer = await fetch(`${url}/v1/lifecycle?follow=1`, { headers, signal: stop.signal });
  let text = '';
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if ([...text.matchAll(/^id: ?\d+$/gm)].length >= count) break;
  }
  stop.abort();
  return [...text.matchAll(/^id: ?(\d+)$/gm)].map(([, id]) => Number(id));
}

it('every record of the tenant, and of nobody else, is followed once and in order through each node, a restart of NATS in between', async () => {
  await using running = await startCluster();
  const { nodes, nats } = running.cluster;
  const acme = running.everywhere.tenant('acme');
  const before = await openFilled(acme, 6);
  await (await running.everywhere.tenant('rival').openSession()).close();
  const following: Following[] = [];
  for (const node of nodes) following.push(follow((await running.connect(node)).tenant('acme'), 0));
  await Promise.all(before.map(({ session }) => session.close()));
  const [server] = nats as [NatsServer];
  await server.stop();
  await server.start();
  await untilOpening(nodes);
  const after = await openFilled(acme, 6);
  await Promise.all(after.map(({ session }) => session.close()));
  await endsOf(acme, idsOf([...before, ...after]), 20_000);
  // An opening that was refused as NATS went may have landed, and has its end a moment later.
  for (const { offsets } of following)
    await expect.poll(async () => [offsets, await replayed(acme)].map(String)).toSatisfy((both: string[]) => both[0] === both[1]);
  const all = await replayed(acme);
  const [last, ...rest] = all.slice(-9);
  expect(await resumed(nodes[2] as NodeProcess, last ?? 0, rest.length)).toEqual(rest);
  await Promise.all(following.map((one) => one.stop()));
});
