import { lifecycleLogConforms } from '../conformance/lifecycle-log.ts';
import { openNode, removeStreams, serversOfSuite } from './nats-node.ts';

for (const count of [1, 3] as const) {
  const servers = serversOfSuite(count);
  lifecycleLogConforms(`in a stream on ${count} NATS server${count === 1 ? '' : 's'}`, async () => {
    await removeStreams(servers);
    return (await openNode(servers)).log;
  });
}
