import { Command, Option } from 'commander';
import { alignColumns } from './columns.ts';
import { asUsage } from './failure.ts';
import { print, printJson } from './output.ts';

interface Flags {
  readonly url: string;
  readonly token?: string;
  readonly json?: true;
}

interface NodeRow {
  readonly node_id: string;
  readonly url?: string;
  readonly state?: string;
  readonly open_sessions?: number;
  readonly max_sessions?: number;
}

/** `mayfly nodes`: the nodes of the cluster, as the one that is asked sees them. */
export function nodesCommand(): Command {
  return new Command('nodes')
    .description('List the nodes of the cluster, as the one that is asked sees them')
    .addOption(new Option('--url <url>', 'the node').env('MAYFLY_URL').default('http://127.0.0.1:7464'))
    .addOption(new Option('--token <token>', "an operator's token, where the node wants one").env('MAYFLY_TOKEN'))
    .option('--json', 'print JSON')
    .action(async ({ url, token, json }: Flags) => {
      const { HttpCaller } = await import('../client/http-caller.ts');
      const caller = await asUsage(() => new HttpCaller(url, token === undefined || token === '' ? {} : { token }));
      try {
        const exchange = await caller.call({ method: 'GET', path: '/v1/cluster', tenant: undefined });
        const view = (await exchange.json()) as { readonly nodes: readonly NodeRow[] };
        if (json === true) return await printJson(view);
        const rows = view.nodes.map((node) => [node.node_id, node.state ?? '', `${node.open_sessions ?? ''} of ${node.max_sessions ?? ''}`, node.url ?? '']);
        await print(alignColumns(['node', 'state', 'sessions', 'url'], rows));
      } finally {
        caller.close();
      }
    });
}
