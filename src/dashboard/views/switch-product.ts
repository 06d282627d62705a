import type { Parked, Product } from '../../api/answers.ts';
import { call } from '../api.ts';
import { make } from '../element.ts';
import { say } from '../language.ts';
import { ask } from '../parts/dialog.ts';

/** To disable one is asked about first. @returns undefined when that was not confirmed */
export async function switchProduct(productId: string, enabled: boolean): Promise<Product | undefined> {
  const isSure =
    enabled ||
    (await ask({
      title: say('product.disableTitle', { productId }),
      content: [make('p', {}, say('product.disableWarning'))],
      confirm: say('product.disable'),
      isDangerous: true,
    }));
  return isSure ? call<Product>('PATCH', `products/${productId}`, { body: { enabled } }) : undefined;
}

/** On whose stream a parked entry stood; undefined where its key ends in no product id. */
export function findProductOf({ scope }: Pick<Parked, 'scope'>): string | undefined {
  return /:([1-9]\d{0,18})$/.exec(scope)?.[1];
}
