import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Page, Product } from '../../api/answers.ts';
import { get } from '../api.ts';
import { say, type WordKey } from '../language.ts';
import { Action, ScopeNeeded } from '../parts/action.tsx';
import { Field, Select } from '../parts/field.tsx';
import { Head } from '../parts/head.tsx';
import { Failure, Noticed, useNotice } from '../parts/notice.tsx';
import { Panel } from '../parts/panel.tsx';
import { isTryOn } from '../start.ts';
import { useLoad } from '../use-load.ts';
import type { View } from '../views.ts';
import { Missing } from './missing.tsx';
import { type TryLine, TryLog } from './try-log.ts';
import { createMissingProduct, parkSomething, replayIt } from './try-parked.tsx';
import { buyAndFail, buyInSale, orderAndPay, receiveGift, winMany } from './try-purchases.tsx';

type Attempt = (productId: string, log: TryLog, signal: AbortSignal) => Promise<void>;

interface TryStep {
  title: WordKey;
  text: WordKey;
  /** The first is the one to begin with. */
  tries: readonly (readonly [id: string, label: WordKey, attempt: Attempt])[];
}

const steps: readonly TryStep[] = [
  {
    title: 'try.buyTitle',
    text: 'try.buyText',
    tries: [
      ['buy', 'try.buy', buyInSale],
      ['order', 'try.order', orderAndPay],
      ['gift', 'try.gift', receiveGift],
      ['many', 'try.many', winMany],
    ],
  },
  { title: 'try.failTitle', text: 'try.failText', tries: [['fail', 'try.fail', buyAndFail]] },
  {
    title: 'try.parkTitle',
    text: 'try.parkText',
    tries: [
      ['park', 'try.park', parkSomething],
      ['create', 'try.create', createMissingProduct],
      ['replay-parked', 'try.replay', replayIt],
    ],
  },
];

/** Opening a sale and creating a product are the administrator's. */
const adminTries = new Set(['buy', 'fail', 'create']);

/** Real traffic by clicking, so that a newcomer sees the whole way. Only where it is switched on. */
const Try: View = () => {
  const log = useMemo(() => new TryLog(), []);
  const stop = useMemo(() => new AbortController(), []);
  useEffect(() => () => stop.abort(), []);
  const [productId, setProductId] = useState('');
  const { data, error } = useLoad((signal) => get<Page<Product>>('products', { limit: 500 }, signal));
  const enabled = data?.items.filter((product) => product.enabled) ?? [];
  const chosen = productId || enabled[0]?.id || '';
  if (isTryOn.value === false) return <Missing />;
  return (
    <>
      <Head title={say('try.title')}>
        <Field label={say('instance.product')}>
          <Select
            id="product"
            options={enabled.map(({ id, name }) => [id, `${id} · ${name}`])}
            chosen={chosen}
            onChange={(event) => setProductId(event.currentTarget.value)}
          />
        </Field>
      </Head>
      <Failure error={error} />
      <ScopeNeeded scope="admin" />
      <div class="steps">
        {(data ? steps : []).map((step) => (
          <Step key={step.title} step={step} run={(attempt) => attempt(chosen, log, stop.signal)} />
        ))}
      </div>
      <Panel title={say('try.log')}>
        <div role="log" aria-label={say('try.log')}>
          {log.lines.value.length === 0 && <p class="empty">{say('try.nothingYet')}</p>}
          <ol class="log">
            {log.lines.value.map((line) => (
              <Line key={line} line={line} />
            ))}
          </ol>
        </div>
      </Panel>
    </>
  );
};

function Step({
  step: { title, text, tries },
  run,
}: {
  step: TryStep;
  run: (attempt: Attempt) => Promise<void>;
}) {
  const notice = useNotice();
  return (
    <Panel title={say(title)}>
      <p>{say(text)}</p>
      <p class="buttons">
        {tries.map(([id, label, attempt], i) => (
          <Action
            key={id}
            id={id}
            label={say(label)}
            scope={adminTries.has(id) ? 'admin' : 'act'}
            kind={i === 0 ? 'primary' : 'plain'}
            notice={notice}
            act={() => run(attempt)}
          />
        ))}
      </p>
      <Noticed notice={notice} />
    </Panel>
  );
}

function Line({ line: { what, outcome } }: { line: TryLine }) {
  return (
    <li>
      <span class="what">{what}</span>
      <span class="outcome">{outcome.value}</span>
    </li>
  );
}

export const show = (): View => Try;
