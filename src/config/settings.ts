import { aftermathSettings } from './sections/aftermath.ts';
import { intakeSettings } from './sections/intake.ts';
import { resourceSettings } from './sections/resource.ts';
import { saleSettings } from './sections/sale.ts';
import { serverSettings } from './sections/server.ts';
import { storeSettings } from './sections/stores.ts';

export type { Role } from './sections/server.ts';

/** Every setting there is: the file, the environment, `weir doctor` and the README's table are read off this. */
export const settings = {
  ...serverSettings,
  ...storeSettings,
  ...intakeSettings,
  ...saleSettings,
  ...aftermathSettings,
  ...resourceSettings,
};

/** Documented apart: few installations ever change them. */
export const advancedSettings: ReadonlySet<keyof typeof settings> = new Set([
  'loginsPerMinute',
  'maxConnections',
  'maxConnectionsPerAddress',
  'headersTimeoutMs',
  'backlogEveryMs',
  'batchSize',
  'minIdleMs',
  'lanes',
  'saleMaxWaiting',
  'saleMaxLoopDelayMs',
  'managementUrl',
  'maxPublications',
  'auditEveryMs',
  'archiveFolder',
  'idempotencyKeptMs',
  'resourceSilentPercent',
  'resourceLatePercent',
  'resourceLateMs',
  'resourceRepeatPercent',
  'resourceContradictPercent',
]);

export type Config = { [Name in keyof typeof settings]: ReturnType<(typeof settings)[Name]['parse']> };
