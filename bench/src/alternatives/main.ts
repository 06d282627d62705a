// A process of its own, like Weir. `go` starts the clock; the report ends it.
import { alternatives } from './list.ts';
import { runAlternative } from './run.ts';
import { type Order, openWorld } from './world.ts';

const order = JSON.parse(process.argv[2] ?? '{}') as Order;

process.on('disconnect', () => process.exit(1)); // the bench has ended

try {
  const alternative = alternatives.find(({ name }) => name === order.alternative);
  if (alternative === undefined) throw new Error(`there is no alternative ${order.alternative}`);
  let done = 0;
  const world = await openWorld(order, alternative.poolSize ?? 10, (count) => {
    done += count;
  });
  const running = await alternative.start(world);
  process.on('message', (message) => {
    if (message === 'go') {
      runAlternative(world, alternative, running, () => done).then(
        (report) => process.send?.({ report }),
        (error) => process.send?.({ failed: describe(error) }),
      );
    } else if (message === 'stop') {
      // Handles that a library does not close must not keep the event loop alive.
      Promise.resolve(running.stop?.()).finally(() => process.exit(0));
    }
  });
  process.send?.('ready');
} catch (error) {
  process.send?.({ failed: describe(error) });
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
