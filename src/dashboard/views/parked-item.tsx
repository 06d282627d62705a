import type { ParkedItem, Replayed } from '../../api/answers.ts';
import { get, post } from '../api.ts';
import { foreign, say, sayCode } from '../language.ts';
import { Action, ActionForm, ScopeNeeded } from '../parts/action.tsx';
import { ActivityOf, useActivity } from '../parts/activity-of.tsx';
import { State } from '../parts/badge.tsx';
import { Copy } from '../parts/copy.tsx';
import { Facts } from '../parts/facts.tsx';
import { Field } from '../parts/field.tsx';
import { Head } from '../parts/head.tsx';
import { Lines } from '../parts/lines.tsx';
import { Moment } from '../parts/moment.tsx';
import { Failure, type Notice, Noticed, useNotice } from '../parts/notice.tsx';
import { Advice, What } from '../parts/server-text.tsx';
import { writeRoute } from '../route.ts';
import { useLoad } from '../use-load.ts';
import type { View } from '../views.ts';
import { sayStatement } from '../words/say-statement.ts';
import { askForDiscard } from './ask-reason.tsx';
import { meaningOf } from './item-columns.tsx';
import { findWay } from './parked-ways.ts';
import { findProductOf, switchProduct } from './switch-product.tsx';

/** One parked item with the bytes that came, what its reason means and what to do. */
export const ParkedItemView: View = ({ id }) => {
  const notice = useNotice();
  const path = `parked/${encodeURIComponent(id)}`;
  const { data, error, reload } = useLoad((signal) => get<ParkedItem>(path, {}, signal), [path]);
  const records = useActivity({ kind: 'parked', id }, data?.state);
  return (
    <>
      <Head
        title={say('parked.itemTitle', { id })}
        trail={<a href={writeRoute('parked')}>{say('parked.title')}</a>}
      />
      <Failure error={error} />
      {data && (
        <>
          <p class="state">
            <State of={data.state} /> <code>{data.reason}</code>
          </p>
          <Facts facts={listFacts(data)} />
          {data.state === 'PARKED' && <Actions item={data} path={path} notice={notice} reload={reload} />}
          <Noticed notice={notice} />
          <h2>{say('parked.original')}</h2>
          <Lines text={showOriginal(data)} label={say('parked.original')} id="original" />
          <ActivityOf kind="parked" id={id} records={records} />
        </>
      )}
    </>
  );
};

interface ActionsProps {
  item: ParkedItem;
  path: string;
  notice: Notice;
  reload: () => Promise<void>;
}

/** The button that can succeed comes first and is the primary one. */
function Actions({ item, path, notice, reload }: ActionsProps) {
  const way = findWay(item.reason);
  const productId = findProductOf(item);
  /** Another operator may have been faster, so what it is now is shown in any case. */
  const change = <Answer,>(verb: 'replay' | 'discard', body?: object) =>
    post<Answer>(`${path}/${verb}`, body).finally(reload);
  const replay = async (options?: object) => {
    const { state, code, detail, instanceId } = await change<Replayed>('replay', options);
    if (state !== 'PARKED') {
      notice.say(
        <>
          {say('parked.replayed')} {instanceId && <InstanceLink id={instanceId} />}
        </>,
      );
    } else {
      notice.warn(
        <>
          {say('parked.stays')} <What code={code} detail={detail} />
        </>,
      );
    }
  };
  const discard = async () => {
    const reason = await askForDiscard(
      say('parked.discardOne', { id: item.id }),
      say('parked.discardWarning'),
    );
    if (!reason) return;
    await change('discard', { reason });
    notice.say(say('parked.discarded'));
  };
  const enable = async () => {
    await switchProduct(productId ?? '', true);
    notice.say(`${say('product.enabled', { productId: productId ?? '' })} ${say('product.nowReplay')}`);
  };
  return (
    <>
      {way === 'userId' && (
        <ActionForm
          class="filter"
          label={say('parked.replayFor')}
          id="replay-for"
          scope="act"
          notice={notice}
          submit={(text) => replay({ userId: text('userId') })}
        >
          <Field label={say('parked.buyer')} help={say('parked.buyerHelp')}>
            <input name="userId" inputMode="numeric" pattern="[1-9][0-9]{0,18}" required />
          </Field>
        </ActionForm>
      )}
      <p class="buttons">
        {way === 'enable' && productId && (
          <Action
            label={say('product.enableOne', { productId })}
            id="enable-product"
            scope="admin"
            notice={notice}
            act={enable}
          />
        )}
        {way === 'create' && productId && (
          <a
            class="button"
            id="create-product"
            href={writeRoute('products', undefined, { create: productId })}
          >
            {say('product.createOne', { productId })}
          </a>
        )}
        {way === 'amount' && (
          <Action
            label={say('parked.acceptAmount')}
            hint={say('parked.acceptAmountHint')}
            kind="primary"
            id="accept-amount"
            notice={notice}
            act={() => replay({ acceptAmount: true })}
          />
        )}
        <Action
          label={say('parked.replay')}
          kind={way === 'replay' ? 'primary' : 'plain'}
          id="replay"
          notice={notice}
          act={() => replay()}
        />
        <Action label={say('parked.discard')} kind="danger" id="discard" notice={notice} act={discard} />
        <small>{say(`way.${way}`)}</small>
        <ScopeNeeded scope="act" />
      </p>
    </>
  );
}

function listFacts(item: ParkedItem) {
  const { reason, detail, advice, resolvedAt, instanceId, jobId } = item;
  return [
    [say('parked.meaning'), meaningOf(reason, detail)],
    [say('parked.detail'), <span {...foreign()}>{detail}</span>],
    [say('parked.advice'), advice && <Advice code={reason} advice={advice} />],
    [say('parked.guide'), <GuideLink reason={reason} />],
    [say('parked.origin'), sayCode('origin', item.origin)],
    [say('instance.source'), item.source],
    [say('instance.scope'), item.scope],
    [say('instance.sourceId'), item.sourceId && <Copy text={item.sourceId} />],
    [say('parked.parkedAt'), <Moment iso={item.parkedAt} />],
    [say('parked.attempts'), String(item.attempts)],
    [say('parked.resolvedAt'), resolvedAt && <Moment iso={resolvedAt} />],
    [say('parked.resolvedBy'), item.resolvedBy],
    [say('parked.resolution'), item.resolution && sayStatement(item.resolution)],
    [say('instance.id'), instanceId && <InstanceLink id={instanceId} />],
    [say('job.title'), jobId && <a href={writeRoute('parked', `jobs/${jobId}`)}>{jobId}</a>],
  ] as const;
}

/** The section of the operating guide, which is served with the page. */
function GuideLink({ reason }: { reason: string }) {
  return (
    <a href={`guide.html#${reason.toLowerCase()}`} id="guide" target="_blank" rel="noopener">
      {say('parked.guideLink')}
    </a>
  );
}

function InstanceLink({ id }: { id: string }) {
  return (
    <a href={writeRoute('instances', id)} id="its-instance">
      {id}
    </a>
  );
}

/** Text where it is text that can be seen; else the bytes as hexadecimal, sixteen a line. */
function showOriginal({ original, originalText }: ParkedItem): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what makes bytes unreadable as text
  if (originalText !== null && !/[\u0000-\u0008\u000e-\u001f]/.test(originalText)) return originalText;
  const bytes = [...atob(original)].map((char) => char.charCodeAt(0).toString(16).padStart(2, '0'));
  const lines = Array.from({ length: Math.ceil(bytes.length / 16) }, (_, i) =>
    bytes.slice(i * 16, i * 16 + 16),
  );
  return lines.map((line) => line.join(' ')).join('\n');
}
