import { aftermathSettings } from './settings/aftermath.ts';
import { intakeSettings } from './settings/intake.ts';
import { resourceSettings } from './settings/resource.ts';
import { saleSettings } from './settings/sale.ts';
import { serverSettings } from './settings/server.ts';
import { storeSettings } from './settings/stores.ts';

export type { Role } from './settings/server.ts';

/** Every setting there is: the file, the environment, `weir doctor` and the README's table are read off this. */
export const settings = {
  ...serverSettings,
  ...storeSettings,
  ...intakeSettings,
  ...saleSettings,
  ...aftermathSettings,
  ...resourceSettings,
};

export type Config = { [Name in keyof typeof settings]: ReturnType<(typeof settings)[Name]['parse']> };
