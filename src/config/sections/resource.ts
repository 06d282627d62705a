import { advanced, duration, oneOf, setting, share } from '../setting.ts';

/** `resource`: the simulated Resource Domain, for testing the reactions of a shop or an alert. */
export const resourceSettings = {
  simulate: setting(
    oneOf('auto', 'true', 'false'),
    'auto',
    'auto, true or false',
    'Whether Weir simulates a Resource Domain. auto: with the embedded queue. Set true to test with a broker without a Resource Domain.',
  ),
  delayMs: duration(
    0,
    1_000,
    'The simulated Resource Domain returns a result after this long. Change it to the time that yours needs.',
  ),
  failPercent: share('Percentage of simulated results that are FAILED. Raise it to see compensations.'),
  silentPercent: advanced(
    share('Percentage of events without a simulated result. Raise it to see timeouts.'),
  ),
  latePercent: advanced(
    share(
      'Percentage of events with a simulated result after resource.lateMs. Raise it to see late results.',
    ),
  ),
  lateMs: advanced(
    duration(
      0,
      60_000,
      'Delay of a late simulated result. Raise it above overdue.deadlineMs to see republished events.',
    ),
  ),
  repeatPercent: advanced(
    share('Percentage of events with two equal simulated results. Raise it to see repeats.'),
  ),
  contradictPercent: advanced(
    share(
      'Percentage of events with a second simulated result of the opposite status. Raise it to see conflicts.',
    ),
  ),
};
