import type { Parked, Product } from '../../api/answers.ts';
import { call } from '../api.ts';
import { say } from '../language.ts';
import { ask } from '../parts/dialog.tsx';

/** To disable one is asked about first. @returns undefined when that was not confirmed */
export async function switchProduct(productId: string, enabled: boolean): Promise<Product | undefined> {
  const question = () =>
    ask({
      title: say('product.disableTitle', { productId }),
      content: <p>{say('product.disableWarning')}</p>,
      confirm: say('product.disable'),
      isDangerous: true,
    });
  if (!enabled && !(await question())) return undefined;
  return call<Product>('PATCH', `products/${productId}`, { body: { enabled } });
}

/** On whose stream a parked entry stood; undefined where its key ends in no product id. */
export function findProductOf({ scope }: Pick<Parked, 'scope'>): string | undefined {
  return /:([1-9]\d{0,18})$/.exec(scope)?.[1];
}
