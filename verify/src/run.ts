import { setMaxListeners } from 'node:events';
import { drive } from './drive/drive.ts';
import { perform } from './drive/perform.ts';
import { createPlan } from './drive/plan.ts';
import { probe } from './drive/probe.ts';
import { createSenders } from './drive/send.ts';
import { createShop } from './drive/shop.ts';
import { Traffic } from './drive/traffic.ts';
import { gather } from './evidence/gather.ts';
import { History } from './history/history.ts';
import type { Operation } from './history/operation.ts';
import { openInstallation } from './installation/open-installation.ts';
import type { VerifyOptions } from './options.ts';
import { settle } from './settle.ts';
import { buildVerdict, type Verdict } from './verdict.ts';

/**
 * Buys from an installation in every way, waits until everything has settled, and judges what became of it.
 *
 * @throws CannotRun when nothing can be said of the installation; also what `atHalfTime` throws
 */
export async function runVerification(options: VerifyOptions): Promise<Verdict> {
  const { redisMayLose = false, atHalfTime, signal, onProgress = () => {} } = options;
  const plan = createPlan(options);
  const shop = createShop(plan.terms);
  const history = new History();
  const over = new AbortController();
  // Every caller that waits listens to it.
  setMaxListeners(0, over.signal);
  const installation = await openInstallation(options, shop, over.signal);
  const { weirs, domain } = installation;
  try {
    const senders = createSenders({ ...installation, shop, webhookSecret: options.webhookSecret });
    const performOne = (operation: Operation) =>
      perform({ senders, history, signal: over.signal }, operation);
    const traffic = new Traffic(shop, plan);
    const probed = await probe({ traffic, mix: plan.mix, perform: performOne, weirs, domain });

    const drivenFromMs = Date.now();
    const unanswered = await drive({
      ...{ traffic, plan, probed, perform: performOne, atHalfTime, signal },
      onProgress: (sent) => onProgress(`sent ${sent} of ${Math.max(sent, plan.count)}`),
    });
    const { evidence, judgement } = await settle({
      look: () => gather({ ...installation, shop, operations: history.operations, redisMayLose }),
      countMessages: () => domain?.copies ?? 0,
      waitMs: plan.waitMs,
      onLook: (violations) => onProgress(`settling: ${violations} open`),
    });
    over.abort();
    await Promise.all(unanswered);
    return buildVerdict({ target: options, shop, history, evidence, judgement, domain, drivenFromMs });
  } finally {
    over.abort();
    await installation.close();
  }
}
