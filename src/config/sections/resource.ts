import { duration, oneOf, setting, share } from '../setting.ts';

/** The simulated Resource Domain. */
export const resourceSettings = {
  simulateResource: setting(
    'resource.simulate',
    oneOf('auto', 'true', 'false'),
    'auto',
    'auto, true or false',
    'Whether Weir simulates a Resource Domain. auto: with the embedded queue.',
  ),
  resourceDelayMs: duration(
    'resource.delayMs',
    0,
    1_000,
    'The simulated Resource Domain answers after this long.',
  ),
  resourceFailPercent: share('resource.failPercent', 'Percentage of its answers that are FAILED.'),
  resourceSilentPercent: share('resource.silentPercent', 'Percentage of events that it never answers.'),
  resourceLatePercent: share(
    'resource.latePercent',
    'Percentage of events that it answers after resource.lateMs.',
  ),
  resourceLateMs: duration('resource.lateMs', 0, 60_000, 'How late a late answer is.'),
  resourceRepeatPercent: share('resource.repeatPercent', 'Percentage of events that it answers twice.'),
  resourceContradictPercent: share(
    'resource.contradictPercent',
    'Percentage of events that it answers a second time with the opposite.',
  ),
};
