import { beforeEach } from 'vitest';
import { findTitleFault, lacksSubject } from './title-rules.ts';

/** Checks each title as it runs: those of tables are complete only here. test/unit/titles.test.ts checks the others. */
beforeEach(({ task: { name } }) => {
  const fault = lacksSubject(name) ? 'begins without a subject' : findTitleFault(name);
  if (fault !== undefined) throw new Error(`the title "${name}" ${fault}`);
});
