import type { Components } from './components.ts';
import {
  type OpenResourceDomain,
  openBrokerQueues,
  openEmbeddedQueues,
  openResourceDomain,
} from './open-resource-domain.ts';
import { simulatesResource } from './queues.ts';

/** Runs the simulated Resource Domain, if the configuration asks for one. */
export function addSimulatedDomain({
  config,
  emit,
  lifecycle,
  database,
}: Pick<Components, 'config' | 'emit' | 'lifecycle' | 'database'>): OpenResourceDomain | undefined {
  if (!simulatesResource(config)) return undefined;
  const onAnswered = (tally: object) => emit({ type: 'resource domain answered', tally });
  const domain =
    config.data.rabbitmq.url === ''
      ? openResourceDomain(openEmbeddedQueues(config, database), config.resource, emit, onAnswered)
      : openResourceDomain(openBrokerQueues(config, emit), config.resource, emit, onAnswered);
  lifecycle.defer('simulated resource domain', domain.close);
  lifecycle.plan('simulated resource domain', (signal) => domain.run(signal));
  return domain;
}
