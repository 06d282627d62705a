import { duration, oneOf, setting, share } from '../setting.ts';

/** The simulated Resource Domain. */
export const resourceSettings = {
  simulateResource: setting(
    'resource.simulate',
    oneOf('auto', 'true', 'false'),
    'auto',
    'auto, true or false',
    'Answer for a Resource Domain that is not there. auto: with the embedded queue.',
  ),
  resourceDelayMs: duration(
    'resource.delayMs',
    0,
    1_000,
    'The simulated Resource Domain answers after this long.',
  ),
  resourceFailPercent: share('resource.failPercent', 'Of its answers are FAILED.'),
  resourceSilentPercent: share('resource.silentPercent', 'Are never answered.'),
  resourceLatePercent: share('resource.latePercent', 'Are answered after resource.lateMs.'),
  resourceLateMs: duration('resource.lateMs', 0, 60_000, 'What late means.'),
  resourceRepeatPercent: share('resource.repeatPercent', 'Are answered twice.'),
  resourceContradictPercent: share(
    'resource.contradictPercent',
    'Are answered a second time with the opposite.',
  ),
};
