import { advanced, duration, oneOf, setting, share } from '../setting.ts';

/** `resource`: the simulated Resource Domain, for testing the reactions of a shop or an alert. */
export const resourceSettings = {
  simulate: setting(
    oneOf('auto', 'true', 'false'),
    'auto',
    'auto, true or false',
    'Whether Weir simulates a Resource Domain. auto: with the embedded queue. Set true to try a broker without one.',
  ),
  delayMs: duration(
    0,
    1_000,
    'The simulated Resource Domain answers after this long. Change it to what yours needs.',
  ),
  failPercent: share('Percentage of its answers that are FAILED. Raise it to see compensations.'),
  silentPercent: advanced(share('Percentage of events that it never answers. Raise it to see timeouts.')),
  latePercent: advanced(
    share('Percentage of events that it answers after resource.lateMs. Raise it to see late results.'),
  ),
  lateMs: advanced(
    duration(
      0,
      60_000,
      'How late a late answer is. Raise it beyond overdue.deadlineMs to see republished events.',
    ),
  ),
  repeatPercent: advanced(share('Percentage of events that it answers twice. Raise it to see repeats.')),
  contradictPercent: advanced(
    share(
      'Percentage of events that it answers a second time with the opposite status. Raise it to see conflicts.',
    ),
  ),
};
